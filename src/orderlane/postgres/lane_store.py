"""The lane worker's store: one session that owns lanes, reads their messages, and writes what they lead to."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from orderlane.domain.decision import AccountState
from orderlane.ports.lanes import Changes, InboxMessage, Loaded
from orderlane.postgres.connection import (
    NOTIFY_EVENTS,
    NOTIFY_INBOX,
    NOTIFY_OUTBOX,
    Connection,
    StatementCount,
    connect,
)
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.inbox import decode_message
from orderlane.postgres.lane_memory import LaneMemory
from orderlane.postgres.lane_reads import load
from orderlane.postgres.lane_writes import LaneWriter
from orderlane.postgres.queries import queries
from orderlane.postgres.shares import Share, ShareRole
from orderlane.postgres.wakeups import Wakeup, notify

_SQL = queries("lane_store")

REMEMBERED_ENTRIES_MAX = 100_000
"""How many individual orders and holdings, of accounts with open portfolio orders, a worker keeps in memory: those of
5,000 accounts with 10 legs each, about 100 MB."""


class PostgresLaneStore:
    """One worker's lanes. Everything happens on one connection: the locks and the writes live and die together."""

    def __init__(self, connection: Connection, wakeup: Wakeup, count: StatementCount) -> None:
        self._connection = connection
        self._share = Share(connection, ShareRole.LANES, wakeup.wake)
        self._wakeup = wakeup
        self.count = count
        self._lanes: list[int] = []
        self._memory = LaneMemory(REMEMBERED_ENTRIES_MAX)

    @classmethod
    async def open(cls, dsn: str) -> "PostgresLaneStore":
        """Connect. Raises StoreUnavailable."""
        count = StatementCount()
        with unavailable_on_loss():
            connection = await connect(dsn, "orderlane worker", count)
            return cls(connection, await Wakeup.listen(connection, NOTIFY_INBOX), count)

    async def rebalance(self) -> frozenset[int]:
        """Take free lanes up to a fair share, give back what is too much. Raises StoreUnavailable."""
        with unavailable_on_loss():
            if not self._lanes:
                self._lanes = [row["lane"] for row in await self._connection.fetch(_SQL["all_lanes"])]
            owned = await self._share.rebalance(self._lanes)
        self._memory.keep_lanes(owned)
        return owned

    @property
    def is_rebalance_hinted(self) -> bool:
        """Whether lanes may have come free, or another worker wants some, since the last rebalance."""
        return self._share.is_hinted

    async def waiting(self, lanes: Collection[int], limit: int) -> list[int]:
        """The ids of the messages that `batch` would take. Raises StoreUnavailable."""
        with unavailable_on_loss():
            rows = await self._connection.fetch(_SQL["take_messages"], list(lanes), limit)
        return [row["id"] for row in rows]

    @asynccontextmanager
    async def batch(self, lanes: Collection[int], limit: int) -> AsyncIterator["PostgresLaneBatch"]:
        """A transaction over up to `limit` messages. Raises StoreUnavailable."""
        async with self._transaction("take_messages", list(lanes), limit) as batch:
            yield batch

    @asynccontextmanager
    async def single(self, message_id: int) -> AsyncIterator["PostgresLaneBatch"]:
        """A transaction over one message. Raises StoreUnavailable."""
        async with self._transaction("take_message", message_id) as batch:
            yield batch

    @asynccontextmanager
    async def _transaction(self, take: str, *arguments: Any) -> AsyncIterator["PostgresLaneBatch"]:
        with unavailable_on_loss():
            async with self._connection.transaction():
                rows = await self._connection.fetch(_SQL[take], *arguments)
                loaded = await load(self._connection, [_message_from(row) for row in rows], self._memory)
                batch = PostgresLaneBatch(LaneWriter(self._connection, self.count), loaded)
                yield batch
            self._memory.remember(batch.written)
            await notify(self._connection, batch.channels)

    def remembers(self, account_id: UUID) -> bool:
        """Whether the account's open portfolio orders are in memory."""
        return self._memory.recall(account_id) is not None

    async def quarantine(self, message_id: int, error: str, now: datetime) -> None:
        """Move a message out of the inbox, which holds its account. Raises StoreUnavailable."""
        with unavailable_on_loss():
            await self._connection.execute(_SQL["quarantine_message"], message_id, error, now)

    async def wait_for_message(self, seconds_max: float) -> None:
        """Return when something may have come, at the latest after `seconds_max`."""
        await self._wakeup.wait(seconds_max)

    async def close(self) -> None:
        """Close the session, and with it give up the lanes."""
        with unavailable_on_loss():
            await self._connection.close()


class PostgresLaneBatch:
    """One transaction: what was taken and loaded, and its one write."""

    def __init__(self, writer: LaneWriter, loaded: Loaded) -> None:
        self._writer = writer
        self.loaded = loaded
        self.channels: list[str] = []
        self.written: Mapping[UUID, AccountState] = {}

    async def write(self, changes: Changes) -> None:
        """Write everything that changed, with a number of statements that does not depend on how much it is."""
        await self._writer.write(changes)
        self.written = changes.states
        self.channels = [NOTIFY_EVENTS] * bool(changes.events) + [NOTIFY_OUTBOX] * bool(changes.sends)


def _message_from(row: Any) -> InboxMessage:
    return InboxMessage(row["id"], row["lane"], row["account_id"], decode_message(row["kind"], row["payload"]))
