"""Readings grow and shrink with what they give, between bounds."""

from orderlane.domain.places import place_behind
from orderlane.ports.feed import Cursor, FeedSegment, ReadSegments
from orderlane.webhooks.read_sizes import SEGMENTS_MAX, SEGMENTS_MIN, ReadSize
from tests.unit.webhooks.segments import LANES, NOW, START, segment


def reading(*segments: FeedSegment, looked_at: int) -> ReadSegments:
    reached = Cursor([place_behind(looked_at), *START.places[1:]], [NOW] * LANES)
    return ReadSegments(segments=segments, reached=reached, is_all=False)


def test_as_many_segments_are_read_as_give_the_bytes() -> None:
    size = ReadSize(bytes_wanted=100_000)
    large = segment(0, 1, paddings=[2000])
    size.segments_max = 1000

    size.adapt(START, reading(large, large, looked_at=4))

    assert size.segments_max == 4 * 100_000 // (2 * len(large.payload))


def test_readings_grow_by_four_at_most_while_nothing_is_found() -> None:
    size = ReadSize(bytes_wanted=100_000)
    for expected in (256, 1024, 4096):
        size.adapt(START, reading(looked_at=3))
        assert size.segments_max == expected
    for _ in range(9):
        size.adapt(START, reading(looked_at=3))
    assert size.segments_max == SEGMENTS_MAX


def test_readings_never_get_too_small_and_nothing_looked_at_says_nothing() -> None:
    size = ReadSize(bytes_wanted=100)
    size.adapt(START, reading(segment(0, 1, paddings=[5000]), looked_at=1))
    assert size.segments_max == SEGMENTS_MIN

    size.adapt(START, ReadSegments(segments=(), reached=START, is_all=True))
    assert size.segments_max == SEGMENTS_MIN
