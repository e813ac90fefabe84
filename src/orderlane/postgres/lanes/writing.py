"""Writing what a batch led to: inserts by COPY, changes by one set-based statement for each table."""

from collections.abc import Mapping, Sequence
from typing import Any

from orderlane.ports.lanes import Changes, InboxMessage, LaneHead, LaneLost
from orderlane.postgres.connection import Connection, StatementCount
from orderlane.postgres.queries import queries
from orderlane.postgres.tables.events import EVENT_COLUMNS, segment_row
from orderlane.postgres.tables.holdings import holding_arrays
from orderlane.postgres.tables.journal import JOURNAL_COLUMNS, journal_row
from orderlane.postgres.tables.parent_orders import changed_arrays
from orderlane.postgres.tables.venue_outbox import OUTBOX_COLUMNS, outbox_row

_SQL = queries("lanes")


class LaneWriter:
    """Writes batches in the caller's transaction."""

    def __init__(self, connection: Connection, lane_count: int, count: StatementCount) -> None:
        self._connection = connection
        self._lane_count = lane_count
        self._count = count

    async def write(self, changes: Changes) -> None:
        """Write everything, each row once. The heads come first: of two writers, one waits there and is refused.

        Raises:
            LaneLost: a head does not stand where it was read, or a message is gone.
        """
        await self._move_heads(changes.heads)
        await self._delete_messages(changes.applied)
        await self._copy("journal", JOURNAL_COLUMNS, [journal_row(entry) for entry in changes.journal])
        if changes.holdings:
            arrays = holding_arrays(changes.holdings, self._lane_count)
            await self._connection.execute(_SQL["write_holdings"], *arrays)
        if changes.parents:
            arrays = changed_arrays(changes.parents, self._lane_count)
            await self._connection.execute(_SQL["change_parent_orders"], *arrays)
        await self._copy("venue_outbox", OUTBOX_COLUMNS, [outbox_row(sends) for sends in changes.sends])
        await self._copy("events", EVENT_COLUMNS, [segment_row(segment) for segment in changes.segments])

    async def _move_heads(self, heads: Mapping[int, LaneHead]) -> None:
        ordered = sorted(heads.items())
        columns = zip(*((lane, head.position, head.last_event_at, head.version) for lane, head in ordered), strict=True)
        moved = {row["lane"] for row in await self._connection.fetch(_SQL["move_heads"], *columns)}
        if len(moved) < len(heads):
            raise LaneLost(heads.keys() - moved)

    async def _delete_messages(self, applied: Sequence[InboxMessage]) -> None:
        if applied:
            lanes, ids = [message.lane for message in applied], [message.id for message in applied]
            status = await self._connection.execute(_SQL["delete_messages"], lanes, ids)
            if int(status.split()[-1]) < len(applied):
                raise LaneLost(set(lanes))

    async def _copy(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            self._count.observe(table)
            await self._connection.copy_records_to_table(table, columns=columns, records=rows)
