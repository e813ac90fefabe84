"""The timers' store: one session that owns them, and the chores. Their time is the database's."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta

from orderlane.domain.ids import ParentOrderId, SubjectId
from orderlane.domain.lane.settling import SettleExecutions
from orderlane.postgres.connection import NOTIFY_INBOX, Connection, close_session, committed, connect
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.heartbeats import Heartbeat, beats_for
from orderlane.postgres.inbox import NewMessage, put_messages
from orderlane.postgres.ownership import ClaimRole, Claims
from orderlane.postgres.queries import queries
from orderlane.postgres.wakeups import notify

_SQL = queries("timers")
_ONLY_KEY = 0
_ACTOR = "timer"
_BEGINNING = (date.min, 0, "00000000-0000-0000-0000-000000000000")
"""In front of every parent order with executions to settle."""


class PostgresTimerStore:
    """The timers are one key: whoever has its lock does the chores. Every method raises StoreUnavailable."""

    def __init__(self, connection: Connection, end_beats: Callable[[], None]) -> None:
        self._connection = connection
        self._end_beats = end_beats
        self._settled_until = _BEGINNING
        self._claims = Claims(connection, ClaimRole.TIMERS)

    @classmethod
    async def open(cls, dsn: str, heartbeat: Heartbeat | None = None) -> "PostgresTimerStore":
        """Connect; `heartbeat` beats for the session for as long as it lives."""
        with unavailable_on_loss():
            connection = await connect(dsn, "orderlane timers")
            return cls(connection, await beats_for(heartbeat, connection, ClaimRole.TIMERS))

    async def own(self) -> bool:
        """Claim the timers if they are free; whether they are owned now."""
        with unavailable_on_loss():
            return bool(await self._claims.redistribute([_ONLY_KEY]))

    async def give_up(self) -> None:
        """Leave the timers to another process."""
        with unavailable_on_loss():
            await self._claims.release([_ONLY_KEY])

    async def business_date(self) -> date:
        """The day, in UTC, that the service is in."""
        with unavailable_on_loss():
            day: date = await self._connection.fetchval(_SQL["business_date"])
        return day

    async def make_event_partition(self, day: date) -> bool:
        """Give the events of a day a partition of their own; whether it had none."""
        with unavailable_on_loss():
            return bool(await self._connection.fetchval(_SQL["make_event_partition"], day))

    async def settle_due(self, today: date, limit: int) -> int:
        """Put messages into the inbox for parent orders with executions that are due to settle; how many orders.

        Each call goes on behind what the last one found, and begins anew after a call that found less than `limit`.
        """
        with unavailable_on_loss():
            async with committed(self._connection):
                rows = await self._connection.fetch(_SQL["due_parent_orders"], today, limit, *self._settled_until)
                due: defaultdict[tuple[int, SubjectId], list[ParentOrderId]] = defaultdict(list)
                for row in rows:
                    due[row["lane"], SubjectId(str(row["account_id"]))].append(ParentOrderId(str(row["id"])))
                if due:
                    await put_messages(self._connection, [
                        NewMessage(
                            lane=lane,
                            subject_id=subject_id,
                            message=SettleExecutions(tuple(parent_ids), today),
                            actor=_ACTOR,
                        )
                        for (lane, subject_id), parent_ids in due.items()
                    ])  # fmt: skip
            await notify(self._connection, [NOTIFY_INBOX] * bool(rows))
        last = rows[-1] if len(rows) == limit else None
        self._settled_until = _BEGINNING if last is None else (last["settles_on"], last["lane"], str(last["id"]))
        return len(rows)

    async def forget_idempotency_records(self, older_than: timedelta, limit: int) -> int:
        """Delete idempotency records that are older; how many."""
        return await self._delete("forget_idempotency_records", older_than, limit)

    async def forget_nonces(self, older_than: timedelta, limit: int) -> int:
        """Delete nonces whose signatures expired that long ago; how many."""
        return await self._delete("forget_nonces", older_than, limit)

    async def forget_attempts(self, older_than: timedelta, limit: int) -> int:
        """Delete attempts that were made that long ago; how many."""
        return await self._delete("forget_attempts", older_than, limit)

    async def _delete(self, query: str, older_than: timedelta, limit: int) -> int:
        with unavailable_on_loss():
            status = await self._connection.execute(_SQL[query], older_than, limit)
        return int(status.split()[-1])

    async def close(self) -> None:
        """Close the session, and with it give the timers back."""
        self._end_beats()
        with unavailable_on_loss():
            await close_session(self._connection)
