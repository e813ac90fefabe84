"""What a webhook sender needs of its store: a share of the subscriptions, their events, and cursors that move."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from orderlane.ports.webhooks import Attempt, EventFilter, Subscription


@dataclass(frozen=True, slots=True)
class Cursor:
    """A reader's place in every lane, each list by lane number.

    `positions` are those of the last events that are behind it. No event in front of it is older than `event_times`,
    so that the database need not look into older partitions.
    """

    positions: Sequence[int]
    event_times: Sequence[datetime]


class PendingEvent(NamedTuple):
    """An event to be delivered; `payload` is its frozen JSON without `webhook_id`."""

    created_at: datetime
    lane: int
    position: int
    id: UUID
    payload: bytes
    client_id: UUID
    type: str


@dataclass(frozen=True, slots=True)
class ReadEvents:
    """Events that pass a filter, by created_at, lane and position.

    `reached` is where the reading ended; it may lie behind events that the filter dropped. `is_all` when it ended at
    the heads of the lanes.
    """

    events: Sequence[PendingEvent]
    reached: Cursor
    is_all: bool


@dataclass(frozen=True, slots=True)
class Package:
    """What one request carries: the events between a subscription's cursor and `reached` that pass `filter`.

    Stored before it is sent, so that every retry carries the same bytes under the same `id`, its `webhook-id`.
    """

    id: UUID
    created_at: datetime
    reached: Cursor
    filter: EventFilter


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """Where a subscription's delivery stands: what is delivered, and the package that is not yet.

    `attempts` counts those that failed; the next is due at `next_attempt_at`, None for at once.
    """

    cursor: Cursor
    package: Package | None
    attempts: int
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class Failure:
    """What follows from a failed attempt: when the next is due, or why the subscription is disabled."""

    next_attempt_at: datetime | None
    disabled_reason: str | None = None


class Wake(NamedTuple):
    """What a sender was told of; a hint, as polling is the truth."""

    events: bool
    subscriptions: bool


class CursorMoved(Exception):
    """Somebody else has moved the cursor, or the subscription is gone: what this sender knew is no longer so."""


class DeliveryStore(Protocol):
    """One sender's hold on its subscriptions. Every method raises StoreUnavailable.

    Ownership ends with the session on which cursors are written. Those writes are also checked against the package
    that they are about, and raise CursorMoved.
    """

    async def enabled(self) -> Mapping[int, datetime]:
        """All enabled subscriptions, of every owner: when each was last changed, by number."""
        ...

    async def surplus(self, numbers: Collection[int]) -> frozenset[int]:
        """The owned ones that `rebalance` is to give back: bring their deliveries to an end."""
        ...

    async def rebalance(self, numbers: Collection[int], busy: Collection[int]) -> frozenset[int]:
        """Take free ones of `numbers` up to a fair share, give back what is too much and not `busy`; those owned."""
        ...

    async def subscriptions(self, numbers: Collection[int]) -> Sequence[Subscription]:
        """The enabled ones among these."""
        ...

    async def state(self, subscription_id: UUID) -> DeliveryState | None:
        """Where a delivery stands, None when the subscription is gone."""
        ...

    async def read(self, wanted: EventFilter, after: Cursor, positions_max: int) -> ReadEvents:
        """The next events: about `positions_max` positions are looked at, shared by the lanes with something new."""
        ...

    async def read_tail(self, client_ids: Collection[UUID], after: Cursor, positions_max: int) -> ReadEvents:
        """The next events of all types of several clients, as `read` gives them."""
        ...

    async def read_package(self, package: Package, after: Cursor) -> Sequence[PendingEvent]:
        """The events of a stored package, in the order in which they were sent."""
        ...

    async def freeze(self, subscription_id: UUID, package: Package, after: Cursor) -> None:
        """Store a package before it is sent, while there is no other; the cursor must stand at `after`."""
        ...

    async def complete(
        self, subscription_id: UUID, package: Package, attempt: Attempt, next_package: Package | None
    ) -> None:
        """Move the cursor behind a delivered package, note the attempt, and store the next package if there is one."""
        ...

    async def fail(self, subscription_id: UUID, package_id: UUID, attempt: Attempt, failure: Failure) -> None:
        """Note a failed attempt, and what follows from it."""
        ...

    async def skip(self, subscription_id: UUID, after: Cursor, reached: Cursor) -> None:
        """Move the cursor from `after` over events that the filter drops, while no package is stored."""
        ...

    async def heads(self) -> Sequence[int]:
        """The position of the last event of every lane."""
        ...

    async def wait(self, seconds_max: float) -> Wake:
        """Wait until something may have happened, at most for `seconds_max`; what it was."""
        ...

    async def close(self) -> None:
        """Give everything back."""
        ...


class RunningDelivery(Protocol):
    """The delivery to one subscription."""

    async def run(self) -> None:
        """Deliver until `stop` is called, or the subscription is gone or in other hands. Raises StoreUnavailable."""
        ...

    def stop(self) -> None:
        """Ask it to end; a request in flight is waited for."""
        ...


class Deliveries(Protocol):
    """The deliveries of one sender."""

    def begin(self, subscription: Subscription) -> RunningDelivery:
        """Make the delivery to a subscription; it is for the caller to run it."""
        ...

    async def look(self, heads: Sequence[int] | None) -> None:
        """Tell the deliveries that there may be new events, or by the `heads` whether there are.

        Raises StoreUnavailable.
        """
        ...

    async def refresh_keys(self) -> None:
        """Look up the keys that sign from now on. Raises StoreUnavailable."""
        ...
