"""The webhook sender's store: one session that owns subscriptions and moves their cursors, a pool that reads events."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from time import perf_counter
from typing import Any
from uuid import UUID

import asyncpg

from orderlane.ports.deliveries import (
    Cursor,
    CursorMoved,
    DeliveryState,
    Failure,
    Package,
    PendingEvent,
    ReadEvents,
    Wake,
)
from orderlane.ports.webhooks import ALL_TOPICS, Attempt, EventFilter, Subscription
from orderlane.postgres.connection import (
    NOTIFY_EVENTS,
    NOTIFY_SUBSCRIPTIONS,
    Connection,
    Pool,
    StatementCount,
    connect,
    open_pool,
)
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.queries import queries
from orderlane.postgres.shares import Share, ShareRole
from orderlane.postgres.wakeups import Wakeup
from orderlane.postgres.webhooks import PostgresWebhookKeys, subscription_from

_SQL = queries("deliveries")
READERS_MAX = 4
CLOSE_SECONDS_MAX = 5.0
EVENT_TIMES_SECONDS = 60.0
"""How often the event times of a cursor that moves are stored: they only spare the database old partitions."""

_NO_PACKAGE = (None,) * 5


class PostgresDeliveryStore:
    """One sender's subscriptions. Locks and cursor writes share a session, so they live and die together."""

    def __init__(self, connection: Connection, pool: Pool, wakeup: Wakeup) -> None:
        self._connection = connection
        self._turn = asyncio.Lock()
        self._pool = pool
        self._wakeup = wakeup
        self._share = Share(connection, ShareRole.SUBSCRIPTIONS, self._note_subscriptions)
        self._event_times_due: dict[UUID, float] = {}
        self._events_noted = self._subscriptions_noted = False
        self.keys = PostgresWebhookKeys(pool)

    @classmethod
    async def open(cls, dsn: str, count: StatementCount | None = None) -> "PostgresDeliveryStore":
        """Connect. Raises StoreUnavailable."""
        with unavailable_on_loss():
            connection = await connect(dsn, "orderlane sender", count)
            try:
                wakeup = await Wakeup.listen(connection)
                pool = await open_pool(dsn, "orderlane sender reads", size_max=READERS_MAX, count=count)
            except BaseException:
                connection.terminate()
                raise
            store = cls(connection, pool, wakeup)
            await connection.add_listener(NOTIFY_EVENTS, store._note_events)
            await connection.add_listener(NOTIFY_SUBSCRIPTIONS, store._note_subscriptions)
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
        """The owned ones that `rebalance` is to give back: bring their deliveries to an end."""
        async with self._turn:
            with unavailable_on_loss():
                return await self._share.surplus(sorted(numbers))

    async def rebalance(self, numbers: Collection[int], busy: Collection[int]) -> frozenset[int]:
        """Take free ones of `numbers` up to a fair share, give back what is too much and not `busy`; those owned."""
        async with self._turn:
            with unavailable_on_loss():
                return await self._share.rebalance(sorted(numbers), busy)

    async def subscriptions(self, numbers: Collection[int]) -> Sequence[Subscription]:
        """The enabled ones among these."""
        return [subscription_from(row) for row in await self._fetch("subscriptions", list(numbers))]

    async def state(self, subscription_id: UUID) -> DeliveryState | None:
        """Where a delivery stands, None when the subscription is gone."""
        rows = await self._fetch("state", subscription_id)
        return _state_from(rows[0]) if rows else None

    async def heads(self) -> Sequence[int]:
        """The position of the last event of every lane."""
        rows = await self._fetch("heads")
        return list(rows[0]["positions"])

    async def freeze(self, subscription_id: UUID, package: Package, after: Cursor) -> None:
        """Store a package before it is sent, while there is no other; the cursor must stand at `after`."""
        await self._move("freeze_package", subscription_id, *_package_columns(package), after.positions)

    async def complete(
        self, subscription_id: UUID, package: Package, attempt: Attempt, next_package: Package | None
    ) -> None:
        """Move the cursor behind a delivered package, note the attempt, and store the next package if there is one."""
        following = _package_columns(next_package) if next_package else _NO_PACKAGE
        event_times = self._event_times_to_store(subscription_id, package.reached)
        columns = (package.id, event_times, *following, *_attempt_columns(attempt))
        await self._move("complete_package", subscription_id, *columns)

    def _event_times_to_store(self, subscription_id: UUID, reached: Cursor) -> Sequence[datetime] | None:
        now = perf_counter()
        if now < self._event_times_due.get(subscription_id, 0.0):
            return None
        self._event_times_due[subscription_id] = now + EVENT_TIMES_SECONDS
        return reached.event_times

    async def fail(self, subscription_id: UUID, package_id: UUID, attempt: Attempt, failure: Failure) -> None:
        """Note a failed attempt, and what follows from it."""
        columns = (package_id, failure.next_attempt_at, *_attempt_columns(attempt))
        await self._move("fail_package", subscription_id, *columns)
        if failure.disabled_reason is not None:
            await self._fetch("disable_subscription", subscription_id, failure.disabled_reason, attempt.sent_at)

    async def skip(self, subscription_id: UUID, after: Cursor, reached: Cursor) -> None:
        """Move the cursor from `after` over events that the filter drops, while no package is stored."""
        await self._move("skip_events", subscription_id, after.positions, reached.positions, reached.event_times)

    async def _move(self, query: str, *arguments: Any) -> None:
        if not await self._fetch(query, *arguments):
            raise CursorMoved

    async def _fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Run a statement on the owning session, which takes one at a time."""
        async with self._turn:
            with unavailable_on_loss():
                return await self._connection.fetch(_SQL[query], *arguments)

    async def read(self, wanted: EventFilter, after: Cursor, positions_max: int) -> ReadEvents:
        """The next events: about `positions_max` positions are looked at, shared by the lanes with something new."""
        return await self._read_on(after, positions_max, [wanted.client_id], wanted.types, wanted.exclude_types)

    async def read_tail(self, client_ids: Collection[UUID], after: Cursor, positions_max: int) -> ReadEvents:
        """The next events of all types of several clients, as `read` gives them."""
        return await self._read_on(after, positions_max, list(client_ids), [ALL_TOPICS], [])

    async def _read_on(self, after: Cursor, positions_max: int, *wanted: Sequence[Any]) -> ReadEvents:
        rows = await self._read("pending_events", after.positions, after.event_times, positions_max, *wanted)
        if not rows:
            return ReadEvents((), after, is_all=True)
        positions, event_times = list(after.positions), list(after.event_times)
        events, is_all = [], True
        for *event, upto, head_time in rows:
            created_at, lane, position, *_ = event
            positions[lane] = upto
            is_all = is_all and head_time is not None
            event_times[lane] = head_time or created_at or event_times[lane]
            if position is not None:
                events.append(PendingEvent(*event))
        return ReadEvents(events, Cursor(positions, event_times), is_all)

    async def read_package(self, package: Package, after: Cursor) -> Sequence[PendingEvent]:
        """The events of a stored package, in the order in which they were sent."""
        between = (after.positions, after.event_times, package.reached.positions)
        rows = await self._read("package_events", *between, *_filter_columns(package.filter))
        return [PendingEvent(*row) for row in rows]

    async def _read(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        with unavailable_on_loss():
            return await self._pool.fetch(_SQL[query], *arguments)

    async def close(self) -> None:
        """Close the session, and with it give up the subscriptions; what does not close is cut."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await self._connection.close()
                await self._pool.close()
        except (TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            self._connection.terminate()
            self._pool.terminate()


def _filter_columns(wanted: EventFilter) -> tuple[UUID, Sequence[str], Sequence[str]]:
    return wanted.client_id, wanted.types, wanted.exclude_types


def _package_columns(package: Package) -> tuple[Any, ...]:
    wanted = package.filter
    return package.id, package.created_at, package.reached.positions, wanted.types, wanted.exclude_types


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


def _state_from(row: asyncpg.Record) -> DeliveryState:
    package = None
    if row["package_id"] is not None:
        wanted = EventFilter(row["client_id"], tuple(row["package_types"]), tuple(row["package_exclude_types"]))
        reached = Cursor(row["package_positions"], row["event_times"])
        package = Package(row["package_id"], row["package_created_at"], reached, wanted)
    cursor = Cursor(row["positions"], row["event_times"])
    return DeliveryState(cursor, package, row["attempts"], row["next_attempt_at"])
