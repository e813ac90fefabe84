"""The parent order: whatever a client orders, with the individual orders that carry it out."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypedDict, Unpack

from msgspec import Struct, structs

from orderlane.domain.ids import AccountId, AllocationId, ClientId, ParentOrderId, UserId
from orderlane.domain.order import ExecutionStatus, Order
from orderlane.domain.portfolio_order import (
    CancellationReason,
    InitiationFlow,
    PortfolioOrderStatus,
    PortfolioOrderType,
)


class ParentKind(StrEnum):
    """What a parent order is."""

    PORTFOLIO = "PORTFOLIO"
    LIQUIDATION = "LIQUIDATION"
    SINGLE = "SINGLE"


class ParentChanges(TypedDict, total=False):
    """What may change of a parent order after it was accepted."""

    status: PortfolioOrderStatus
    cancellation_reason: CancellationReason | None
    cancellation_details: str
    wave: int
    is_last_wave: bool
    sequence: int
    updated_at: datetime
    orders: tuple[Order, ...]


class ParentOrder(Struct, frozen=True, kw_only=True):
    """A portfolio order, liquidation or single order of an account.

    `cash_amount` of `currency` is what to trade, zero where the kind has no amount. `wave` counts the waves of
    individual orders that were opened, `is_last_wave` tells that no other is to come. `sequence` counts its events so
    far in the topics of its own kind and of its individual orders. `orders` are in the order of their legs.
    """

    id: ParentOrderId
    kind: ParentKind
    client_id: ClientId
    user_id: UserId
    account_id: AccountId
    allocation_id: AllocationId | None
    cash_amount: Decimal
    currency: str
    type: PortfolioOrderType
    status: PortfolioOrderStatus
    post_tax: bool
    client_reference: str
    initiation_flow: InitiationFlow
    cancellation_reason: CancellationReason | None = None
    cancellation_details: str = ""
    wave: int = 0
    is_last_wave: bool = True
    sequence: int = 0
    created_at: datetime
    updated_at: datetime
    orders: tuple[Order, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether none of its individual orders can trade any more."""
        return self.status not in (PortfolioOrderStatus.NEW, PortfolioOrderStatus.PROCESSING)

    def replace(self, **changes: Unpack[ParentChanges]) -> "ParentOrder":
        """The parent order with other values in some fields."""
        return structs.replace(self, **changes)


def settles_on(orders: Iterable[Order]) -> date | None:
    """The earliest settlement date of an execution that is not settled yet, None when there is none."""
    return min(
        (
            trade.settlement_date
            for order in orders
            for trade in order.executions
            if trade.status is ExecutionStatus.FILLED
        ),
        default=None,
    )
