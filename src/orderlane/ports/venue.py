"""A venue executes individual orders, and the gateway carries what it says into the inbox.

The order's id is the client order id at the venue, so sending one twice is harmless.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final, Generic, Protocol, TypeVar

from msgspec import Struct

from orderlane.domain.ids import AccountId, OrderId
from orderlane.domain.lane.reporting import VenueReport
from orderlane.domain.order import Order, Side
from orderlane.domain.parent_order import ParentOrder
from orderlane.sources import Clock

SettingsT = TypeVar("SettingsT")


class VenueOrder(Struct, frozen=True, kw_only=True):
    """An individual order as a venue gets it: a market order for `cash_amount` of `currency`, or `quantity` units.

    `limit` is the reservation, never to be exceeded: cash of `currency` for a BUY, units for a SELL.
    """

    order_id: OrderId
    account_id: AccountId
    lane: int
    side: Side
    isin: str
    cash_amount: Decimal
    quantity: Decimal
    limit: Decimal
    currency: str
    reference_price: Decimal
    fractional: bool


def venue_order(parent: ParentOrder, order: Order, lane: int) -> VenueOrder:
    """An individual order of a parent order as its venue gets it: the only place where one is made."""
    return VenueOrder(
        order_id=order.id,
        account_id=parent.account_id,
        lane=lane,
        side=order.side,
        isin=order.isin,
        cash_amount=order.cash_amount,
        quantity=order.quantity,
        limit=order.locked,
        currency=parent.currency,
        reference_price=order.reference_price,
        fractional=order.fractional,
    )


class Answer(StrEnum):
    """What became of a sent order or of a cancel.

    ACCEPTED and REFUSED take proof; in doubt it is UNKNOWN, which is never retried blind: ask for the status first.
    """

    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"


class SendResult(Struct, frozen=True):
    """A venue's answer for one order, with its own words for a refusal."""

    answer: Answer
    reason: str = ""


ACCEPTED: Final = SendResult(Answer.ACCEPTED)
UNKNOWN: Final = SendResult(Answer.UNKNOWN)


def refused(reason: str) -> SendResult:
    """The answer of a venue that does not do what it was asked to."""
    return SendResult(Answer.REFUSED, reason)


class Venue(Protocol):
    """One venue. What it says of an order comes back by `next_reports`, the acknowledgement included.

    A lost connection is no error: the venue connects again by itself, and what is handed to it meanwhile is UNKNOWN.
    `send` and `cancel` that do not return within `GatewayLimits.answer_seconds_max` count as UNKNOWN too.
    """

    @property
    def name(self) -> str:
        """The venue's name in the table of venues."""
        ...

    async def send(self, orders: Sequence[VenueOrder]) -> Sequence[SendResult]:
        """Hand over orders; one result for each, in their order. An order that is there already is ACCEPTED again."""
        ...

    async def cancel(self, orders: Sequence[VenueOrder]) -> Sequence[SendResult]:
        """Ask for the end of orders; one result for each, in their order.

        ACCEPTED promises a report of the order's end, with the units that were traded before. REFUSED: the order takes
        its course, or is at its end already. Asking twice is harmless.
        """
        ...

    async def ask_status(self, orders: Sequence[VenueOrder]) -> None:
        """Have the venue report again all that it knows of these orders, and take those that it does not know."""
        ...

    async def forget(self, lanes: Collection[int]) -> None:
        """Drop what is in memory of the lanes, and say nothing of it: another gateway serves them now."""
        ...

    async def next_reports(self) -> Sequence[VenueReport]:
        """Wait until the venue says something; all that is there, in the order in which it was said.

        A wait that is cancelled loses nothing.
        """
        ...

    async def close(self) -> None:
        """Give back what was opened; nothing is asked of the venue afterwards."""
        ...


class VenueContext(Struct, frozen=True, kw_only=True):
    """What a venue gets to know of its surroundings: its `name` in the table of venues, and the business time."""

    name: str
    clock: Clock


class VenueKind(Struct, Generic[SettingsT], frozen=True, kw_only=True):
    """A kind of venue, registered by an entry point of the group `orderlane.venues`.

    `settings` is a dataclass whose fields are declared by `orderlane.ports.settings.declared`. `open` makes a venue of
    them; it may begin to connect, but does not wait for the other side.
    """

    settings: type[SettingsT]
    open: Callable[[SettingsT, VenueContext], Awaitable[Venue]]
