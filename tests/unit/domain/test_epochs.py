"""A cursor goes on exactly as long as what it has seen is still there."""

from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderlane.domain.epochs import Epoch, forked_lanes

LANES = 3
BEGAN_AT = datetime(2021, 7, 21, 14, 10, tzinfo=UTC)


def epoch(number: int, *heads: int) -> Epoch:
    return Epoch(number=number, system_identifier=1, timeline=number, heads=heads, reason="test", began_at=BEGAN_AT)


class Append(NamedTuple):
    """An event in a lane."""

    lane: int


class Lose(NamedTuple):
    """A failover or restore that loses up to so many events of each lane."""

    events: tuple[int, ...]


class Read(NamedTuple):
    """A reader that follows the lanes up to their heads, unless it may not."""


class World:
    """Lanes whose events are distinguishable, and a reader that remembers what it saw."""

    def __init__(self) -> None:
        self.lanes: list[list[int]] = [[] for _ in range(LANES)]
        self.epochs = [epoch(1, *[0] * LANES)]
        self.seen: list[list[int]] = [[] for _ in range(LANES)]
        self.cursor_epoch = 1
        self._events = 0

    @property
    def forked(self) -> frozenset[int]:
        return forked_lanes(self.cursor_epoch, [len(seen) for seen in self.seen], self.epochs)

    @property
    def really_forked(self) -> frozenset[int]:
        return frozenset(lane for lane in range(LANES) if self.lanes[lane][: len(self.seen[lane])] != self.seen[lane])

    def apply(self, step: Append | Lose | Read) -> None:
        match step:
            case Append(lane):
                self._events += 1
                self.lanes[lane].append(self._events)
            case Lose(events):
                self.lanes = [lane[: max(len(lane) - count, 0)] for lane, count in zip(self.lanes, events, strict=True)]
                self.epochs.append(epoch(len(self.epochs) + 1, *map(len, self.lanes)))
            case Read() if not self.forked:
                self.seen = [list(lane) for lane in self.lanes]
                self.cursor_epoch = len(self.epochs)


appends = st.builds(Append, st.integers(0, LANES - 1))
losses = st.builds(Lose, st.tuples(*[st.integers(0, 3)] * LANES))


@given(st.lists(st.one_of(appends, appends, losses, st.just(Read())), max_size=40))
def test_a_lane_is_forked_exactly_when_something_seen_in_it_is_gone(steps: list[Append | Lose | Read]) -> None:
    world = World()
    for step in steps:
        world.apply(step)
        assert world.forked == world.really_forked


@given(st.lists(st.integers(0, 9), min_size=LANES, max_size=LANES), st.integers(1, 5))
def test_the_epoch_of_the_cursor_and_those_before_it_do_not_count(positions: list[int], number: int) -> None:
    epochs = [epoch(earlier, *[0] * LANES) for earlier in range(1, number + 1)]

    assert forked_lanes(number, positions, epochs) == frozenset()


def test_the_lowest_head_of_all_later_epochs_counts() -> None:
    epochs = [epoch(1, 0, 0), epoch(2, 7, 9), epoch(3, 9, 12)]

    assert forked_lanes(1, [8, 9], epochs) == {0}
    assert forked_lanes(2, [8, 9], epochs) == frozenset()


def test_a_cursor_of_another_number_of_lanes_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="shorter"):
        forked_lanes(1, [1], [epoch(2, 0, 0)])


def test_an_epoch_knows_the_identity_of_its_database() -> None:
    assert epoch(2, 0).is_of(system_identifier=1, timeline=2)
    assert not epoch(2, 0).is_of(system_identifier=1, timeline=3)
    assert not epoch(2, 0).is_of(system_identifier=2, timeline=2)
