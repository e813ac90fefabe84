"""Settling: what was pending is there for good, and the portfolio order is settled with its last execution."""

from datetime import date

import pytest

from orderlane.domain.account import AssetType, PostingReason
from orderlane.domain.errors import UnknownParentOrder
from orderlane.domain.order import ExecutionStatus, Order
from orderlane.domain.parent_order import ParentOrder, settles_on
from orderlane.domain.portfolio_order import PortfolioOrderStatus as Status
from tests.unit.domain.worlds import (
    SAP,
    SETTLEMENT_DATE,
    WORLD,
    World,
    accepted,
    ended,
    events_of,
    executed,
    filling,
    position,
    stranger,
    types_of,
    world_of_two,
)

THURSDAY, FRIDAY, MONDAY = date(2021, 7, 22), SETTLEMENT_DATE, date(2021, 7, 26)


def statuses(world: World, order: Order) -> list[ExecutionStatus]:
    return [trade.status for trade in world.order(order).executions]


def test_a_settled_buy_has_its_units_for_good(world: World, placed: ParentOrder, share: Order) -> None:
    world.report(executed(share, "a", "1", "100"))
    settled = world.settle(placed)

    assert (world.holding(SAP).quantity, world.holding(SAP).pending) == (1, 0)
    (posting,) = settled.postings
    assert (posting.asset, posting.asset_type) == (SAP, AssetType.INSTRUMENT)
    assert (posting.reason, posting.quantity, posting.pending) == (PostingReason.SETTLEMENT, 0, -1)
    assert (posting.order_id, posting.execution_id) == (share.id, world.order(share).executions[0].id)
    assert types_of(settled) == ["EXECUTION.SETTLED"]
    assert statuses(world, share) == [ExecutionStatus.SETTLED]


def test_a_settled_sell_has_its_cash_for_good() -> None:
    world = world_of_two()
    world.hold(position(WORLD, "100"))
    sold = world.place("SELL", "90")
    world.report(executed(sold.orders[0], "a", "9", "90", total="9"))
    settled = world.settle(sold)

    assert (world.holding("EUR").quantity, world.holding("EUR").pending) == (90, 0)
    assert [(posting.asset, posting.asset_type) for posting in settled.postings] == [("EUR", AssetType.CASH)]
    assert types_of(settled) == ["EXECUTION.SETTLED", "PORTFOLIO_ORDER.SETTLED"]


def test_what_is_due_later_waits(world: World, placed: ParentOrder, share: Order) -> None:
    world.report(
        executed(share, "a", "1", "100", settles=MONDAY),
        executed(share, "b", "1", "100", settles=FRIDAY),
        executed(share, "c", "1", "100", settles=THURSDAY),
    )

    assert (events_of(world.settle(placed, due_on=date(2021, 7, 21))), world.holding(SAP).pending) == ([], 3)
    assert types_of(world.settle(placed, due_on=FRIDAY)) == ["EXECUTION.SETTLED"] * 2
    assert statuses(world, share) == [ExecutionStatus.FILLED, ExecutionStatus.SETTLED, ExecutionStatus.SETTLED]
    assert types_of(world.settle(placed, due_on=MONDAY)) == ["EXECUTION.SETTLED"]
    assert world.holding(SAP).pending == 0


def test_the_portfolio_order_is_settled_with_its_last_execution(
    world: World, placed: ParentOrder, share: Order, etf: Order
) -> None:
    world.report(filling(share, settles=MONDAY), filling(etf, settles=FRIDAY))

    assert types_of(world.settle(placed, due_on=FRIDAY)) == ["EXECUTION.SETTLED"]
    assert world.parent(placed).status is Status.FILLED
    assert types_of(world.settle(placed, due_on=MONDAY)) == ["EXECUTION.SETTLED", "PORTFOLIO_ORDER.SETTLED"]
    assert world.parent(placed).status is Status.SETTLED
    assert all(held.locked == held.pending == 0 for held in world.state.holdings.values())


def test_executions_settle_in_the_order_of_their_legs(
    world: World, placed: ParentOrder, share: Order, etf: Order
) -> None:
    world.report(filling(etf), executed(share, "a", "1", "100"), executed(share, "b", "3", "300", total="4"))
    settled = world.settle(placed)

    traded = [trade.id for order in world.orders(placed) for trade in order.executions]
    assert [event.subject.execution.id for event in events_of(settled)[:3]] == traded
    assert types_of(settled)[3:] == ["PORTFOLIO_ORDER.SETTLED"]


