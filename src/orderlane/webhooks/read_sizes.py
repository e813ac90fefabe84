"""How many segments to look at, so that a reading gives about as many bytes as are of use. Pure."""

from typing import Final

from orderlane.domain.places import segments_between
from orderlane.ports.feed import Cursor, ReadSegments

SEGMENTS_FIRST: Final = 64
SEGMENTS_MIN: Final = 16
SEGMENTS_MAX: Final = 20_000


class ReadSize:
    """Adapts to what a reader's segments are like: how large, and how many of them its filter drops."""

    def __init__(self, bytes_wanted: int) -> None:
        self.bytes_wanted = bytes_wanted
        self.segments_max = SEGMENTS_FIRST

    def adapt(self, after: Cursor, read: ReadSegments) -> None:
        """Look at as many segments next time as give the wanted number of bytes, if they are like these."""
        looked_at = segments_between(after.places, read.reached.places)
        if not looked_at:
            return
        found_bytes = sum(len(segment.payload) for segment in read.segments)
        most = min(4 * self.segments_max, SEGMENTS_MAX)
        wanted = looked_at * self.bytes_wanted // found_bytes if found_bytes else most
        self.segments_max = max(min(wanted, most), SEGMENTS_MIN)
