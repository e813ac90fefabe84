"""The lane worker's store: one session that owns lanes, reads their messages, and writes what they lead to."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from orderlane.domain.decision import AccountState
from orderlane.domain.ids import AccountId
from orderlane.ports.lanes import Changes, LaneHead, Loaded
from orderlane.postgres.connection import (
    NOTIFY_EVENTS,
    NOTIFY_INBOX,
    NOTIFY_OUTBOX,
    Connection,
    StatementCount,
    close_session,
    committed,
    connect,
)
from orderlane.postgres.epochs import ensure_epoch
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.heartbeats import Heartbeat, beats_for
from orderlane.postgres.lanes.loading import Loader
from orderlane.postgres.lanes.memory import LaneMemory
from orderlane.postgres.lanes.writing import LaneWriter
from orderlane.postgres.ownership import ClaimRole, Claims
from orderlane.postgres.queries import queries
from orderlane.postgres.wakeups import Wakeup, notify

_SQL = queries("lanes")

REMEMBERED_ENTRIES_MAX = 100_000
"""How many individual orders and holdings, of accounts with open parent orders, a worker keeps in memory: those of
10,000 accounts with 10 legs each."""


class PostgresLaneStore:
    """One worker's lanes. Everything happens on one connection: the locks and the writes live and die together."""

    def __init__(
        self,
        connection: Connection,
        wakeup: Wakeup,
        count: StatementCount,
        lanes: Sequence[int],
        end_beats: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._end_beats = end_beats
        self._claims = Claims(connection, ClaimRole.LANES, wakeup.wake)
        self._wakeup = wakeup
        self.count = count
        self._lanes = lanes
        self.lane_count = len(lanes)
        self._memory = LaneMemory(REMEMBERED_ENTRIES_MAX, self.lane_count)
        self._loader = Loader(connection, self._memory, self.lane_count)
        self._writer = LaneWriter(connection, self.lane_count, count)

    @classmethod
    async def open(cls, dsn: str, heartbeat: Heartbeat | None = None) -> "PostgresLaneStore":
        """Connect; `heartbeat` beats for the session for as long as it lives.

        Raises:
            StoreUnavailable: the database is lost.
        """
        count = StatementCount()
        with unavailable_on_loss():
            # Every join goes by index: the plans are made while the tables are empty, and kept.
            connection = await connect(dsn, "orderlane worker", count, enable_hashjoin="off", enable_mergejoin="off")
            end_beats = await beats_for(heartbeat, connection, ClaimRole.LANES)
            wakeup = await Wakeup.listen(connection, NOTIFY_INBOX)
            await ensure_epoch(connection)
            lanes = [row["lane"] for row in await connection.fetch(_SQL["all_lanes"])]
        return cls(connection, wakeup, count, lanes, end_beats)

    async def redistribute(self) -> frozenset[int]:
        """Claim free lanes up to a fair share, give back what is too much. Raises StoreUnavailable."""
        with unavailable_on_loss():
            owned = await self._claims.redistribute(self._lanes)
        self._memory.keep_lanes(owned)
        return owned

    async def give_up(self, lanes: Collection[int]) -> None:
        """Give lanes back at once, and forget all that is remembered of them. Raises StoreUnavailable."""
        self._memory.keep_lanes(self._claims.owned - set(lanes))
        with unavailable_on_loss():
            await self._claims.release(lanes)

    @property
    def is_hinted(self) -> bool:
        """Whether lanes may have come free, or another worker wants some, since they were last redistributed."""
        return self._claims.is_hinted

    async def waiting(self, lanes: Sequence[int], limit: int) -> Sequence[tuple[int, int]]:
        """Lane and id of the messages that `batch` would take, in the order of their ids. Raises StoreUnavailable."""
        with unavailable_on_loss():
            rows = await self._connection.fetch(_SQL["take_messages"], lanes, limit)
        return sorted(((row["lane"], row["id"]) for row in rows), key=lambda place: place[1])

    @asynccontextmanager
    async def batch(self, lanes: Sequence[int], limit: int) -> AsyncIterator["PostgresLaneBatch"]:
        """Begin a transaction over up to `limit` messages. Raises StoreUnavailable."""
        async with self._transaction("take_messages", lanes, limit) as batch:
            yield batch

    @asynccontextmanager
    async def single(self, lane: int, message_id: int) -> AsyncIterator["PostgresLaneBatch"]:
        """Begin a transaction over one message. Raises StoreUnavailable."""
        async with self._transaction("take_message", lane, message_id) as batch:
            yield batch

    @asynccontextmanager
    async def _transaction(self, take: str, *arguments: Any) -> AsyncIterator["PostgresLaneBatch"]:
        with unavailable_on_loss():
            async with committed(self._connection):
                rows = await self._connection.fetch(_SQL[take], *arguments)
                batch = PostgresLaneBatch(self._writer, await self._loader.load(rows))
                yield batch
            self._memory.remember(batch.written, batch.heads)
            await notify(self._connection, batch.channels)

    def remembers(self, account_id: AccountId) -> bool:
        """Whether the account's open parent orders are in memory."""
        return self._memory.recall(account_id) is not None

    async def quarantine(self, lane: int, message_id: int, error: str) -> None:
        """Move a message out of the inbox, which holds its subject. Raises StoreUnavailable."""
        with unavailable_on_loss():
            await self._connection.execute(_SQL["quarantine_message"], lane, message_id, error)

    async def wait_for_message(self, seconds_max: float) -> None:
        """Return when something may have come, at the latest after `seconds_max`."""
        await self._wakeup.wait(seconds_max)

    async def close(self) -> None:
        """Close the session, and with it give up the lanes. Raises StoreUnavailable."""
        self._end_beats()
        with unavailable_on_loss():
            await close_session(self._connection)


class PostgresLaneBatch:
    """One transaction: what was taken and loaded (None when nothing waits), and its one write."""

    def __init__(self, writer: LaneWriter, loaded: Loaded | None) -> None:
        self._writer = writer
        self.loaded = loaded
        self.channels: list[str] = []
        self.written: Mapping[AccountId, AccountState] = {}
        self.heads: Mapping[int, LaneHead] = {}

    async def write(self, changes: Changes) -> None:
        """Write everything that changed, with a number of statements that does not depend on how much it is.

        Raises:
            LaneLost: another writer was faster.
        """
        await self._writer.write(changes)
        self.written, self.heads = changes.states, changes.heads
        self.channels = [NOTIFY_EVENTS] * bool(changes.segments) + [NOTIFY_OUTBOX] * bool(changes.sends)
