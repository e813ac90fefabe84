"""Settling: what was pending is there for good, and the portfolio order is settled with its last execution."""

import pytest

from orderlane.domain.account import JournalReason
from orderlane.domain.errors import UnknownExecution
from orderlane.domain.order import ExecutionStatus, Order, execution_id
from orderlane.domain.portfolio_order import PortfolioOrder
from orderlane.domain.portfolio_order import PortfolioOrderStatus as Status
from tests.unit.domain.worlds import SAP, WORLD, World, accepted, ended, executed, position, world_of_two


@pytest.fixture
def world() -> World:
    world = world_of_two()
    world.deposit("1000")
    return world


@pytest.fixture
def placed(world: World) -> PortfolioOrder:
    return world.place("BUY", "1000")


@pytest.fixture
def orders(world: World, placed: PortfolioOrder) -> list[Order]:
    return world.orders(placed)


def test_a_settled_buy_has_its_units_for_good(world: World, orders: list[Order]) -> None:
    world.report(executed(orders[0], "a", "1", "100"))
    settled = world.settle(execution_id("SIM", "a"))

    assert (world.holding(SAP).quantity, world.holding(SAP).pending) == (1, 0)
    assert [(one.asset, one.reason, one.quantity, one.pending) for one in settled.journal] == [
        (SAP, JournalReason.SETTLEMENT, 0, -1)
    ]
    assert [one.type for one in settled.events] == ["EXECUTION.SETTLED"]
    assert world.state.orders[orders[0].id].executions[0].status is ExecutionStatus.SETTLED


def test_a_settled_sell_has_its_cash_for_good() -> None:
    world = world_of_two()
    world.state.holdings[WORLD] = position(WORLD, "100")
    (order,) = world.orders(world.place("SELL", "90"))
    world.report(executed(order, "a", "9", "90", total="9"))
    settled = world.settle(execution_id("SIM", "a"))

    assert (world.holding("EUR").quantity, world.holding("EUR").pending) == (90, 0)
    assert [one.type for one in settled.events] == ["EXECUTION.SETTLED", "PORTFOLIO_ORDER.SETTLED"]


def test_the_portfolio_order_is_settled_with_its_last_execution(
    world: World, placed: PortfolioOrder, orders: list[Order]
) -> None:
    for order in orders:
        world.fill(order)
    first, second = (world.state.orders[one.id].executions[0].id for one in orders)

    assert [one.type for one in world.settle(second).events] == ["EXECUTION.SETTLED"]
    assert world.portfolio_order(placed).status is Status.FILLED
    assert [one.type for one in world.settle(first).events] == ["EXECUTION.SETTLED", "PORTFOLIO_ORDER.SETTLED"]
    assert world.portfolio_order(placed).status is Status.SETTLED
    assert all(one.locked == one.pending == 0 for one in world.state.holdings.values())


def test_executions_settle_in_the_order_in_which_they_are_named(
    world: World, placed: PortfolioOrder, orders: list[Order]
) -> None:
    for order in orders:
        world.fill(order)
    first, second = (world.state.orders[one.id].executions[0].id for one in orders)
    settled = world.settle(second, first)

    assert [one.subject.id for one in settled.events[:2]] == [second, first]
    assert settled.events[2].type == "PORTFOLIO_ORDER.SETTLED"


def test_what_is_settled_settles_no_second_time(world: World, orders: list[Order]) -> None:
    world.report(executed(orders[0], "a", "1", "100"))
    name = execution_id("SIM", "a")

    assert len(world.settle(name, name).events) == 1
    again = world.settle(name)
    assert (again.events, again.journal) == ([], [])


def test_executions_may_settle_before_the_order_is_at_its_end(
    world: World, placed: PortfolioOrder, orders: list[Order]
) -> None:
    world.fill(orders[0])
    world.report(executed(orders[1], "a", "60", "600"))
    for order in world.orders(placed):
        world.settle(*(one.id for one in order.executions))

    assert world.portfolio_order(placed).status is Status.PROCESSING
    last = world.report(executed(orders[1], "a", "60", "600", total="60"))
    assert [one.type for one in last.events] == ["ORDER.FILLED", "PORTFOLIO_ORDER.FILLED", "PORTFOLIO_ORDER.SETTLED"]


def test_a_cancelled_portfolio_order_stays_cancelled(world: World, placed: PortfolioOrder, orders: list[Order]) -> None:
    world.report(accepted(orders[0]), ended(orders[0]), accepted(orders[1]))
    world.report(world.filling(orders[1], "a"))
    settled = world.settle(execution_id("SIM", "a"))

    assert [one.type for one in settled.events] == ["EXECUTION.SETTLED"]
    assert world.portfolio_order(placed).status is Status.CANCELLED


def test_an_execution_that_the_account_does_not_have(world: World, orders: list[Order]) -> None:
    with pytest.raises(UnknownExecution, match="has no execution"):
        world.settle(world.new_id())
