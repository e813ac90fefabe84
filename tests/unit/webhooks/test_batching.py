"""Packages of pending events: never reordered in a lane, never lost, never twice, bounded, and due in time."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from orderlane.ports.deliveries import Cursor, PendingEvent, ReadEvents
from orderlane.webhooks.batching import Backlog, Batch, package_body

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WEBHOOK = UUID(int=7)
LANES = 3
START = Cursor([0] * LANES, [NOW] * LANES)
ONE_SECOND = timedelta(seconds=1)


def pending(lane: int, position: int, milliseconds: int = 0, padding: int = 0) -> PendingEvent:
    payload = json.dumps({"lane": lane, "position": position, "padding": "x" * padding}).encode()
    created_at = NOW + timedelta(milliseconds=milliseconds)
    return PendingEvent(created_at, lane, position, UUID(int=position), payload, UUID(int=1), "ORDER.NEW")


@st.composite
def readings(draw: st.DrawFn) -> list[ReadEvents]:
    """What a reader gives in turn: each lane's positions ascend and its times never go back; some are dropped."""
    positions, times = [0] * LANES, [0] * LANES
    found = []
    for _ in range(draw(st.integers(1, 6))):
        events = []
        for lane in range(LANES):
            for _ in range(draw(st.integers(0, 8))):
                positions[lane] += 1
                times[lane] += draw(st.integers(0, 3))
                if draw(st.booleans()):
                    events.append(pending(lane, positions[lane], times[lane], draw(st.integers(0, 400))))
        reached = Cursor(list(positions), [NOW + timedelta(milliseconds=one) for one in times])
        found.append(ReadEvents(sorted(events), reached, is_all=draw(st.booleans())))
    return found


def drained(backlog: Backlog) -> list[Batch]:
    batches = []
    while backlog.due_at is not None:
        batches.append(backlog.take())
    return batches


@given(readings(), st.integers(100, 2000), st.lists(st.booleans(), min_size=6, max_size=6))
def test_nothing_is_lost_doubled_or_reordered_in_its_lane(
    found: Sequence[ReadEvents], bytes_max: int, takes: Sequence[bool]
) -> None:
    backlog = Backlog(START, bytes_max, timedelta(0))
    batches: list[Batch] = []
    for read, takes_one in zip(found, takes, strict=False):
        backlog.add(read.events, read.reached, NOW)
        if takes_one and backlog.due_at is not None:
            batches.append(backlog.take())
    batches += drained(backlog)

    delivered = [event for batch in batches for event in batch.events]
    assert sorted(delivered) == sorted(event for read in found for event in read.events)
    for lane in range(LANES):
        in_lane = [event.position for event in delivered if event.lane == lane]
        assert in_lane == sorted(in_lane)


@given(readings(), st.integers(100, 2000))
def test_a_package_is_bounded_or_a_single_event_and_as_large_as_it_can_be(
    found: Sequence[ReadEvents], bytes_max: int
) -> None:
    backlog = Backlog(START, bytes_max, timedelta(0))
    for read in found:
        backlog.add(read.events, read.reached, NOW)
    arrived = [event for read in found for event in read.events]
    taken = 0
    for batch in drained(backlog):
        assert len(package_body(batch.events, WEBHOOK)) <= bytes_max or len(batch.events) == 1
        more = arrived[taken : taken + len(batch.events) + 1]
        assert len(more) == len(batch.events) or len(package_body(more, WEBHOOK)) > bytes_max
        taken += len(batch.events)


@given(readings(), st.integers(100, 2000))
def test_a_package_is_exactly_what_lies_between_its_cursors(found: Sequence[ReadEvents], bytes_max: int) -> None:
    """So it can be read again from the two cursors alone, in the same order."""
    backlog = Backlog(START, bytes_max, timedelta(0))
    for read in found:
        backlog.add(read.events, read.reached, NOW)
    arrived = [event for read in found for event in read.events]
    cursor = START
    for batch in drained(backlog):
        assert batch.after == cursor
        cursor = batch.reached
        between = [
            one for one in arrived if batch.after.positions[one.lane] < one.position <= cursor.positions[one.lane]
        ]
        assert list(batch.events) == sorted(between)
        for one in arrived:
            if one.position > cursor.positions[one.lane]:
                assert one.created_at >= cursor.event_times[one.lane]
    if arrived:
        assert cursor == found[-1].reached


@given(readings(), st.integers(100, 2000))
def test_is_full_says_whether_waiting_could_still_help(found: Sequence[ReadEvents], bytes_max: int) -> None:
    backlog = Backlog(START, bytes_max, ONE_SECOND)
    arrived: list[PendingEvent] = []
    for read in found:
        backlog.add(read.events, read.reached, NOW)
        arrived += read.events
        assert backlog.is_full == (bool(arrived) and len(package_body(arrived, WEBHOOK)) >= bytes_max)


def test_the_body_is_the_events_addressed_to_the_subscription() -> None:
    events = [pending(0, 1), pending(1, 1, padding=5)]

    body = json.loads(package_body(events, WEBHOOK))

    assert body == {"payload": [{**json.loads(event.payload), "webhook_id": str(WEBHOOK)} for event in events]}


def test_without_a_delay_an_event_is_due_at_once_whatever_its_clock_said() -> None:
    backlog = Backlog(START, 1000, timedelta(0))
    backlog.add([pending(0, 1, milliseconds=5000)], START, NOW)

    assert backlog.due_at is not None
    assert backlog.due_at < NOW


def test_with_a_delay_the_oldest_event_decides() -> None:
    backlog = Backlog(START, 10_000, ONE_SECOND)
    assert backlog.due_at is None
    backlog.add([pending(0, 1, 300), pending(0, 2, 900)], START, NOW + ONE_SECOND)
    assert backlog.due_at == NOW + timedelta(milliseconds=1300)
    backlog.add([pending(1, 1, 100)], START, NOW + ONE_SECOND)
    assert backlog.due_at == NOW + timedelta(milliseconds=1100)


def test_with_a_delay_no_event_waits_longer_than_that_after_it_was_read() -> None:
    backlog = Backlog(START, 10_000, ONE_SECOND)
    backlog.add([pending(0, 1, 60_000)], START, NOW)

    assert backlog.due_at == NOW + ONE_SECOND


def test_what_is_full_is_due_at_once() -> None:
    backlog = Backlog(START, 200, timedelta(seconds=30))
    backlog.add([pending(0, one) for one in range(1, 9)], START, NOW)

    assert backlog.is_full
    assert backlog.due_at is not None
    assert backlog.due_at < NOW
    backlog.take()
    assert len(drained(backlog)) > 1


def test_dropped_events_are_moved_over_with_the_next_package_or_without_one() -> None:
    backlog = Backlog(START, 200, timedelta(0))
    dropped, reached, further = (Cursor([position, 0, 0], [NOW] * LANES) for position in (5, 7, 9))
    backlog.add((), dropped, NOW)
    assert (backlog.taken, backlog.read_until) == (START, dropped)
    backlog.add([pending(0, 6)], reached, NOW)
    assert backlog.take() == Batch([pending(0, 6)], START, reached)
    backlog.skip(further)
    assert (backlog.taken, backlog.read_until, backlog.due_at) == (further, further, None)
