"""Cancellation reasons in the public API's words, for clients whose generated code knows no others.

The true reason is what is stored. It is renamed where an order becomes JSON, in events and answers alike, and the
sentence in `cancellation_details` stays as it is.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import UNSET, UnsetType

from orderlane.domain.order import OrderCancellationReason
from orderlane.domain.portfolio_order import CancellationReason

BY_PLATFORM: Final = "CANCELLED_BY_UPVEST"
"""The only public reason of a portfolio order that claims nothing but that it was not the client."""

OFFICIAL_REASONS: Final[Mapping[CancellationReason, str]] = {
    CancellationReason.CANCELLED_BY_CLIENT: "CANCELLED_BY_CLIENT",
    CancellationReason.ACCOUNT_IS_EMPTY: "ACCOUNT_IS_EMPTY",
    CancellationReason.PORTFOLIO_IS_BALANCED: "PORTFOLIO_IS_BALANCED",
    CancellationReason.SELL_LIMIT_EXCEEDED: "SELL_LIMIT_EXCEEDED",
    CancellationReason.CANCELLED_BY_OPERATIONS: BY_PLATFORM,
    CancellationReason.INSUFFICIENT_FUNDS: BY_PLATFORM,
    CancellationReason.ACCOUNT_NOT_ACTIVE: BY_PLATFORM,
    CancellationReason.CONFIGURATION_IS_MISSING: BY_PLATFORM,
    CancellationReason.INSTRUMENT_NOT_TRADABLE: BY_PLATFORM,
    CancellationReason.AMOUNT_TOO_SMALL: BY_PLATFORM,
    CancellationReason.PARTIALLY_EXECUTED: BY_PLATFORM,
    CancellationReason.NOT_EXECUTED: BY_PLATFORM,
}
"""What each reason of a portfolio order is called in the public API."""

OFFICIAL_ORDER_REASONS: Final[Mapping[OrderCancellationReason, str]] = {
    OrderCancellationReason.CANCELLED_BY_CLIENT: "CANCELLED_BY_CLIENT",
    OrderCancellationReason.CANCELLED_BY_OPERATIONS: "CANCELLED_BY_UPVEST_OPERATIONS",
    OrderCancellationReason.CANCELLED_BY_TRADING_PARTNER: "CANCELLED_BY_TRADING_PARTNER",
    OrderCancellationReason.CANCELLED_BY_PLATFORM: "CANCELLED_BY_UPVEST_PLATFORM",
}
"""What each reason of an individual order is called in the public API."""


def told_reason(reason: CancellationReason | None, *, official: bool) -> str | UnsetType:
    """The reason of a portfolio order as its client is told it; absent where there is none."""
    if reason is None:
        return UNSET
    return OFFICIAL_REASONS[reason] if official else reason.value


def told_order_reason(reason: OrderCancellationReason | None, *, official: bool) -> str | UnsetType:
    """The reason of an individual order as its client is told it; absent where there is none."""
    if reason is None:
        return UNSET
    return OFFICIAL_ORDER_REASONS[reason] if official else reason.value
