"""The event feed as its readers see it: a cursor with a place in every lane, and segments of events in front of it."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from orderlane.domain.ids import ClientId, EventId
from orderlane.domain.places import place_of
from orderlane.ports.webhooks import EventFilter
from orderlane.resources.events import frames_of

_SEPARATOR = b"\n"


class Cursor(Struct, frozen=True):
    """A reader's place in every lane, each list by lane number (orderlane.domain.places).

    No event in front of it is older than `event_times`, so that the database need not look into older partitions.
    """

    places: Sequence[int]
    event_times: Sequence[datetime]


class FeedSegment(Struct, frozen=True, kw_only=True):
    """Events of one segment that a reader is to get, in their order: all of them, or some.

    `frames`, `types` and `ids` have an entry for each; `payload` is their frozen JSON without `webhook_id`, one a line.
    `topics` has at least theirs. `reached` is the place of a reader that has taken them: it may be behind others of the
    segment that it does not get.
    """

    created_at: datetime
    lane: int
    position: int
    client_id: ClientId
    topics: Sequence[str]
    types: Sequence[str]
    ids: Sequence[EventId]
    frames: Sequence[int]
    payload: bytes
    reached: int

    def passing(self, event_filter: EventFilter) -> "FeedSegment | None":
        """Those of its events that pass a filter, None if there is none. Whose events they are is not looked at."""
        passed = [event_filter.passes_topic(topic) for topic in self.topics]
        if all(passed):
            return self
        if not any(passed):
            return None
        return self._only([number for number, event_type in enumerate(self.types) if event_filter.passes(event_type)])

    def between(self, after: int, reached: int) -> "FeedSegment | None":
        """Those of its events that are in front of the place `after` and not in front of `reached`, None if none is."""
        first, last = place_of(self.position, self.frames[0]), place_of(self.position, self.frames[-1])
        if after < first and last <= reached:
            return self
        places = [place_of(self.position, frame) for frame in self.frames]
        return self._only([number for number, place in enumerate(places) if after < place <= reached])

    def split(self, count: int) -> "tuple[FeedSegment, FeedSegment]":
        """Its first `count` events and the others; there must be some of both."""
        first = self._only(range(count))
        rest = self._only(range(count, len(self.ids)))
        assert first is not None
        assert rest is not None
        return msgspec.structs.replace(first, reached=place_of(self.position, first.frames[-1])), rest

    def _only(self, numbers: Sequence[int]) -> "FeedSegment | None":
        if not numbers:
            return None
        payloads = frames_of(self.payload)
        return msgspec.structs.replace(
            self,
            types=[self.types[number] for number in numbers],
            ids=[self.ids[number] for number in numbers],
            frames=[self.frames[number] for number in numbers],
            payload=_SEPARATOR.join([payloads[number] for number in numbers]),
        )


class ReadSegments(Struct, frozen=True, kw_only=True):
    """Segments that pass a filter, by created_at, lane and position.

    `reached` is where the reading ended; it may be behind events that the filter dropped. `is_all` when it ended at the
    heads of the lanes.
    """

    segments: Sequence[FeedSegment]
    reached: Cursor
    is_all: bool
