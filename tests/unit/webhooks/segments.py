"""Segments of events for tests without a database: stored ones, and what a reader gets of them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from hypothesis import strategies as st

from orderlane.domain.events import topic_of
from orderlane.domain.ids import ClientId, EventId, SubscriptionId, event_ids
from orderlane.domain.places import place_behind, place_of
from orderlane.ports.feed import Cursor, FeedSegment, ReadSegments
from orderlane.ports.webhooks import EventFilter
from orderlane.resources.events import addressed

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LANES = 3
CLIENT = ClientId("018f3a52-8c00-7000-8000-000000000001")
WEBHOOK = SubscriptionId("018f3a52-8c00-7000-8000-000000000007")
START = Cursor([place_behind(0)] * LANES, [NOW] * LANES)
TYPES = ("PORTFOLIO_ORDER.NEW", "ORDER.NEW", "ORDER.FILLED", "EXECUTION.FILLED")
ALL = EventFilter(client_id=CLIENT, types=("ALL",))


class Event(NamedTuple):
    """One event, at its place."""

    created_at: datetime
    lane: int
    place: int
    id: EventId
    type: str
    payload: bytes


def segment(
    lane: int, position: int, *types: str, milliseconds: int = 0, paddings: Sequence[int] | None = None
) -> FeedSegment:
    """A whole segment with one event of each of the types."""
    types = types or ("ORDER.NEW",)
    created_at = NOW + timedelta(milliseconds=milliseconds)
    fresh = f"018f3a52-8c00-7000-8000-{lane:04x}{position:05x}000"
    payloads = [
        json.dumps({"lane": lane, "position": position, "frame": frame, "padding": "}" * padding}).encode()
        for frame, padding in enumerate(paddings or [0] * len(types))
    ]
    return FeedSegment(
        created_at=created_at,
        lane=lane,
        position=position,
        client_id=CLIENT,
        topics=sorted({topic_of(event_type) for event_type in types}),
        types=types,
        ids=event_ids(fresh, created_at, len(types), lane),
        frames=range(len(types)),
        payload=b"\n".join(payloads),
        reached=place_behind(position),
    )


def events_of(segments: Sequence[FeedSegment]) -> list[Event]:
    """Their events, one by one."""
    return [
        Event(found.created_at, found.lane, place_of(found.position, frame), event_id, event_type, payload)
        for found in segments
        for frame, event_id, event_type, payload in zip(
            found.frames, found.ids, found.types, found.payload.split(b"\n"), strict=True
        )
    ]


def body_of(events: Sequence[Event]) -> bytes:
    """The body of a request that carries these events, each addressed by itself."""
    return b'{"payload":[%s]}' % b",".join(addressed(event.payload, WEBHOOK) for event in events)


def passing(segments: Sequence[FeedSegment], event_filter: EventFilter) -> list[FeedSegment]:
    """What a filter leaves of segments."""
    return [kept for found in segments if (kept := found.passing(event_filter)) is not None]


def between(
    segments: Sequence[FeedSegment], after: Cursor, reached: Cursor, event_filter: EventFilter
) -> list[FeedSegment]:
    """What a package is made of again, from the stored segments, two cursors and a filter."""
    cut = [found.between(after.places[found.lane], reached.places[found.lane]) for found in segments]
    kept = passing([found for found in cut if found is not None], event_filter)
    return sorted(kept, key=lambda found: (found.created_at, found.lane, found.position))


filters = st.one_of(
    st.just(ALL),
    st.builds(
        lambda topics: EventFilter(client_id=CLIENT, types=tuple(topics)),
        st.lists(st.sampled_from(["PORTFOLIO_ORDER", "ORDER", "EXECUTION", "USER"]), min_size=1, unique=True),
    ),
    st.builds(
        lambda topics: EventFilter(client_id=CLIENT, types=("ALL",), exclude_types=tuple(topics)),
        st.lists(st.sampled_from(["PORTFOLIO_ORDER", "ORDER", "EXECUTION"]), min_size=1, unique=True),
    ),
)


@st.composite
def readings(draw: st.DrawFn) -> list[ReadSegments]:
    """What the feed gives in turn: each lane's positions ascend and its times never go back; others' are left out."""
    positions, times = [0] * LANES, [0] * LANES
    reads = []
    for _ in range(draw(st.integers(1, 5))):
        segments = []
        for lane in range(LANES):
            for _ in range(draw(st.integers(0, 4))):
                positions[lane] += 1
                times[lane] += draw(st.integers(0, 3))
                if draw(st.booleans()):
                    types = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=6))
                    paddings = draw(st.lists(st.integers(0, 300), min_size=len(types), max_size=len(types)))
                    segments.append(segment(lane, positions[lane], *types, milliseconds=times[lane], paddings=paddings))
        reached = Cursor(
            [place_behind(position) for position in positions], [NOW + timedelta(milliseconds=ms) for ms in times]
        )
        in_order = sorted(segments, key=lambda found: (found.created_at, found.lane, found.position))
        reads.append(ReadSegments(segments=in_order, reached=reached, is_all=draw(st.booleans())))
    return reads
