"""Comparing cursors lane by lane, and stopping lanes of them. Pure."""

from collections.abc import Collection, Sequence

from orderlane.domain.places import stopped
from orderlane.ports.feed import Cursor


def further(cursor: Cursor, other: Cursor) -> Cursor:
    """In each lane the one of the two that is further; the other itself if it is so in all."""
    lanes = [lane for lane, place in enumerate(cursor.places) if place > other.places[lane]]
    return _with(other, cursor, lanes)


def nearer(cursor: Cursor, other: Cursor) -> Cursor:
    """In each lane the one of the two that is less far; the first itself if it is so in all."""
    lanes = [lane for lane, place in enumerate(other.places) if place < cursor.places[lane]]
    return _with(cursor, other, lanes)


def with_lanes_stopped(cursor: Cursor, lanes: Collection[int]) -> Cursor:
    """The cursor of a reader that gets nothing more of these lanes: it stays where it is in them."""
    places = [stopped(place) if lane in lanes else place for lane, place in enumerate(cursor.places)]
    return Cursor(places, cursor.event_times)


def _with(cursor: Cursor, other: Cursor, lanes: Sequence[int]) -> Cursor:
    if not lanes:
        return cursor
    places, event_times = list(cursor.places), list(cursor.event_times)
    for lane in lanes:
        places[lane], event_times[lane] = other.places[lane], other.event_times[lane]
    return Cursor(places, event_times)
