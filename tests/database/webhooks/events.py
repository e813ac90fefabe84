"""Segments of events as a lane worker writes them: numbered without a gap, with the lane's head, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg
import msgspec

from orderlane.domain.events import topic_of
from orderlane.domain.ids import ClientId, EventId, ParentOrderId, SubjectId, event_ids
from orderlane.ports.lanes import Segment
from orderlane.postgres.connection import NOTIFY_EVENTS
from orderlane.postgres.tables.events import EVENT_COLUMNS, segment_row
from orderlane.postgres.wakeups import notify
from orderlane.resources.formats import write_time
from orderlane.sources import Sources

MOVE_HEAD = (
    "UPDATE lanes SET position = position + 1, last_event_at = greatest(last_event_at, $2) "
    "WHERE lane = $1 RETURNING position, last_event_at"
)


@dataclass
class EventWriter:
    """Writes segments of events of a client; `written` are all events, as they were written."""

    connection: asyncpg.Connection
    sources: Sources
    client_id: ClientId
    notifies: bool = True
    written: list[EventId] = field(default_factory=list)

    async def write(
        self,
        *lanes: int,
        event_type: str = "ORDER.NEW",
        types: Sequence[str] | None = None,
        client_id: ClientId | None = None,
        padding: int = 0,
        created_at: datetime | None = None,
    ) -> list[EventId]:
        """A segment for each of the lanes, in this order, in one transaction; the ids of its events.

        Each segment has one event of `event_type`, or one of each of `types`.
        """
        ids: list[EventId] = []
        async with self.connection.transaction():
            for lane in lanes:
                position, now = await self.connection.fetchrow(
                    MOVE_HEAD, lane, created_at or self.sources.business_clock.now()
                )
                segment = self._segment(
                    lane, position, types or [event_type], now, client_id or self.client_id, padding
                )
                await self.connection.copy_records_to_table(
                    "events", records=[segment_row(segment)], columns=EVENT_COLUMNS
                )
                ids += segment.ids
        if self.notifies:
            await notify(self.connection, [NOTIFY_EVENTS])
        self.written += ids
        return ids

    def _segment(
        self, lane: int, position: int, types: Sequence[str], now: datetime, client_id: ClientId, padding: int
    ) -> Segment:
        new_id = self.sources.ids.new_id
        ids, parent_id = event_ids(new_id(), now, len(types), lane), ParentOrderId(new_id())
        payloads = [
            msgspec.json.encode(
                {
                    "id": event_id,
                    "created_at": write_time(now),
                    "type": event_type,
                    "sequence": position,
                    "portfolio_order_id": parent_id,
                    "epoch": 1,
                    "object": {"lane": lane, "position": position, "frame": frame, "padding": "x" * padding},
                }
            )
            for frame, (event_id, event_type) in enumerate(zip(ids, types, strict=True))
        ]
        return Segment(
            lane=lane,
            position=position,
            created_at=now,
            epoch=1,
            client_id=client_id,
            subject_id=SubjectId(new_id()),
            parent_id=parent_id,
            message_id=position,
            topics=sorted({topic_of(event_type) for event_type in types}),
            ids=ids,
            types=types,
            sequences=[position] * len(ids),
            order_ids=[None] * len(ids),
            payload=b"\n".join(payloads),
        )
