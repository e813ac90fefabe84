"""What a gateway needs of its store: a share of the lanes, their orders to the venue, and the way into the inbox."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from orderlane.domain.messages import ReceiveVenueReports
from orderlane.ports.venue import VenueOrder


@dataclass(frozen=True, slots=True)
class WaitingOrder:
    """An individual order that the venue has not accepted yet; `id` is its place in the outbox."""

    id: int
    order: VenueOrder


@dataclass(frozen=True, slots=True)
class AccountReports:
    """What a venue said of individual orders of one account, for its lane."""

    lane: int
    account_id: UUID
    message: ReceiveVenueReports


class VenueOutbox(Protocol):
    """One gateway's hold on its lanes, and its access to them. Ownership ends with the session that it lives in."""

    async def rebalance(self) -> frozenset[int]:
        """Take free lanes up to a fair share, give back what is too much; the lanes now owned."""
        ...

    @property
    def is_rebalance_hinted(self) -> bool:
        """Whether lanes may have come free, or another gateway wants some, since the last rebalance."""
        ...

    async def orders_at_the_venue(self, lane: int) -> Sequence[VenueOrder]:
        """The lane's individual orders that a gateway has handed over and that are not at their end."""
        ...

    async def waiting_orders(
        self, lanes: Collection[int], without: Collection[int], limit: int
    ) -> Sequence[WaitingOrder]:
        """The oldest orders of the lanes that wait for the venue, except those at the places `without`."""
        ...

    async def record(self, handed_over: Collection[int], reports: Sequence[AccountReports]) -> None:
        """In one transaction: take orders out of the outbox, and hand reports to their lanes in this sequence."""
        ...

    async def wait_for_order(self, seconds_max: float) -> None:
        """Return when something may have come into the outbox, at the latest after `seconds_max`."""
        ...

    async def close(self) -> None:
        """Give everything back."""
        ...
