"""Connections that are kept: how many, for how long, and that an idle one is used again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderlane.webhooks.kept_connections import GRACE_SECONDS, KeptConnections

CLOSED_AFTER = 20 + GRACE_SECONDS


def test_an_idle_connection_is_used_again_and_another_origin_has_no_room() -> None:
    kept = KeptConnections(1, 10)

    assert kept.begin("a", 0)
    assert not kept.begin("a", 0)
    kept.end("a", 1, is_kept=True)
    assert kept.begin("a", 2)
    kept.end("a", 3, is_kept=True)
    assert not kept.begin("b", 4)


def test_what_was_idle_for_long_is_closed_and_leaves_room() -> None:
    kept = KeptConnections(2, 10)
    for origin in ("a", "b"):
        kept.begin(origin, 0)
    kept.end("a", 0, is_kept=True)

    assert not kept.begin("c", CLOSED_AFTER - 0.1)
    assert kept.begin("c", CLOSED_AFTER)
    assert not kept.begin("d", CLOSED_AFTER)
    kept.end("b", CLOSED_AFTER, is_kept=True)
    assert kept.begin("b", CLOSED_AFTER + 1)


def test_a_connection_that_is_not_kept_leaves_its_room_at_once() -> None:
    kept = KeptConnections(1, 10)

    for number in range(100):
        assert kept.begin(f"dead {number}", number)
        kept.end(f"dead {number}", number, is_kept=False)
    assert kept.begin("well", 100)
    kept.end("well", 100, is_kept=True)
    assert kept.begin("well", 101)


def test_one_that_fails_leaves_the_others_of_its_origin() -> None:
    kept = KeptConnections(2, 10)
    for _ in range(2):
        assert kept.begin("a", 0)
    kept.end("a", 0, is_kept=True)
    kept.end("a", 1, is_kept=False)

    assert kept.begin("b", 2)
    assert not kept.begin("c", 2)
    assert kept.begin("a", 2)


class Pool:
    """Connections as the HTTP client keeps them: those idle for too long are closed once in a while only."""

    def __init__(self, idle_seconds: float) -> None:
        self._period = idle_seconds
        self._sweep_at: float | None = None
        self.in_use: list[str] = []
        self.idle: list[tuple[str, float]] = []

    @property
    def open(self) -> int:
        return len(self.in_use) + len(self.idle)

    def advance(self, now: float) -> None:
        while self._sweep_at is not None and self._sweep_at <= now:
            self.idle = [entry for entry in self.idle if self._sweep_at <= entry[1] + self._period]
            self._sweep_at = self._sweep_at + self._period + 1 if self.idle else None

    def take(self, origin: str) -> None:
        mine = next((entry for entry in self.idle if entry[0] == origin), None)
        if mine is not None:
            self.idle.remove(mine)
        self.in_use.append(origin)

    def give_back(self, origin: str, now: float, *, is_kept: bool) -> None:
        self.in_use.remove(origin)
        if is_kept:
            self.idle.append((origin, now))
            self._sweep_at = self._sweep_at or now + self._period + 1


def run(count_max: int, steps: list[tuple[str, str, int]]) -> int:
    """How many are open at once, at most."""
    kept, pool, now, most = KeptConnections(count_max, 10), Pool(10), 0.0, 0
    for origin, step, seconds in steps:
        now += seconds
        pool.advance(now)
        if step == "begin" and kept.begin(origin, now):
            pool.take(origin)
        elif step != "begin" and origin in pool.in_use:
            kept.end(origin, now, is_kept=step == "keep")
            pool.give_back(origin, now, is_kept=step == "keep")
        most = max(most, pool.open)
    return most


STEPS = st.tuples(st.sampled_from("abc"), st.sampled_from(("begin", "begin", "keep", "close")), st.integers(0, 8))


@given(st.integers(0, 5), st.lists(STEPS, max_size=80))
def test_there_are_never_too_many(count_max: int, steps: list[tuple[str, str, int]]) -> None:
    assert run(count_max, steps) <= count_max


@pytest.mark.parametrize("seconds", [13, 18, 20])
def test_those_that_are_closed_late_count_until_then(seconds: int) -> None:
    """The first sets the time at which old ones are closed; the others are not old then, and stay for as long again."""
    early = [("first", "begin", 0), ("first", "keep", 0)]
    others = [(f"early {n}", step, int(n == 0 and step == "begin")) for n in range(9) for step in ("begin", "keep")]
    late = [(f"late {n}", "begin", seconds if n == 0 else 0) for n in range(10)]

    assert run(10, early + others + late) == 10