def test_several_parent_orders_settle_in_one_message() -> None:
    world = world_of_two()
    world.deposit("2000")
    first, second = world.place("BUY", "1000"), world.place("BUY", "500")
    world.fill(*first.orders, *second.orders)
    settled = world.settle(second, first)

    assert list(settled.changes) == [second.id, first.id]
    assert [world.parent(parent).status for parent in (first, second)] == [Status.SETTLED, Status.SETTLED]


def test_other_parent_orders_of_the_account_wait_for_their_own_message() -> None:
    world = world_of_two()
    world.deposit("2000")
    first, second = world.place("BUY", "1000"), world.place("BUY", "500")
    world.fill(*first.orders, *second.orders)
    world.settle(first)

    assert [world.parent(parent).status for parent in (first, second)] == [Status.SETTLED, Status.FILLED]


def test_what_is_settled_settles_no_second_time(world: World, placed: ParentOrder, share: Order) -> None:
    world.report(executed(share, "a", "1", "100"))

    assert types_of(world.settle(placed, placed)) == ["EXECUTION.SETTLED"]
    again = world.settle(placed)
    assert (events_of(again), again.postings) == ([], [])


def test_what_the_venue_took_back_does_not_settle(world: World, placed: ParentOrder, share: Order) -> None:
    world.report(executed(share, "a", "1", "100"), executed(share, "b", "1", "100"))
    world.cancel_execution(share, "a")

    assert types_of(world.settle(placed)) == ["EXECUTION.SETTLED"]
    assert statuses(world, share) == [ExecutionStatus.CANCELLED, ExecutionStatus.SETTLED]


def test_a_filled_order_settles_without_the_execution_that_the_venue_took_back(
    world: World, placed: ParentOrder, share: Order, etf: Order
) -> None:
    world.fill(share, etf)
    world.cancel_execution(share, f"fill of {share.id}")

    assert types_of(world.settle(placed)) == ["EXECUTION.SETTLED", "PORTFOLIO_ORDER.SETTLED"]


def test_executions_may_settle_before_the_order_is_at_its_end(
    world: World, placed: ParentOrder, share: Order, etf: Order
) -> None:
    world.fill(share)
    world.report(executed(etf, "a", "60", "600"))
    world.settle(placed)

    assert world.parent(placed).status is Status.PROCESSING
    last = world.report(executed(etf, "a", "60", "600", total="60"))
    assert types_of(last) == ["ORDER.FILLED", "PORTFOLIO_ORDER.FILLED", "PORTFOLIO_ORDER.SETTLED"]


def test_a_cancelled_portfolio_order_stays_cancelled(
    world: World, placed: ParentOrder, share: Order, etf: Order
) -> None:
    world.report(accepted(share), ended(share), accepted(etf))
    world.report(filling(etf))
    settled = world.settle(placed)

    assert types_of(settled) == ["EXECUTION.SETTLED"]
    assert world.parent(placed).status is Status.CANCELLED


def test_a_parent_order_that_the_account_does_not_have(world: World, placed: ParentOrder, share: Order) -> None:
    world.fill(share)
    unknown = stranger(share).parent_id

    with pytest.raises(UnknownParentOrder, match=f"has no parent order {unknown}"):
        world.settle(placed, unknown)
    assert statuses(world, share) == [ExecutionStatus.FILLED]


# The date on which a timer asks again


def test_a_parent_order_settles_next_on_the_earliest_date_that_is_open(
    world: World, placed: ParentOrder, share: Order, etf: Order
) -> None:
    assert settles_on(world.orders(placed)) is None
    world.report(
        executed(share, "a", "1", "100", settles=MONDAY),
        executed(etf, "b", "1", "10", settles=FRIDAY),
        executed(etf, "c", "1", "10", settles=THURSDAY),
    )

    assert settles_on(world.orders(placed)) == THURSDAY
    world.cancel_execution(etf, "c")
    assert settles_on(world.orders(placed)) == FRIDAY
    world.settle(placed, due_on=FRIDAY)
    assert settles_on(world.orders(placed)) == MONDAY
    world.settle(placed, due_on=MONDAY)
    assert settles_on(world.orders(placed)) is None
