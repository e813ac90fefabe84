"""Packages of pending events: never reordered in a lane, never lost, never twice, bounded, and due in time."""

import json
from collections.abc import Sequence
from datetime import timedelta
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderlane.domain.ids import EventId
from orderlane.domain.places import place_behind, place_of
from orderlane.ports.feed import Cursor, ReadSegments
from orderlane.ports.webhooks import EventFilter
from orderlane.webhooks.batching import Backlog, Batch, package_body
from tests.unit.webhooks.segments import (
    ALL,
    CLIENT,
    LANES,
    NOW,
    START,
    WEBHOOK,
    between,
    body_of,
    events_of,
    filters,
    passing,
    readings,
    segment,
)

SIZES = st.integers(100, 2000)


def drained(backlog: Backlog) -> list[Batch]:
    batches = []
    while backlog.due_at is not None:
        batches.append(backlog.take())
    return batches


def filled(reads: Sequence[ReadSegments], event_filter: EventFilter, bytes_max: int) -> Backlog:
    backlog = Backlog(START, bytes_max, 0)
    for read in reads:
        backlog.add(passing(read.segments, event_filter), read.reached, 1.0)
    return backlog


@given(readings(), filters, SIZES, st.lists(st.booleans(), min_size=6, max_size=6))
def test_nothing_is_lost_doubled_or_reordered_in_its_lane(
    reads: Sequence[ReadSegments], event_filter: EventFilter, bytes_max: int, takes: Sequence[bool]
) -> None:
    backlog = Backlog(START, bytes_max, 0)
    batches: list[Batch] = []
    for read, takes_one in zip(reads, takes, strict=False):
        backlog.add(passing(read.segments, event_filter), read.reached, 1.0)
        if takes_one and backlog.due_at is not None:
            batches.append(backlog.take())
    batches += drained(backlog)

    stored = events_of([stored for read in reads for stored in read.segments])
    delivered = [event for batch in batches for event in events_of(batch.segments)]
    assert sorted(delivered) == sorted(event for event in stored if event_filter.passes(event.type))
    for lane in range(LANES):
        in_lane = [event.place for event in delivered if event.lane == lane]
        assert in_lane == sorted(in_lane)


@given(readings(), filters, SIZES)
def test_a_package_is_rebuilt_to_the_byte_from_its_cursors_and_the_stored_segments(
    reads: Sequence[ReadSegments], event_filter: EventFilter, bytes_max: int
) -> None:
    stored = [found for read in reads for found in read.segments]
    cursor = START
    for batch in drained(filled(reads, event_filter, bytes_max)):
        assert batch.after == cursor
        cursor = batch.reached
        again = between(stored, batch.after, batch.reached, event_filter)
        body = package_body(batch.segments, WEBHOOK)
        assert package_body(again, WEBHOOK) == body == body_of(sorted(events_of(again)))
        assert [found.ids for found in again] == [list(found.ids) for found in batch.segments]
        for event in events_of(stored):
            if event.place > cursor.places[event.lane]:
                assert event.created_at >= cursor.event_times[event.lane]
    if any(passing(read.segments, event_filter) for read in reads):
        assert cursor == reads[-1].reached


@given(readings(), filters, SIZES)
def test_a_package_is_bounded_or_a_single_event_and_as_large_as_it_can_be(
    reads: Sequence[ReadSegments], event_filter: EventFilter, bytes_max: int
) -> None:
    arrived = events_of([found for read in reads for found in passing(read.segments, event_filter)])
    taken = 0
    for batch in drained(filled(reads, event_filter, bytes_max)):
        count = sum(len(found.ids) for found in batch.segments)
        body = package_body(batch.segments, WEBHOOK)
        assert len(body) <= bytes_max or count == 1
        more = arrived[taken : taken + count + 1]
        assert len(more) == count or len(body_of(more)) > bytes_max
        taken += count


@given(readings(), SIZES)
def test_is_full_says_whether_waiting_could_still_help(reads: Sequence[ReadSegments], bytes_max: int) -> None:
    backlog = Backlog(START, bytes_max, 1.0)
    for number, read in enumerate(reads):
        backlog.add(read.segments, read.reached, 1.0)
        arrived = list(chain.from_iterable(earlier.segments for earlier in reads[: number + 1]))
        assert backlog.is_full == (bool(arrived) and len(package_body(arrived, WEBHOOK)) >= bytes_max)


