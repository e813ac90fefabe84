"""A venue executes individual orders, and the gateway carries what it says into the inbox.

The order's id is the client order id at the venue, so sending one twice is harmless.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from orderlane.domain.messages import VenueReport
from orderlane.domain.order import Side


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An individual order as a venue gets it: a market order for `cash_amount` of `currency`, or `quantity` units.

    `limit` is the reservation, never to be exceeded: cash of `currency` for a BUY, units for a SELL.
    """

    order_id: UUID
    portfolio_order_id: UUID
    account_id: UUID
    lane: int
    side: Side
    isin: str
    cash_amount: Decimal
    quantity: Decimal
    limit: Decimal
    currency: str
    reference_price: Decimal
    fractional: bool


class SendResult(StrEnum):
    """What became of a sent order. UNKNOWN is never retried blind: ask for its status, then decide."""

    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class AddressedReport:
    """A venue's report with the order that it is about."""

    order: VenueOrder
    report: VenueReport


class Venue(Protocol):
    """One venue. What it says of an order comes back by `next_reports`, the acknowledgement included."""

    @property
    def id(self) -> str:
        """The venue's name in executions."""
        ...

    async def send(self, orders: Sequence[VenueOrder]) -> Sequence[SendResult]:
        """Hand over orders; one result for each, in their order."""
        ...

    async def ask_status(self, orders: Sequence[VenueOrder]) -> None:
        """Have the venue report again all that it knows of these orders, and take those that it does not know."""
        ...

    async def forget(self, lanes: Collection[int]) -> None:
        """Drop what this process holds in memory of the lanes: another gateway serves them now."""
        ...

    async def next_reports(self) -> Sequence[AddressedReport]:
        """Wait until the venue says something; all that is there, in the order in which it was said."""
        ...
