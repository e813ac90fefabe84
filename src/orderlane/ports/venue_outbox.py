"""What a gateway needs of its store: a share of the lanes, their orders to one venue, and the way into the inbox."""

from collections.abc import AsyncIterator, Collection, Sequence
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from orderlane.domain.ids import OrderId, ParentOrderId
from orderlane.domain.lane.reporting import ReceiveVenueReports
from orderlane.ports.venue import VenueOrder


class OutboxKind(StrEnum):
    """What a venue is to be told."""

    SEND = "SEND"
    CANCEL = "CANCEL"


class OutboxRow(Struct, frozen=True, kw_only=True):
    """What a wave of a parent order sends to, or cancels at, one venue; `orders` are those not answered for yet."""

    lane: int
    kind: OutboxKind
    orders: tuple[VenueOrder, ...]


class AnsweredOrder(Struct, frozen=True):
    """An individual order that leaves the outbox: the venue has answered for what it was to be told."""

    kind: OutboxKind
    order_id: OrderId


class ParentReports(Struct, frozen=True):
    """What the venue said of individual orders of one parent order, for its lane."""

    parent_id: ParentOrderId
    message: ReceiveVenueReports


class VenueOutbox(Protocol):
    """One gateway's hold on its lanes at its venue, and its access to them.

    Ownership ends with the session that it lives in. Every method raises StoreUnavailable.
    """

    lane_count: int

    async def redistribute(self) -> frozenset[int]:
        """Claim free lanes up to a fair share, give back what is too much; the lanes now owned."""
        ...

    @property
    def is_hinted(self) -> bool:
        """Whether lanes may have come free, or another gateway wants some, since they were last redistributed."""
        ...

    async def confirm(self, lanes: Collection[int]) -> None:
        """Make sure that the lanes are still owned.

        Raises:
            StoreUnavailable: they are not, or nobody knows.
        """
        ...

    def orders_at_the_venue(self, lanes: Collection[int]) -> AsyncIterator[Sequence[VenueOrder]]:
        """The open individual orders of these lanes that a gateway has handed over to this venue, in portions.

        Orders whose end waits in the inbox are not among them: to ask for their status could have them traded anew.
        """
        ...

    async def waiting(
        self, lanes: Sequence[int], without: Collection[ParentOrderId], rows_max: int
    ) -> Sequence[OutboxRow]:
        """The oldest rows of those lanes that are still owned, lane by lane in their order.

        Rows of the parents `without` are left out. Of one wave, what is sent comes before what is cancelled.
        """
        ...

    async def record(self, answered: Sequence[AnsweredOrder], reports: Sequence[ParentReports]) -> None:
        """In one transaction: take answered orders out of the outbox, and hand reports to their lanes in sequence."""
        ...

    async def wait_for_order(self, seconds_max: float) -> None:
        """Return when something may have come into the outbox, at the latest after `seconds_max`."""
        ...

    async def close(self) -> None:
        """Give everything back."""
        ...