@pytest.mark.parametrize("bytes_more", [-1, 0, 1])
def test_a_segment_is_cut_only_where_it_does_not_fit(bytes_more: int) -> None:
    whole, next_one = segment(0, 1, "ORDER.NEW"), segment(0, 2, *["ORDER.NEW"] * 5)
    fits = len(body_of(events_of([whole, next_one])[:3]))
    backlog = Backlog(START, fits + bytes_more, 0)
    backlog.add([whole, next_one], Cursor([place_behind(2), *START.places[1:]], START.event_times), 1.0)

    first = backlog.take()

    count = 1 if bytes_more < 0 else 2
    assert list(first.segments[1].frames) == list(range(count))
    assert first.reached.places[0] == place_of(2, count - 1)
    rest = [event for batch in drained(backlog) for event in events_of(batch.segments)]
    assert [event.place for event in rest] == [place_of(2, frame) for frame in range(count, 5)]
    assert backlog.taken.places[0] == place_behind(2)


def test_a_segment_that_fits_is_sent_as_it_is() -> None:
    whole = segment(1, 1, "ORDER.NEW", "ORDER.NEW")
    backlog = Backlog(START, 10_000, 0)
    backlog.add([whole], START, 1.0)

    assert backlog.take().segments[0] is whole


def test_a_filter_that_passes_a_segment_s_topics_leaves_it_as_it_is() -> None:
    whole = segment(1, 1, "ORDER.NEW", "EXECUTION.FILLED")

    assert whole.passing(ALL) is whole
    assert whole.passing(EventFilter(client_id=CLIENT, types=("USER",))) is None
    orders = whole.passing(EventFilter(client_id=CLIENT, types=("ORDER",)))
    assert orders is not None
    assert (list(orders.frames), list(orders.types), orders.reached) == ([0], ["ORDER.NEW"], place_behind(1))
    assert whole.between(place_behind(0), place_behind(1)) is whole
    assert whole.between(place_behind(1), place_behind(2)) is None


def test_the_body_is_the_events_addressed_to_the_subscription() -> None:
    segments = [segment(0, 1, "ORDER.NEW", "ORDER.NEW"), segment(1, 1, paddings=[5])]

    body = json.loads(package_body(segments, WEBHOOK))

    assert body == {"payload": [{**json.loads(event.payload), "webhook_id": WEBHOOK} for event in events_of(segments)]}


def test_the_events_of_a_batch_are_by_time_lane_and_place() -> None:
    early, late = segment(2, 1, *["ORDER.NEW"] * 2, milliseconds=1), segment(0, 1, milliseconds=2)
    backlog = Backlog(START, 10_000, 0)
    backlog.add([late], START, 1.0)
    backlog.add([early], START, 1.0)

    ids: list[EventId] = [event.id for event in events_of(backlog.take().segments)]

    assert ids == [*early.ids, *late.ids]


def test_without_a_delay_an_event_is_due_at_once() -> None:
    backlog = Backlog(START, 1000, 0)
    backlog.add([segment(0, 1, milliseconds=5000)], START, 1.0)

    assert backlog.due_at is not None
    assert backlog.due_at < 1.0


def test_with_a_delay_the_event_that_has_waited_longest_decides() -> None:
    backlog = Backlog(START, 10_000, 1.5)
    assert backlog.due_at is None
    backlog.add([segment(0, 1, milliseconds=900)], START, 7.0)
    assert backlog.due_at == 8.5
    backlog.add([segment(1, 1, milliseconds=100)], START, 6.0)
    assert backlog.due_at == 7.5
    backlog.add([segment(1, 2, milliseconds=100)], START, 8.0)
    assert backlog.due_at == 7.5


def test_what_is_left_over_goes_on_waiting_from_when_it_was_read() -> None:
    backlog = Backlog(START, 300, 30.0)
    backlog.add([segment(0, 1, *["ORDER.NEW"] * 3)], START, 7.0)
    assert backlog.is_full
    assert len(backlog.take().segments[0].ids) == 2

    assert backlog.due_at == 37.0


def test_what_is_full_is_due_at_once() -> None:
    backlog = Backlog(START, 200, 30.0)
    backlog.add([segment(0, position) for position in range(1, 9)], START, 1.0)

    assert backlog.is_full
    assert backlog.due_at is not None
    assert backlog.due_at < 1.0
    backlog.take()
    assert len(drained(backlog)) > 1


def test_dropped_events_are_moved_over_with_the_next_package_or_without_one() -> None:
    times = [NOW + timedelta(seconds=1)] * LANES
    backlog = Backlog(START, 200, 0)
    dropped, reached, further = (Cursor([place_behind(position), *START.places[1:]], times) for position in (5, 7, 9))
    backlog.add((), dropped, 1.0)
    assert (backlog.taken, backlog.read_until) == (START, dropped)
    backlog.add([segment(0, 6)], reached, 1.0)
    assert backlog.take() == Batch([segment(0, 6)], START, reached)
    backlog.skip(further)
    assert (backlog.taken, backlog.read_until, backlog.due_at) == (further, further, None)
