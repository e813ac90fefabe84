"""Places: how far a reader is in a lane, as one integer, so that comparing two of them is comparing numbers.

A lane's segments have positions 1, 2, 3 …, a segment's events frames 0 to 4095. The place of an event is its segment's
position * 4096 + its frame; a reader's place is that of the last event behind it. With a whole segment behind it, it is
position * 4096 + 4095, however many events that segment has. SQL computes the same: the first segment that a reader
still needs is `(place + 1) >> 12`, and a lane's head is `position * 4096 + 4095`.

A lane whose history forked below a reader's place is stopped for that reader: `stopped` adds 2^62 to the place. That is
beyond every head, so nothing of the lane is read, sent or counted, and the place itself is kept.
"""

from collections.abc import Sequence
from typing import Final

from orderlane.domain.ids import FRAMES_MAX

_STOPPED: Final = 1 << 62


def place_of(position: int, frame: int) -> int:
    """The place of an event."""
    return position * FRAMES_MAX + frame


def place_behind(position: int) -> int:
    """The place of a reader that has a whole segment behind it; of a lane's last segment, the lane's head."""
    return position * FRAMES_MAX + FRAMES_MAX - 1


def position_of(place: int) -> int:
    """The last segment of which something is behind a place."""
    return place // FRAMES_MAX


def next_position(place: int) -> int:
    """The first segment of which something is in front of a place, or may be."""
    return (place + 1) // FRAMES_MAX


def next_frame(place: int) -> int:
    """The first frame in front of a place, in the segment at `next_position`."""
    return (place + 1) % FRAMES_MAX


def segments_between(places: Sequence[int], others: Sequence[int]) -> int:
    """How many segments, of all lanes, are in front of a reader's places and wholly behind others."""
    return sum(max(next_position(other) - next_position(place), 0) for place, other in zip(places, others, strict=True))


def stopped(place: int) -> int:
    """The place of a reader that is stopped there. Stopping it again changes nothing."""
    return place | _STOPPED


def is_stopped(place: int) -> bool:
    """Whether a reader is stopped there."""
    return place >= _STOPPED
