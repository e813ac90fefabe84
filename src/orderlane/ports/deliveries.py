"""What a webhook sender needs of its store: a share of the subscriptions, their events, and cursors that move."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from msgspec import Struct

from orderlane.domain.epochs import Epoch
from orderlane.domain.ids import ClientId
from orderlane.ports.feed import Cursor, FeedSegment, ReadSegments
from orderlane.ports.webhooks import Attempt, EventFilter, Subscription


class Package(Struct, frozen=True, kw_only=True):
    """What one request carries: the events between a subscription's cursor and `reached` that pass `filter`.

    Stored before it is sent, so that every retry carries the same bytes under the same `id`, its `webhook-id`.
    """

    id: str
    created_at: datetime
    reached: Cursor
    filter: EventFilter


class DeliveryState(Struct, frozen=True, kw_only=True):
    """Where a subscription's delivery stands: what is delivered, and the package that is not yet.

    `attempts` counts those that failed; the next is due in `wait_seconds`, 0 for at once. `epoch` is the one in which
    the cursor was moved last; `epochs` are all epochs when others began since, else none.
    """

    cursor: Cursor
    package: Package | None
    attempts: int
    wait_seconds: float
    epoch: int
    epochs: Sequence[Epoch]


class Failure(Struct, frozen=True, kw_only=True):
    """What follows from a failed attempt: in how long the next is due, or why the subscription is disabled."""

    retry_in: timedelta | None
    disabled_reason: str | None = None


class Wake(NamedTuple):
    """What a sender was told of; a hint, as polling is the truth."""

    events: bool
    subscriptions: bool


class CursorMoved(Exception):
    """Another session moved the cursor or owns the subscription, or it is gone: what this sender knew is outdated."""


class DeliveryStore(Protocol):
    """One sender's hold on its subscriptions. Every method raises StoreUnavailable.

    Ownership ends with the session on which cursors are written. Those writes are also checked against the package
    that they are about.
    """

    async def enabled(self) -> Mapping[int, datetime]:
        """All enabled subscriptions, of every owner: when each was last changed, by number."""
        ...

    async def surplus(self, numbers: Collection[int]) -> frozenset[int]:
        """The owned ones that `redistribute` is going to release: bring their deliveries to an end."""
        ...

    async def redistribute(self, numbers: Collection[int], busy: Collection[int]) -> frozenset[int]:
        """Claim free ones of `numbers` up to a fair share, release what exceeds it and is not `busy`; those owned."""
        ...

    async def subscriptions(self, numbers: Collection[int]) -> Sequence[Subscription]:
        """The enabled ones among these."""
        ...

    async def state(self, subscription: Subscription) -> DeliveryState | None:
        """Where a delivery stands, None when the subscription is gone.

        Raises:
            CursorMoved: the subscription is not owned.
        """
        ...

    async def confirm(self, subscription: Subscription) -> None:
        """See that a request may be sent: a statement that began a few seconds ago at most found it owned.

        Raises:
            CursorMoved: the subscription is not owned.
        """
        ...

    async def read(self, event_filter: EventFilter, after: Cursor, segments_max: int) -> ReadSegments:
        """The next events: about `segments_max` segments are looked at, shared by the lanes with something new."""
        ...

    async def read_tail(self, client_ids: Collection[ClientId], after: Cursor, segments_max: int) -> ReadSegments:
        """The next events of all types of several clients, as `read` gives them."""
        ...

    async def read_package(self, package: Package, after: Cursor) -> Sequence[FeedSegment]:
        """The events of a stored package, in the order in which they were sent."""
        ...

    async def freeze(self, subscription: Subscription, package: Package, after: Cursor) -> None:
        """Store a package before it is sent, while there is no other; the cursor must stand at `after`.

        Raises:
            CursorMoved: it does not stand there, or the subscription is not owned.
        """
        ...

    async def complete(
        self, subscription: Subscription, package: Package, attempt: Attempt, next_package: Package | None
    ) -> None:
        """Move the cursor behind a delivered package, note the attempt, and store the next package if there is one.

        Raises:
            CursorMoved: another package is stored, or the subscription is not owned.
        """
        ...

    async def fail(self, subscription: Subscription, package: Package, attempt: Attempt, failure: Failure) -> None:
        """Note a failed attempt, and what follows from it.

        Raises:
            CursorMoved: another package is stored, or the subscription is not owned.
        """
        ...

    async def skip(self, subscription: Subscription, after: Cursor, reached: Cursor) -> None:
        """Move the cursor from `after` over events that the filter drops, while no package is stored.

        Raises:
            CursorMoved: it does not stand there, or the subscription is not owned.
        """
        ...

    async def stop_lanes(
        self, subscription: Subscription, state: DeliveryState, cursor: Cursor, package: Package | None
    ) -> None:
        """Store the cursor and the package of `state` with lanes stopped in them, and that it is forked.

        Raises:
            CursorMoved: they are no longer those of `state`, or the subscription is not owned.
        """
        ...

    async def heads(self) -> Sequence[int]:
        """The place of every lane's head."""
        ...

    async def wait(self, seconds_max: float) -> Wake:
        """Wait until something may have happened, at most for `seconds_max`; what it was."""
        ...

    async def close(self) -> None:
        """Give everything back."""
        ...
