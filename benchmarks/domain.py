"""Measure the rules alone on one core: what a portfolio order costs before any database, socket or disk.

Usage: python -m benchmarks.domain [--seconds S] [--instruments N] [--json FILE]
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from orderlane.domain.account import Distribution
from orderlane.domain.decision import AccountState
from orderlane.domain.events import Event
from orderlane.domain.ids import event_ids
from orderlane.domain.lane.messages import Message, decide
from orderlane.domain.lane.placing import PlacePortfolioOrder
from orderlane.domain.lane.reporting import ReceiveVenueReports
from orderlane.domain.money import from_steps, plain
from orderlane.domain.order import Side
from orderlane.domain.planning import PlanInput, plan
from orderlane.domain.splitting import split
from orderlane.resources.events import freeze
from tests.unit.domain.worlds import (
    EUR,
    NOW,
    SLOT,
    World,
    accepted,
    allocation,
    cash,
    events_of,
    filling,
    instrument,
    market,
    numbered_id,
    position,
    sends_of,
)

AMOUNT = "9876.54"
WEIGHT_DECIMALS = 6
ROUNDS = 25


@dataclass(frozen=True)
class Figure:
    """One row: microseconds of CPU time for one of `what`."""

    what: str
    microseconds: float


def main() -> None:
    """Measure everything and print it; write it to a file when asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each figure is measured")
    parser.add_argument("--instruments", type=int, default=10, help="instruments of the allocation")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    works = splitting() | planning(arguments.instruments) | deciding(arguments.instruments)
    figures = [Figure(what, round(cost(work, arguments.seconds), 1)) for what, work in works.items()]
    print(f"{'microseconds of CPU time':64}{'':>4}each")
    for figure in figures:
        print(f"{figure.what:64}{figure.microseconds:>8,.1f}")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n")


def cost(work: Callable[[], object], seconds: float) -> float:
    """Return the CPU time of one `work` in microseconds; the best of the rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        done, start = 0, time.process_time()
        while (elapsed := time.process_time() - start) < seconds / ROUNDS:
            work()
            done += 1
        best = min(best, elapsed / done * 1e6)
    return best


def splitting() -> dict[str, Callable[[], object]]:
    """Splits alone: an ordinary one, a large one, and one that leaves out all but one leg."""
    few, many = ({isin: Fraction(1 + number) for number, isin in enumerate(isins(count))} for count in (10, 200))
    return {
        "split over 10": lambda: split(987_654, few, dict.fromkeys(few, 100)),
        "split over 200": lambda: split(987_654, many, dict.fromkeys(many, 100)),
        "split over 200, 199 left out": lambda: split(987_654, many, dict.fromkeys(many, 600_000)),
    }


def planning(count: int) -> dict[str, Callable[[], object]]:
    """Plans without anything done about them, as a preview makes them."""
    world = world_of(count)
    held = {"EUR": cash("10000")} | {isin: position(isin, "100") for isin in isins(count)}

    def planned(side: Side, distribution: Distribution) -> object:
        given = PlanInput(
            side=side,
            amount=Decimal(AMOUNT),
            currency=EUR,
            distribution=distribution,
            allocation=world.allocation,
            holdings=held,
            instruments=world.instruments,
        )
        return plan(given)

    return {
        f"plan a {side}, {distribution}, {count} instruments": lambda side=side, distribution=distribution: planned(
            side, distribution
        )
        for side in Side
        for distribution in Distribution
    }


def deciding(count: int) -> dict[str, Callable[[], object]]:
    """The messages of a portfolio order, applied one after the other, and its events as bytes."""
    world = world_of(count)
    world.deposit("10000")
    placed = world.accept("BUY", AMOUNT)
    before, placing = world.state.copy(), PlacePortfolioOrder(placed.id)
    opening = world.place_accepted(placed)
    opened = world.state
    reports = tuple(report for order in sends_of(opening) for report in (accepted(order), filling(order)))

    def apply(state: AccountState, *messages: Message) -> list[Event]:
        events, state = [], state.copy()
        for message in messages:
            decision = decide(state, message, world.circumstances())
            decision.apply_to(state)
            events += events_of(decision)
        return events

    at_once, singly = ReceiveVenueReports(reports), [ReceiveVenueReports((report,)) for report in reports]
    events = [*events_of(opening), *apply(opened, at_once)]
    ids = event_ids(numbered_id(1), NOW, len(events), SLOT)
    return {
        f"place {count} legs": lambda: apply(before, placing),
        f"{len(reports)} reports in one message": lambda: apply(opened, at_once),
        f"{len(reports)} reports in a message each": lambda: apply(opened, *singly),
        f"freeze the {len(events)} events of it": lambda: freeze(
            events, ids, created_at=NOW, parent_id=placed.id, epoch=1, official_reasons=False
        ),
    }


def world_of(count: int) -> World:
    """An account with an allocation of `count` instruments, each with another weight and price."""
    parts, whole = range(1, count + 1), 10**WEIGHT_DECIMALS
    steps = [whole * part // sum(parts) for part in parts]
    steps[-1] += whole - sum(steps)
    weights = {isin: plain(from_steps(step, WEIGHT_DECIMALS)) for isin, step in zip(isins(count), steps, strict=True)}
    traded = [instrument(isin, f"{17 + 13 * number}.37") for number, isin in enumerate(isins(count))]
    return World(market(*traded), allocation(weights))


def isins(count: int) -> list[str]:
    """Names in the form of ISINs."""
    return [f"DE{number:09d}0" for number in range(count)]


if __name__ == "__main__":
    main()
