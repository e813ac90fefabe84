"""The event feed in PostgreSQL: the segments in front of a cursor, those between two cursors, and the lanes' heads."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import asyncpg

from orderlane.domain.ids import ClientId
from orderlane.domain.places import place_behind
from orderlane.ports.feed import Cursor, FeedSegment, ReadSegments
from orderlane.ports.webhooks import ALL_TOPICS, EventFilter
from orderlane.postgres.connection import Pool
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.queries import queries
from orderlane.postgres.segments import decompress

SQL = queries("feed")

READ_BYTES_MAX: Final = 4 * 1024 * 1024
"""A reading ends early with the segment in which its payloads reach so many bytes, decompressed."""


class PostgresEventFeed:
    """Reads the event feed over a pool of connections. Every method raises StoreUnavailable."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def read(self, event_filter: EventFilter, after: Cursor, segments_max: int) -> ReadSegments:
        """The next events that pass a filter: about `segments_max` segments are looked at."""
        columns = ([event_filter.client_id], event_filter.types, event_filter.exclude_types)
        rows = await self._fetch("next_segments", after.places, after.event_times, segments_max, *columns)
        return _Reading(after, event_filter).read(rows)

    async def read_clients(self, client_ids: Collection[ClientId], after: Cursor, segments_max: int) -> ReadSegments:
        """The next events of all types of several clients, as `read` gives them."""
        rows = await self._fetch(
            "next_segments", after.places, after.event_times, segments_max, list(client_ids), [ALL_TOPICS], ()
        )
        return _Reading(after, None).read(rows)

    async def read_between(self, event_filter: EventFilter, after: Cursor, reached: Cursor) -> Sequence[FeedSegment]:
        """All events that pass a filter between two cursors, by created_at, lane and place."""
        columns = (event_filter.client_id, event_filter.types, event_filter.exclude_types)
        rows = await self._fetch("segments_between", after.places, after.event_times, reached.places, *columns)
        segments = (
            segment_from(row, after.places[row["lane"]], reached.places[row["lane"]], event_filter) for row in rows
        )
        return [segment for segment in segments if segment is not None]

    async def heads(self) -> Sequence[int]:
        """The place of every lane's head."""
        return heads_from(await self._fetch("heads"))

    async def _fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        with unavailable_on_loss():
            return await self._pool.fetch(SQL[query], *arguments)


class _Reading:
    """Puts the rows of `next_segments` together, and ends early when they hold too much."""

    def __init__(self, after: Cursor, event_filter: EventFilter | None) -> None:
        self._after = after
        self._filter = event_filter
        self._places, self._event_times = list(after.places), list(after.event_times)
        self._segments: list[FeedSegment] = []
        self._bytes = 0
        self._ended: set[int] = set()
        self._is_all = True

    def read(self, rows: Sequence[asyncpg.Record]) -> ReadSegments:
        if not rows:
            return ReadSegments(segments=(), reached=self._after, is_all=True)
        for row in rows:
            if row["position"] is None:
                self._move(row)
            elif self._bytes < READ_BYTES_MAX:
                self._move(row)
                self._take(row)
            elif row["lane"] not in self._ended:
                self._end(row)
        return ReadSegments(
            segments=self._segments, reached=Cursor(self._places, self._event_times), is_all=self._is_all
        )

    def _move(self, row: asyncpg.Record) -> None:
        """Move to where the lane was looked at."""
        lane, head_time = row["lane"], row["head_time"]
        self._places[lane] = place_behind(row["upto"])
        self._event_times[lane] = head_time or row["created_at"] or self._event_times[lane]
        self._is_all = self._is_all and head_time is not None

    def _take(self, row: asyncpg.Record) -> None:
        segment = segment_from(row, self._after.places[row["lane"]], place_behind(row["upto"]), self._filter)
        if segment is not None:
            self._bytes += len(segment.payload)
            self._segments.append(segment)

    def _end(self, row: asyncpg.Record) -> None:
        """End a lane in front of a segment."""
        lane = row["lane"]
        self._places[lane] = max(place_behind(row["position"] - 1), self._after.places[lane])
        self._event_times[lane] = row["created_at"]
        self._ended.add(lane)
        self._is_all = False


def segment_from(row: asyncpg.Record, after: int, reached: int, event_filter: EventFilter | None) -> FeedSegment | None:
    """The events of a stored segment between two places that pass a filter, None if there is none.

    Raises:
        SegmentDamaged: the payload is not the one that was stored.
    """
    position, ids = row["position"], row["ids"]
    segment = FeedSegment(
        created_at=row["created_at"],
        lane=row["lane"],
        position=position,
        client_id=row["client_id"],
        topics=row["topics"],
        types=row["types"],
        ids=ids,
        frames=range(len(ids)),
        payload=decompress(row["payload"], row["payload_bytes"]),
        reached=place_behind(position),
    )
    wanted = segment.between(after, reached)
    return wanted if wanted is None or event_filter is None else wanted.passing(event_filter)


def heads_from(rows: Sequence[asyncpg.Record]) -> list[int]:
    """The place of every lane's head, from the row of `heads`."""
    return list(rows[0]["places"])
