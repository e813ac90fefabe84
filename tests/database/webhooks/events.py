"""Events as a lane worker writes them: numbered without a gap, with the lane's head, in one transaction."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from orderlane.postgres.connection import NOTIFY_EVENTS
from orderlane.postgres.wakeups import notify
from orderlane.sources import Sources

COLUMNS = (
    "lane",
    "position",
    "id",
    "type",
    "created_at",
    "client_id",
    "account_id",
    "portfolio_order_id",
    "sequence",
    "payload",
)


@dataclass
class EventWriter:
    """Writes events of a client; `written` are all of them, by lane and position."""

    connection: asyncpg.Connection
    sources: Sources
    client_id: UUID
    notifies: bool = True
    written: list[UUID] = field(default_factory=list)

    async def write(
        self,
        *lanes: int,
        event_type: str = "ORDER.NEW",
        client_id: UUID | None = None,
        padding: int = 0,
        created_at: datetime | None = None,
    ) -> list[UUID]:
        """One event for each of the lanes, in this order, in one transaction; their ids."""
        async with self.connection.transaction():
            rows = []
            for lane in lanes:
                now = created_at or self.sources.clock.now()
                position, now = await self.connection.fetchrow(
                    "UPDATE lanes SET position = position + 1, last_event_at = greatest(last_event_at, $2) "
                    "WHERE lane = $1 RETURNING position, last_event_at",
                    lane,
                    now,
                )
                rows.append(self._row(lane, position, event_type, now, client_id or self.client_id, padding))
            await self.connection.copy_records_to_table("events", records=rows, columns=COLUMNS)
        if self.notifies:
            await notify(self.connection, [NOTIFY_EVENTS])
        ids = [row[2] for row in rows]
        self.written += ids
        return ids

    def _row(self, lane: int, position: int, event_type: str, now: datetime, client_id: UUID, padding: int) -> tuple:
        event_id, subject = self.sources.ids.new_id(), self.sources.ids.new_id()
        payload = msgspec.json.encode(
            {
                "id": event_id,
                "created_at": now,
                "type": event_type,
                "sequence": position,
                "portfolio_order_id": subject,
                "object": {"lane": lane, "position": position, "padding": "x" * padding},
            }
        )
        return lane, position, event_id, event_type, now, client_id, subject, subject, position, payload
