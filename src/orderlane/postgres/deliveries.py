"""The webhook sender's store: one session that owns subscriptions and moves their cursors, a pool that reads events."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from time import perf_counter
from typing import Any, Final

import asyncpg

from orderlane.domain.epochs import Epoch
from orderlane.domain.ids import ClientId
from orderlane.domain.places import is_stopped
from orderlane.ports.deliveries import CursorMoved, DeliveryState, Failure, Package, Wake
from orderlane.ports.feed import Cursor, FeedSegment, ReadSegments
from orderlane.ports.webhooks import Attempt, EventFilter, Subscription
from orderlane.postgres.connection import (
    NOTIFY_EVENTS,
    NOTIFY_SUBSCRIPTIONS,
    Connection,
    Pool,
    StatementCount,
    connect,
    open_pool,
)
from orderlane.postgres.epochs import all_epochs, ensure_epoch
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.feed import SQL as FEED_SQL
from orderlane.postgres.feed import PostgresEventFeed, heads_from
from orderlane.postgres.heartbeats import Heartbeat
from orderlane.postgres.ownership import ClaimRole, Claims, lock_class
from orderlane.postgres.queries import queries
from orderlane.postgres.wakeups import Wakeup
from orderlane.postgres.webhooks import PostgresWebhookKeys, subscription_from

_SQL = queries("deliveries")
_LOCK_CLASS: Final = lock_class(ClaimRole.SUBSCRIPTIONS)
READERS_MAX: Final = 4
CLOSE_SECONDS_MAX: Final = 5.0
EVENT_TIMES_SECONDS: Final = 60.0
"""How often the event times of a cursor that moves are stored: they only spare the database old partitions."""
OWNED_SECONDS_MAX: Final = 5.0
"""How old the statement that found a subscription owned may be when a request is sent to its receiver."""

_NO_PACKAGE: Final = (None,) * 5


class PostgresDeliveryStore:
    """One sender's subscriptions. Locks and cursor writes share a session, so they live and die together."""

    def __init__(self, connection: Connection, pool: Pool, wakeup: Wakeup) -> None:
        self._connection = connection
        self._turn = asyncio.Lock()
        self._pool = pool
        self._feed = PostgresEventFeed(pool)
        self._wakeup = wakeup
        self._claims = Claims(connection, ClaimRole.SUBSCRIPTIONS, self._note_subscriptions)
        self._owned_at: dict[int, float] = {}
        self._event_times_due: dict[int, float] = {}
        self._events_noted = self._subscriptions_noted = False
        self._unregister: Callable[[], None] = lambda: None
        self.keys = PostgresWebhookKeys(pool)

    @classmethod
    async def open(
        cls, dsn: str, heartbeat: Heartbeat | None = None, count: StatementCount | None = None
    ) -> "PostgresDeliveryStore":
        """Connect; `heartbeat` beats for the session that owns until it is closed.

        Raises:
            StoreUnavailable: the database is lost.
        """
        with unavailable_on_loss():
            connection = await connect(dsn, "orderlane sender", count)
            try:
                return await cls._opened(connection, dsn, heartbeat, count)
            except BaseException:
                connection.terminate()
                raise

    @classmethod
    async def _opened(
        cls, connection: Connection, dsn: str, heartbeat: Heartbeat | None, count: StatementCount | None
    ) -> "PostgresDeliveryStore":
        wakeup = await Wakeup.listen(connection)
        await ensure_epoch(connection)
        pool = await open_pool(dsn, "orderlane sender reads", size_max=READERS_MAX, count=count)
        store = cls(connection, pool, wakeup)
        await connection.add_listener(NOTIFY_EVENTS, store._note_events)
        await connection.add_listener(NOTIFY_SUBSCRIPTIONS, store._note_subscriptions)
        if heartbeat is not None:
            store._unregister = partial(
                heartbeat.unregister, await heartbeat.register(connection, ClaimRole.SUBSCRIPTIONS)
            )
        return store

    def _note_events(self, *_: object) -> None:
        self._events_noted = True
        self._wakeup.wake()

    def _note_subscriptions(self, *_: object) -> None:
        self._subscriptions_noted = True
        self._wakeup.wake()

    async def wait(self, seconds_max: float) -> Wake:
        """Wait until something may have happened, at most for `seconds_max`; what it was."""
        await self._wakeup.wait(seconds_max)
        wake = Wake(self._events_noted, self._subscriptions_noted)
        self._events_noted = self._subscriptions_noted = False
        return wake

    async def enabled(self) -> Mapping[int, datetime]:
        """All enabled subscriptions, of every owner: when each was last changed, by number."""
        return {row["number"]: row["updated_at"] for row in await self._fetch("enabled_subscriptions")}

    async def surplus(self, numbers: Collection[int]) -> frozenset[int]:
        """The owned ones that `redistribute` is going to release: bring their deliveries to an end."""
        async with self._turn:
            with unavailable_on_loss():
                return await self._claims.surplus(sorted(numbers))

    async def redistribute(self, numbers: Collection[int], busy: Collection[int]) -> frozenset[int]:
        """Claim free ones of `numbers` up to a fair share, release what exceeds it and is not `busy`; those owned."""
        async with self._turn:
            with unavailable_on_loss():
                owned = await self._claims.redistribute(sorted(numbers), busy)
        self._owned_at = {number: at for number, at in self._owned_at.items() if number in owned}
        return owned

    async def subscriptions(self, numbers: Collection[int]) -> Sequence[Subscription]:
        """The enabled ones among these."""
        return [subscription_from(row) for row in await self._fetch("subscriptions", list(numbers))]

    async def state(self, subscription: Subscription) -> DeliveryState | None:
        """Where a delivery stands, None when the subscription is gone.

        Raises:
            CursorMoved: this session does not own the subscription.
        """
        began = perf_counter()
        rows = await self._fetch("state", subscription.id, _LOCK_CLASS, subscription.number)
        if not rows:
            return None
        [row] = rows
        self._note_ownership(subscription, row, began)
        return _state_from(row, [] if row["is_in_last_epoch"] else await self._epochs())

    async def _epochs(self) -> Sequence[Epoch]:
        async with self._turn:
            with unavailable_on_loss():
                return await all_epochs(self._connection)

    async def confirm(self, subscription: Subscription) -> None:
        """See that a request may be sent: a statement that began `OWNED_SECONDS_MAX` ago at most found it owned.

        Raises:
            CursorMoved: this session does not own the subscription.
        """
        while not self._is_owned_since(subscription, perf_counter() - OWNED_SECONDS_MAX):
            began = perf_counter()
            rows = await self._fetch("is_owned", _LOCK_CLASS, subscription.number)
            self._note_ownership(subscription, rows[0], began)

    def _note_ownership(self, subscription: Subscription, row: asyncpg.Record, began: float) -> None:
        if not row["is_owned"]:
            raise CursorMoved
        self._owned_at[subscription.number] = began

    def _is_owned_since(self, subscription: Subscription, moment: float) -> bool:
        return self._owned_at.get(subscription.number, float("-inf")) >= moment

    async def heads(self) -> Sequence[int]:
        """The place of every lane's head; asked on the session that owns, so that its loss is noticed."""
        async with self._turn:
            with unavailable_on_loss():
                return heads_from(await self._connection.fetch(FEED_SQL["heads"]))

    async def freeze(self, subscription: Subscription, package: Package, after: Cursor) -> None:
        """Store a package before it is sent, while there is no other; the cursor must stand at `after`.

        Raises:
            CursorMoved: it does not stand there, or this session does not own the subscription.
        """
        await self._move("freeze_package", subscription, *_package_columns(package), after.places)

    async def complete(
        self, subscription: Subscription, package: Package, attempt: Attempt, next_package: Package | None
    ) -> None:
        """Move the cursor behind a delivered package, note the attempt, and store the next package if there is one.

        Raises:
            CursorMoved: another package is stored, or this session does not own the subscription.
        """
        following = _package_columns(next_package) if next_package else _NO_PACKAGE
        event_times = self._event_times_to_store(subscription, package.reached)
        columns = (package.id, event_times, *following, *_attempt_columns(attempt))
        await self._move("complete_package", subscription, *columns)

    def _event_times_to_store(self, subscription: Subscription, reached: Cursor) -> Sequence[datetime] | None:
        now = perf_counter()
        if now < self._event_times_due.get(subscription.number, 0.0):
            return None
        self._event_times_due[subscription.number] = now + EVENT_TIMES_SECONDS
        return reached.event_times

    async def fail(self, subscription: Subscription, package: Package, attempt: Attempt, failure: Failure) -> None:
        """Note a failed attempt, and what follows from it.

        Raises:
            CursorMoved: another package is stored, or this session does not own the subscription.
        """
        columns = (package.id, failure.retry_in, *_attempt_columns(attempt))
        await self._move("fail_package", subscription, *columns)
        if failure.disabled_reason is not None:
            await self._fetch("disable_subscription", subscription.id, failure.disabled_reason)

    async def skip(self, subscription: Subscription, after: Cursor, reached: Cursor) -> None:
        """Move the cursor from `after` over events that the filter drops, while no package is stored.

        Raises:
            CursorMoved: it does not stand there, or this session does not own the subscription.
        """
        await self._move("skip_events", subscription, after.places, reached.places, reached.event_times)

    async def stop_lanes(
        self, subscription: Subscription, state: DeliveryState, cursor: Cursor, package: Package | None
    ) -> None:
        """Store the cursor and the package of `state` with lanes stopped in them, and that it is forked.

        Raises:
            CursorMoved: they are no longer those of `state`, or this session does not own the subscription.
        """
        lanes = [str(lane) for lane, place in enumerate(cursor.places) if is_stopped(place)]
        await self._move(
            "stop_lanes",
            subscription,
            state.cursor.places,
            state.package.id if state.package else None,
            cursor.places,
            f"cursor_forked: lanes {', '.join(lanes)}",
            package.reached.places if package else None,
        )

    async def _move(self, query: str, subscription: Subscription, *arguments: Any) -> None:
        """Write to a cursor, seeing that this session owns its subscription, unless that was seen a moment ago."""
        began = perf_counter()
        is_recent = self._is_owned_since(subscription, began - OWNED_SECONDS_MAX / 2)
        owner = (is_recent, _LOCK_CLASS, subscription.number)
        if not await self._fetch(query, subscription.id, *owner, *arguments):
            raise CursorMoved
        if not is_recent:
            self._owned_at[subscription.number] = began

    async def _fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Run a statement on the owning session, which takes one at a time."""
        async with self._turn:
            with unavailable_on_loss():
                return await self._connection.fetch(_SQL[query], *arguments)

    async def read(self, event_filter: EventFilter, after: Cursor, segments_max: int) -> ReadSegments:
        """The next events: about `segments_max` segments are looked at, shared by the lanes with something new."""
        return await self._feed.read(event_filter, after, segments_max)

    async def read_tail(self, client_ids: Collection[ClientId], after: Cursor, segments_max: int) -> ReadSegments:
        """The next events of all types of several clients, as `read` gives them."""
        return await self._feed.read_clients(client_ids, after, segments_max)

    async def read_package(self, package: Package, after: Cursor) -> Sequence[FeedSegment]:
        """The events of a stored package, in the order in which they were sent."""
        return await self._feed.read_between(package.filter, after, package.reached)

    async def close(self) -> None:
        """Close the session, and with it give up the subscriptions; what does not close is cut."""
        self._unregister()
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await self._connection.close()
                await self._pool.close()
        except (TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            self._connection.terminate()
            self._pool.terminate()


def _package_columns(package: Package) -> tuple[Any, ...]:
    chosen = package.filter
    return package.id, package.created_at, package.reached.places, chosen.types, chosen.exclude_types


def _attempt_columns(attempt: Attempt) -> tuple[Any, ...]:
    return (
        attempt.id,
        attempt.attempt,
        attempt.sent_at,
        attempt.latency_ms,
        attempt.status_code,
        attempt.error_code,
        attempt.body_bytes,
        attempt.event_ids,
    )


def _state_from(row: asyncpg.Record, epochs: Sequence[Epoch]) -> DeliveryState:
    return DeliveryState(
        cursor=Cursor(row["positions"], row["event_times"]),
        package=_package_from(row),
        attempts=row["attempts"],
        wait_seconds=row["wait_seconds"],
        epoch=row["epoch"],
        epochs=epochs,
    )


def _package_from(row: asyncpg.Record) -> Package | None:
    if row["package_id"] is None:
        return None
    return Package(
        id=str(row["package_id"]),
        created_at=row["package_created_at"],
        reached=Cursor(row["package_positions"], row["event_times"]),
        filter=EventFilter(
            client_id=ClientId(str(row["client_id"])),
            types=tuple(row["package_types"]),
            exclude_types=tuple(row["package_exclude_types"]),
        ),
    )
