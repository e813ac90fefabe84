"""Everybody tells the database's time, whatever the clock of the own machine says."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderlane.postgres.clock import CLOCK_DIFFERENCE_MAX, ClockSample, DatabaseClock, sample_clock
from orderlane.postgres.connection import Connection
from orderlane.sources import SteppedClock, system_sources
from tests.database.development import move_business_time

START = datetime(2021, 7, 21, 14, 10, tzinfo=UTC)
DAY = timedelta(days=1)


class Elapsed:
    """A monotonic clock that moves only when told to."""

    def __init__(self, seconds: float = 5000.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


def sample(now: datetime, sent_at: float, received_at: float, clock_offset: timedelta = timedelta(0)) -> ClockSample:
    return ClockSample(now, now + clock_offset, sent_at, received_at)


def clock_at(now: datetime, elapsed: Elapsed, wall: SteppedClock | None = None) -> DatabaseClock:
    return DatabaseClock(sample(now, elapsed.seconds, elapsed.seconds), wall or SteppedClock(now), elapsed)


def test_between_two_looks_it_runs_on_the_monotonic_clock() -> None:
    elapsed = Elapsed()
    clock = clock_at(START, elapsed)

    elapsed.seconds += 1.2345

    assert clock.now() == START + timedelta(milliseconds=1234)


def test_a_jump_of_the_own_clock_changes_nothing_but_the_difference() -> None:
    elapsed, wall = Elapsed(), SteppedClock(START)
    clock = clock_at(START, elapsed, wall)
    assert (clock.difference, clock.differs) == (timedelta(0), False)

    wall.advance(3 * DAY)

    assert clock.now() == START
    assert (clock.difference, clock.differs) == (3 * DAY, True)


@pytest.mark.parametrize("wrong", [CLOCK_DIFFERENCE_MAX, -CLOCK_DIFFERENCE_MAX])
def test_a_clock_differs_when_it_is_more_than_a_few_seconds_wrong(wrong: timedelta) -> None:
    assert not clock_at(START, Elapsed(), SteppedClock(START + wrong)).differs
    assert clock_at(START, Elapsed(), SteppedClock(START + wrong * 1.01)).differs


def test_a_slow_look_moves_the_time_no_further_than_it_proves() -> None:
    elapsed = Elapsed(0.0)
    clock = clock_at(START, elapsed)

    elapsed.seconds = 2.0
    clock.correct(sample(START + timedelta(seconds=1), 0.5, 2.0))
    assert clock.now() == START + timedelta(seconds=2)

    clock.correct(sample(START + timedelta(seconds=9), 1.8, 2.0))
    assert clock.now() == START + timedelta(seconds=9)


@given(
    st.lists(st.tuples(st.floats(0.01, 10), st.floats(0, 2), st.floats(0, 1)), min_size=1, max_size=20),
)
def test_looks_that_agree_never_move_the_time_back(looks: list[tuple[float, float, float]]) -> None:
    """Each look comes some seconds later, takes some seconds, and reads the clock somewhere on the way."""
    elapsed = Elapsed(0.0)
    clock = DatabaseClock(sample(START, 0.0, 0.001), SteppedClock(START), elapsed)
    worst = 0.001
    for pause, round_trip, part in looks:
        sent_at = elapsed.seconds + pause
        read_at = sent_at + round_trip * part
        elapsed.seconds = sent_at + round_trip
        before = clock.now()
        clock.correct(sample(START + timedelta(seconds=read_at), sent_at, elapsed.seconds))
        assert abs(clock.now() - before) <= timedelta(seconds=worst, milliseconds=1)
        assert abs(clock.now() - START - timedelta(seconds=elapsed.seconds)) <= timedelta(seconds=worst, milliseconds=1)


def test_business_time_is_ahead_by_the_offset() -> None:
    elapsed = Elapsed()
    clock = clock_at(START, elapsed)
    assert clock.business.now() == START

    clock.correct(sample(START, elapsed.seconds, elapsed.seconds, clock_offset=30 * DAY))

    assert clock.business.now() == clock.business_now() == START + 30 * DAY
    assert clock.now() == START


def test_sources_take_both_times_from_it() -> None:
    elapsed = Elapsed()
    clock = clock_at(START, elapsed)
    clock.correct(sample(START, elapsed.seconds, elapsed.seconds, clock_offset=DAY))

    sources = clock.timing(system_sources())

    assert sources.clock.now() == START
    assert sources.business_clock.now() == START + DAY


async def test_a_look_reads_the_database(connection: Connection) -> None:
    await move_business_time(connection, "1 day")

    clock = await DatabaseClock.open(connection)
    looked = await sample_clock(connection)

    assert looked.business_now - looked.now == DAY
    assert looked.sent_at < looked.received_at
    assert abs(clock.now() - looked.now) < timedelta(seconds=1)
    assert clock.now().microsecond % 1000 == 0
    assert clock.now().tzinfo is UTC
    await clock.sample(connection)
    assert abs(clock.difference) < timedelta(seconds=1)


async def test_a_month_is_the_month_of_the_database(connection: Connection) -> None:
    """The driver takes a month for 30 days."""
    await move_business_time(connection, "12 months")

    clock = await DatabaseClock.open(connection)

    assert clock.business_now() - clock.now() in {365 * DAY, 366 * DAY}
