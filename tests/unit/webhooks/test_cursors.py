"""Cursors are compared lane by lane; a lane that is stopped stays where it is."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from orderlane.domain.places import is_stopped, place_behind, place_of
from orderlane.ports.feed import Cursor
from orderlane.webhooks.cursors import further, nearer, with_lanes_stopped

EARLY, LATE = (datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2))

cursors = st.lists(st.integers(0, 50_000), min_size=3, max_size=3).map(lambda places: Cursor(places, [EARLY] * 3))


def test_the_further_and_the_nearer_of_two_cursors_lane_by_lane() -> None:
    cursor, other = Cursor([5, 1, 3], [LATE, EARLY, EARLY]), Cursor([4, 2, 3], [EARLY, LATE, EARLY])

    assert further(cursor, other) == Cursor([5, 2, 3], [LATE, LATE, EARLY])
    assert nearer(cursor, other) == Cursor([4, 1, 3], [EARLY, EARLY, EARLY])


@given(cursors, cursors)
def test_each_lane_is_of_one_of_the_two(cursor: Cursor, other: Cursor) -> None:
    pairs = list(zip(cursor.places, other.places, strict=True))

    assert list(further(cursor, other).places) == [max(pair) for pair in pairs]
    assert list(nearer(cursor, other).places) == [min(pair) for pair in pairs]


def test_a_cursor_that_is_it_in_all_lanes_is_given_back_itself() -> None:
    cursor, other = Cursor([4, 1, 3], [EARLY] * 3), Cursor([4, 2, 3], [EARLY] * 3)

    assert further(cursor, other) is other
    assert nearer(cursor, other) is cursor


def test_a_stopped_lane_stays_where_it_is_however_far_others_are() -> None:
    cursor = Cursor([place_of(7, 2), place_behind(4), place_behind(9)], [EARLY] * 3)

    stopped = with_lanes_stopped(cursor, {1})

    assert [is_stopped(place) for place in stopped.places] == [False, True, False]
    assert stopped.places[::2] == cursor.places[::2]
    heads = Cursor([place_behind(10**9)] * 3, [LATE] * 3)
    assert further(stopped, heads).places[1] == stopped.places[1]
    assert nearer(stopped, heads).places[1] == heads.places[1]
    assert with_lanes_stopped(stopped, {1}) == stopped
