"""Connections that are kept: how many, for how long, and that an idle one is used again."""

from hypothesis import given
from hypothesis import strategies as st

from orderlane.webhooks.kept_connections import GRACE_SECONDS, KeptConnections

CLOSED_AFTER = 10 + GRACE_SECONDS


def test_an_idle_connection_is_used_again_and_another_origin_has_no_room() -> None:
    kept = KeptConnections(1, 10)

    assert kept.begin("a", 0)
    assert not kept.begin("a", 0)
    kept.end("a", 1)
    assert kept.begin("a", 2)
    kept.end("a", 3)
    assert not kept.begin("b", 4)


def test_what_was_idle_for_long_is_closed_and_leaves_room() -> None:
    kept = KeptConnections(2, 10)
    for origin in ("a", "b"):
        kept.begin(origin, 0)
    kept.end("a", 0)

    assert not kept.begin("c", CLOSED_AFTER - 0.1)
    assert kept.begin("c", CLOSED_AFTER)
    assert not kept.begin("d", CLOSED_AFTER)
    kept.end("b", CLOSED_AFTER)
    assert kept.begin("b", CLOSED_AFTER + 1)


@given(st.integers(0, 5), st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(0, 8)), max_size=80))
def test_there_are_never_too_many(count_max: int, steps: list[tuple[str, bool, int]]) -> None:
    kept, now = KeptConnections(count_max, 10), 0.0
    in_use: list[str] = []
    idle: list[tuple[str, float]] = []
    for origin, begins, seconds in steps:
        now += seconds
        idle = [(other, since) for other, since in idle if now < since + 10]
        if begins and kept.begin(origin, now):
            in_use.append(origin)
            mine = next((entry for entry in idle if entry[0] == origin), None)
            if mine is not None:
                idle.remove(mine)
        elif not begins and origin in in_use:
            in_use.remove(origin)
            kept.end(origin, now)
            idle.append((origin, now))
        assert len(in_use) + len(idle) <= count_max
