"""Places are integers that compare as what they stand for: segments in order, and events in them."""

from hypothesis import given
from hypothesis import strategies as st

from orderlane.domain.ids import FRAMES_MAX
from orderlane.domain.places import (
    is_stopped,
    next_frame,
    next_position,
    place_behind,
    place_of,
    position_of,
    segments_between,
    stopped,
)

positions = st.integers(0, 2**49)
frames = st.integers(0, FRAMES_MAX - 1)


@given(positions, frames, positions, frames)
def test_places_sort_as_events_do(position: int, frame: int, other_position: int, other_frame: int) -> None:
    place, other = place_of(position, frame), place_of(other_position, other_frame)

    assert (place < other) == ((position, frame) < (other_position, other_frame))
    assert place <= place_behind(position)
    assert place_behind(position) < place_of(position + 1, 0)


@given(positions, frames)
def test_what_is_in_front_of_an_event_is_the_next_one(position: int, frame: int) -> None:
    place = place_of(position, frame)

    assert position_of(place) == position
    assert place_of(next_position(place), next_frame(place)) == place + 1
    assert next_position(place_behind(position)) == position + 1
    assert next_frame(place_behind(position)) == 0


@given(positions, frames, positions)
def test_a_segment_is_needed_as_long_as_something_of_it_is_in_front(position: int, frame: int, head: int) -> None:
    place = place_of(position, frame)

    assert (head >= (place + 1) >> 12) == (place_behind(head) > place)
    assert next_position(place) == (place + 1) >> 12
    assert place_behind(head) == (head << 12) + 4095


@given(st.lists(st.tuples(positions, frames, st.integers(0, 10**6)), max_size=8))
def test_segments_are_counted_up_to_the_heads(lanes: list[tuple[int, int, int]]) -> None:
    places = [place_of(position, frame) for position, frame, _ in lanes]
    heads = [place_behind(position + ahead) for position, _, ahead in lanes]

    whole = sum(ahead + (frame < FRAMES_MAX - 1) for _, frame, ahead in lanes)
    assert segments_between(places, heads) == whole
    assert segments_between(places, places) == segments_between(heads, places) == 0


@given(positions, frames, positions)
def test_a_stopped_place_is_beyond_every_head_and_keeps_where_it_is(position: int, frame: int, head: int) -> None:
    place = place_of(position, frame)

    assert is_stopped(stopped(place))
    assert not is_stopped(place)
    assert stopped(place) > place_behind(head)
    assert stopped(place) < 2**63
    assert stopped(place) - 2**62 == place
    assert stopped(stopped(place)) == stopped(place)
    assert segments_between([stopped(place)], [place_behind(head)]) == 0
