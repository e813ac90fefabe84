"""The timers' store: one session that owns them, and the chores."""

from collections import defaultdict
from datetime import date, datetime
from uuid import UUID

from orderlane.domain.messages import SettleExecutions
from orderlane.postgres.connection import NOTIFY_INBOX, Connection, connect
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.inbox import NewMessage, put_messages
from orderlane.postgres.queries import queries
from orderlane.postgres.shares import Share, ShareRole
from orderlane.postgres.wakeups import notify

_SQL = queries("timers")
_ONLY_KEY = 0


class PostgresTimerStore:
    """The timers are one key: whoever has its lock does the chores."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._share = Share(connection, ShareRole.TIMERS)

    @classmethod
    async def open(cls, dsn: str) -> "PostgresTimerStore":
        """Connect. Raises StoreUnavailable."""
        with unavailable_on_loss():
            return cls(await connect(dsn, "orderlane timers"))

    async def own(self) -> bool:
        """Take the timers if nobody has them; whether they are owned now. Raises StoreUnavailable."""
        with unavailable_on_loss():
            return bool(await self._share.rebalance([_ONLY_KEY]))

    async def make_event_partition(self, day: date) -> bool:
        """Give the events of a day a partition of their own; whether it had none. Raises StoreUnavailable."""
        with unavailable_on_loss():
            return bool(await self._connection.fetchval(_SQL["make_event_partition"], day))

    async def settle_due(self, today: date, limit: int) -> int:
        """Tell the lanes of executions that are due to settle; how many. Raises StoreUnavailable."""
        with unavailable_on_loss():
            async with self._connection.transaction():
                rows = await self._connection.fetch(_SQL["due_executions"], today, limit)
                due: defaultdict[tuple[int, UUID], list[UUID]] = defaultdict(list)
                for row in rows:
                    due[row["lane"], row["account_id"]].append(row["id"])
                messages = [NewMessage(*address, SettleExecutions(tuple(ids))) for address, ids in due.items()]
                if messages:
                    await put_messages(self._connection, messages)
            await notify(self._connection, [NOTIFY_INBOX] * bool(rows))
        return len(rows)

    async def forget_idempotency_records(self, before: datetime, limit: int) -> int:
        """Drop idempotency records that are older; how many. Raises StoreUnavailable."""
        return await self._drop("forget_idempotency_records", before, limit)

    async def forget_nonces(self, now: datetime, limit: int) -> int:
        """Drop nonces whose signatures are too old to count; how many. Raises StoreUnavailable."""
        return await self._drop("forget_nonces", now, limit)

    async def forget_attempts(self, before: datetime, limit: int) -> int:
        """Drop attempts that were made earlier; how many. Raises StoreUnavailable."""
        return await self._drop("forget_attempts", before, limit)

    async def _drop(self, query: str, before: datetime, limit: int) -> int:
        with unavailable_on_loss():
            status = await self._connection.execute(_SQL[query], before, limit)
        return int(status.split()[-1])

    async def close(self) -> None:
        """Close the session, and with it give the timers back."""
        with unavailable_on_loss():
            await self._connection.close()
