"""An order that the venue ends before it was executed in full: why, and what that makes of the whole."""

from itertools import permutations

import pytest

from orderlane.domain.lane.reporting import DETAILS_LENGTH_MAX
from orderlane.domain.order import Order, OrderCancellationReason, OrderStatus
from orderlane.domain.parent_order import ParentOrder
from orderlane.domain.portfolio_order import CancellationReason as Reason
from orderlane.domain.portfolio_order import PortfolioOrderStatus as Status
from tests.unit.domain.worlds import (
    SAP,
    WORLD,
    World,
    accepted,
    ended,
    events_of,
    executed,
    types_of,
)


def test_an_order_that_the_venue_refuses_is_cancelled_and_its_reservation_freed(
    world: World, placed: ParentOrder, share: Order
) -> None:
    refused = world.report(ended(share))

    assert types_of(refused) == ["ORDER.CANCELLED"]
    order = world.order(share)
    assert order.cancellation_reason is OrderCancellationReason.CANCELLED_BY_TRADING_PARTNER
    assert order.cancellation_details == "the venue says no"
    assert (world.holding("EUR").quantity, world.holding("EUR").locked) == (1000, 600)
    assert world.parent(placed).status is Status.NEW


def test_when_all_are_refused_the_portfolio_order_was_not_executed(
    world: World, placed: ParentOrder, share: Order, etf: Order
) -> None:
    last = world.report(ended(share), ended(etf, detail="unknown symbol"))

    assert types_of(last) == ["ORDER.CANCELLED", "ORDER.CANCELLED", "PORTFOLIO_ORDER.CANCELLED"]
    cancelled = world.parent(placed)
    assert cancelled.cancellation_reason is Reason.NOT_EXECUTED
    assert cancelled.cancellation_details == (
        f"2 of 2 individual orders were cancelled at the venue ({SAP}: the venue says no; {WORLD}: unknown symbol)"
    )
    assert world.holding("EUR").available == 1000


def test_when_all_are_taken_and_then_ended_it_was_not_executed_either(
    world: World, placed: ParentOrder, share: Order, etf: Order
) -> None:
    world.report(accepted(share), accepted(etf), ended(share), ended(etf))

    assert world.parent(placed).cancellation_reason is Reason.NOT_EXECUTED
    assert world.event_types.count("PORTFOLIO_ORDER.PROCESSING") == 1


def test_mixed_outcomes_leave_it_partially_executed(
    world: World, placed: ParentOrder, share: Order, etf: Order
) -> None:
    world.fill(share)
    last = world.report(ended(etf))

    assert types_of(last) == ["ORDER.CANCELLED", "PORTFOLIO_ORDER.CANCELLED"]
    cancelled = world.parent(placed)
    assert cancelled.cancellation_reason is Reason.PARTIALLY_EXECUTED
    assert cancelled.cancellation_details == (
        f"1 of 2 individual orders were cancelled at the venue ({WORLD}: the venue says no)"
    )
    assert (world.holding("EUR").quantity, world.holding("EUR").locked) == (600, 0)
    assert world.holding(SAP).quantity == 4


def test_one_order_cancelled_after_a_part_leaves_it_partially_executed(
    world: World, placed: ParentOrder, share: Order, etf: Order
) -> None:
    world.report(accepted(share), ended(etf), executed(share, "a", "1", "100"), ended(share, "1"))

    assert world.parent(placed).cancellation_reason is Reason.PARTIALLY_EXECUTED
    assert world.order(share).status is OrderStatus.CANCELLED
    assert (world.holding("EUR").quantity, world.holding("EUR").locked) == (900, 0)


@pytest.mark.parametrize("order_of_reports", [*permutations(range(3))])
def test_an_end_waits_for_the_executions_that_it_counts(
    world: World, share: Order, order_of_reports: tuple[int, ...]
) -> None:
    reports = (executed(share, "a", "1", "100"), executed(share, "b", "1", "101"), ended(share, "2"))
    world.report(*(reports[number] for number in order_of_reports))

    assert world.order(share).status is OrderStatus.CANCELLED
    assert world.holding("EUR").quantity == 799
    assert world.event_types[-1] == "ORDER.CANCELLED"
    assert world.order(share).cancellation_details == "the venue says no"


def test_the_venues_word_is_kept_up_to_a_thousand_characters(
    world: World, placed: ParentOrder, share: Order, etf: Order
) -> None:
    world.report(ended(share, detail="x" * 1000), ended(etf, detail="y" * 1001))

    assert world.order(share).cancellation_details == "x" * 1000
    assert world.order(etf).cancellation_details == "y" * 1000
    details = world.parent(placed).cancellation_details
    assert len(details) == DETAILS_LENGTH_MAX == 1000
    assert details.startswith(f"2 of 2 individual orders were cancelled at the venue ({SAP}: xxx")
    assert details.endswith("x…)")


@pytest.mark.parametrize("length", [999, 1000, 1001])
def test_details_are_shortened_only_when_they_are_too_long(
    world: World, placed: ParentOrder, share: Order, etf: Order, length: int
) -> None:
    frame = f"1 of 2 individual orders were cancelled at the venue ({WORLD}: )"
    world.fill(share)
    world.report(ended(etf, detail="z" * (length - len(frame))))

    details = world.parent(placed).cancellation_details
    assert len(details) == min(length, 1000)
    assert details.endswith("z)" if length <= 1000 else "z…)")


def test_a_reason_that_came_before_its_executions_shows_only_when_the_order_ends(world: World, share: Order) -> None:
    waiting = world.report(ended(share, "1"))

    assert (events_of(waiting), world.order(share).status) == ([], OrderStatus.NEW)
    assert types_of(world.report(executed(share, "a", "1", "100")))[-2:] == ["EXECUTION.FILLED", "ORDER.CANCELLED"]
