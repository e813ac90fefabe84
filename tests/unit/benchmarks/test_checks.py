"""The benchmark finds what is lost, doubled or out of order: figures of a broken run would be worth nothing."""

from collections.abc import Sequence

import pytest

from benchmarks.checks import arrival_faults
from benchmarks.figures import spread
from benchmarks.scene import weights_of
from benchmarks.sink import Arrival, Event

TYPES = ("PORTFOLIO_ORDER.NEW", "ORDER.NEW", "PORTFOLIO_ORDER.PROCESSING", "ORDER.FILLED", "PORTFOLIO_ORDER.FILLED")


def arrivals_of(portfolio_order: str) -> list[Arrival]:
    events = [
        Event(f"{portfolio_order}{number}", kind, number, portfolio_order) for number, kind in enumerate(TYPES, 1)
    ]
    events.insert(3, Event(f"{portfolio_order}x", "EXECUTION.FILLED", None, portfolio_order))
    return [Arrival(0.0, 1, one) for one in events]


GOOD = [one for pair in zip(arrivals_of("a"), arrivals_of("b"), strict=True) for one in pair]
EXPECTED = {one.event.id: one.event.portfolio_order_id for one in GOOD}


def test_what_came_once_and_in_order_is_right() -> None:
    assert arrival_faults(GOOD, EXPECTED) == []


@pytest.mark.parametrize(
    ("arrivals", "fault"),
    [
        ([one for one in GOOD if one.event.id != "ax"], "1 events lost"),
        ([one for one in GOOD if one.event.id != "b5"], "1 events lost"),
        ([*GOOD, GOOD[6]], "1 events doubled"),
        ([*GOOD, Arrival(0.0, 1, Event("?", "EXECUTION.FILLED", None, "a"))], "1 events unknown"),
        ([*GOOD[2:4], *GOOD[:2], *GOOD[4:]], "2 portfolio orders out of order, 0 without any event"),
        (arrivals_of("a"), "0 portfolio orders out of order, 1 without any event"),
    ],
)
def test_what_is_wrong_is_found(arrivals: Sequence[Arrival], fault: str) -> None:
    assert fault in arrival_faults(arrivals, EXPECTED)


def test_a_portfolio_order_that_begins_or_ends_otherwise_is_found() -> None:
    cut = [one for one in arrivals_of("a") if one.event.sequence != 5]

    assert arrival_faults(cut, {one.event.id: "a" for one in cut}) == [
        "1 portfolio orders out of order, 0 without any event"
    ]


def test_the_spread_of_times() -> None:
    times = spread([number / 1000 for number in range(1, 101)])

    assert (times.p50, times.p99, times.max) == (51.0, 100.0, 100.0)


@pytest.mark.parametrize("count", [1, 3, 10, 30])
def test_weights_sum_to_one(count: int) -> None:
    weights = weights_of([f"ISIN{number}" for number in range(count)])

    assert sum(weights.values()) == 1
    assert min(weights.values()) > 0
