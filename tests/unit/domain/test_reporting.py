"""What a venue says: acknowledged, executed, ended; late, twice, out of order, and wrong."""

from dataclasses import replace
from decimal import Decimal
from itertools import permutations

import pytest

from orderlane.domain.account import JournalReason
from orderlane.domain.errors import ExecutionConflict, ExecutionImpossible, OverExecuted, UnknownOrder
from orderlane.domain.messages import OrderExecuted
from orderlane.domain.order import Order, OrderCancellationReason, OrderStatus, execution_id
from orderlane.domain.portfolio_order import CancellationReason as Reason
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
    """A BUY of 400 EUR of a share at 100 and 600 EUR of an ETF at 10."""
    return world.place("BUY", "1000")


@pytest.fixture
def share(world: World, placed: PortfolioOrder) -> Order:
    return world.orders(placed)[0]


@pytest.fixture
def etf(world: World, placed: PortfolioOrder) -> Order:
    return world.orders(placed)[1]


def status_of(world: World, order: Order) -> OrderStatus:
    return world.state.orders[order.id].status


# In order ----


def test_the_first_order_at_the_venue_takes_the_portfolio_order_there(
    world: World, placed: PortfolioOrder, share: Order, etf: Order
) -> None:
    first = world.report(accepted(etf))
    second = world.report(accepted(share))

    assert [one.type for one in first.events] == ["PORTFOLIO_ORDER.PROCESSING", "ORDER.PROCESSING"]
    assert [one.type for one in second.events] == ["ORDER.PROCESSING"]
    assert world.portfolio_order(placed).status is Status.PROCESSING


def test_the_processing_event_shows_which_order_it_was(world: World, share: Order, etf: Order) -> None:
    processing = world.report(accepted(etf)).events[0].subject

    assert [one.status for one in processing.orders] == [OrderStatus.NEW, OrderStatus.PROCESSING]


def test_an_execution_pays_from_what_is_locked_and_brings_units_that_are_to_settle(world: World, share: Order) -> None:
    world.report(accepted(share), executed(share, "a", "1.5", "150"))

    cash, units = world.holding("EUR"), world.holding(SAP)
    assert (cash.quantity, cash.locked, cash.pending, cash.available) == (850, 850, 0, 0)
    assert (units.quantity, units.locked, units.pending, units.available) == (
        Decimal("1.5"),
        0,
        Decimal("1.5"),
        Decimal("1.5"),
    )
    assert status_of(world, share) is OrderStatus.PROCESSING


def test_the_last_execution_fills_the_order_and_frees_what_it_did_not_need(world: World, share: Order) -> None:
    world.report(accepted(share), executed(share, "a", "1.5", "150"))
    last = world.report(executed(share, "b", "2.4", "249.99", total="3.9"))

    assert [one.type for one in last.events] == ["EXECUTION.FILLED", "ORDER.FILLED"]
    assert [(one.reason, one.locked) for one in last.journal] == [
        (JournalReason.EXECUTION, Decimal("-249.99")),
        (JournalReason.EXECUTION, 0),
        (JournalReason.RELEASE, Decimal("-0.01")),
    ]
    assert (world.holding("EUR").quantity, world.holding("EUR").locked) == (Decimal("600.01"), 600)


def test_the_portfolio_order_is_filled_with_its_last_order(
    world: World, placed: PortfolioOrder, share: Order, etf: Order
) -> None:
    world.fill(share)
    last = world.report(accepted(etf), world.filling(etf))

    assert [one.type for one in last.events][-2:] == ["ORDER.FILLED", "PORTFOLIO_ORDER.FILLED"]
    filled = world.portfolio_order(placed)
    assert (filled.status, filled.cancellation_reason, filled.cancellation_details) == (Status.FILLED, None, "")
    assert all(one.locked == 0 for one in world.state.holdings.values())


def test_a_sell_delivers_what_is_locked_and_brings_cash_that_is_to_settle() -> None:
    world = world_of_two()
    world.state.holdings[WORLD] = position(WORLD, "100")
    (order,) = world.orders(world.place("SELL", "90"))
    world.report(accepted(order), executed(order, "a", "9.5", "90", total="9.5"))

    units, cash = world.holding(WORLD), world.holding("EUR")
    assert (units.quantity, units.locked, units.pending) == (Decimal("90.5"), 0, 0)
    assert (cash.quantity, cash.locked, cash.pending, cash.available) == (90, 0, 90, 90)


# Late, twice, out of order ----


def test_an_execution_before_the_acknowledgement_implies_it(world: World, share: Order) -> None:
    first = world.report(executed(share, "a", "1", "100"))
    second = world.report(accepted(share))

    assert [one.type for one in first.events] == ["PORTFOLIO_ORDER.PROCESSING", "ORDER.PROCESSING", "EXECUTION.FILLED"]
    assert second.events == []


def test_the_last_execution_may_come_before_the_others(world: World, share: Order) -> None:
    first = world.report(executed(share, "b", "2.5", "250", total="4"))
    assert status_of(world, share) is OrderStatus.PROCESSING

    second = world.report(executed(share, "a", "1.5", "150"))
    assert [one.type for one in first.events][-1] == "EXECUTION.FILLED"
    assert [one.type for one in second.events] == ["EXECUTION.FILLED", "ORDER.FILLED"]


def test_an_execution_that_is_known_changes_nothing(world: World, share: Order) -> None:
    world.report(accepted(share), executed(share, "a", "1", "100"))
    again = world.report(executed(share, "a", "1", "100"), executed(share, "a", "1.0", "100.00"))

    assert (again.events, again.journal) == ([], [])


def test_an_execution_that_is_known_may_turn_out_to_be_the_last(world: World, share: Order) -> None:
    world.report(accepted(share), executed(share, "a", "3", "300"))
    again = world.report(executed(share, "a", "3", "300", total="3"))

    assert [one.type for one in again.events] == ["ORDER.FILLED"]
    assert [(one.reason, one.locked) for one in again.journal] == [(JournalReason.RELEASE, -100)]


def test_reports_of_a_finished_order_again_change_nothing(world: World, share: Order) -> None:
    reports = (accepted(share), executed(share, "a", "4", "400", total="4"))
    world.report(*reports)
    again = world.report(*reports, ended(share, "4"))

    assert (again.events, again.journal) == ([], [])


@pytest.mark.parametrize("order_of_reports", [*permutations(range(4))])
def test_in_whatever_order_the_reports_come_the_end_is_the_same(
    world: World, share: Order, order_of_reports: tuple[int, ...]
) -> None:
    reports = (
        accepted(share),
        executed(share, "a", "1", "100"),
        executed(share, "b", "1.5", "150"),
        executed(share, "c", "1.4", "149", total="3.9"),
    )
    world.report(*(reports[number] for number in order_of_reports))

    assert status_of(world, share) is OrderStatus.FILLED
    assert (world.holding("EUR").quantity, world.holding("EUR").locked) == (601, 600)
    assert world.holding(SAP).quantity == Decimal("3.9")
    assert world.event_types[3:5] == ["PORTFOLIO_ORDER.PROCESSING", "ORDER.PROCESSING"]
    assert world.event_types[-1] == "ORDER.FILLED"


def test_the_id_of_an_execution_follows_from_venue_and_execution(world: World, share: Order) -> None:
    world.report(executed(share, "a", "1", "100"))

    (booked,) = world.state.orders[share.id].executions
    assert booked.id == execution_id("SIM", "a")
    assert execution_id("SIM", "a") not in (execution_id("SIM", "b"), execution_id("XETR", "a"))


# Ended before the end ----


def test_an_order_that_the_venue_refuses_is_cancelled_and_its_reservation_freed(
    world: World, placed: PortfolioOrder, share: Order
) -> None:
    refused = world.report(ended(share))

    assert [one.type for one in refused.events] == ["ORDER.CANCELLED"]
    order = world.state.orders[share.id]
    assert order.cancellation_reason is OrderCancellationReason.CANCELLED_BY_TRADING_PARTNER
    assert (world.holding("EUR").quantity, world.holding("EUR").locked) == (1000, 600)
    assert world.portfolio_order(placed).status is Status.NEW


def test_when_all_are_refused_the_portfolio_order_was_not_executed(
    world: World, placed: PortfolioOrder, share: Order, etf: Order
) -> None:
    last = world.report(ended(share), ended(etf))

    assert [one.type for one in last.events] == ["ORDER.CANCELLED", "ORDER.CANCELLED", "PORTFOLIO_ORDER.CANCELLED"]
    cancelled = world.portfolio_order(placed)
    assert cancelled.cancellation_reason is Reason.NOT_EXECUTED
    assert cancelled.cancellation_details == "2 of 2 individual orders were cancelled at the venue"
    assert world.holding("EUR").available == 1000


def test_when_all_are_taken_and_then_ended_it_was_not_executed_either(
    world: World, placed: PortfolioOrder, share: Order, etf: Order
) -> None:
    world.report(accepted(share), accepted(etf), ended(share), ended(etf))

    assert world.portfolio_order(placed).cancellation_reason is Reason.NOT_EXECUTED
    assert world.event_types.count("PORTFOLIO_ORDER.PROCESSING") == 1


def test_mixed_outcomes_leave_it_partially_executed(
    world: World, placed: PortfolioOrder, share: Order, etf: Order
) -> None:
    world.fill(share)
    last = world.report(ended(etf))

    assert [one.type for one in last.events] == ["ORDER.CANCELLED", "PORTFOLIO_ORDER.CANCELLED"]
    cancelled = world.portfolio_order(placed)
    assert cancelled.cancellation_reason is Reason.PARTIALLY_EXECUTED
    assert cancelled.cancellation_details == "1 of 2 individual orders were cancelled at the venue"
    assert (world.holding("EUR").quantity, world.holding("EUR").locked) == (600, 0)
    assert world.holding(SAP).quantity == 4


def test_one_order_cancelled_after_a_part_leaves_it_partially_executed(
    world: World, placed: PortfolioOrder, share: Order, etf: Order
) -> None:
    world.report(accepted(share), ended(etf), executed(share, "a", "1", "100"), ended(share, "1"))

    assert world.portfolio_order(placed).cancellation_reason is Reason.PARTIALLY_EXECUTED
    assert world.state.orders[share.id].status is OrderStatus.CANCELLED
    assert (world.holding("EUR").quantity, world.holding("EUR").locked) == (900, 0)


@pytest.mark.parametrize("order_of_reports", [*permutations(range(3))])
def test_an_end_waits_for_the_executions_that_it_counts(
    world: World, share: Order, order_of_reports: tuple[int, ...]
) -> None:
    reports = (executed(share, "a", "1", "100"), executed(share, "b", "1", "101"), ended(share, "2"))
    world.report(*(reports[number] for number in order_of_reports))

    assert status_of(world, share) is OrderStatus.CANCELLED
    assert world.holding("EUR").quantity == 799
    assert world.event_types[-1] == "ORDER.CANCELLED"


# Wrong ----


def test_an_order_that_the_account_does_not_have(world: World, share: Order) -> None:
    stranger = replace(share, id=world.new_id())

    for report in (accepted(stranger), executed(stranger, "a", "1", "1"), ended(stranger)):
        with pytest.raises(UnknownOrder, match=f"has no individual order {stranger.id}"):
            world.report(report)


def test_more_cash_than_was_reserved_is_refused(world: World, share: Order) -> None:
    world.report(executed(share, "a", "3", "300"))

    with pytest.raises(OverExecuted, match=r"allows 400\.00, the venue executed 400\.01"):
        world.report(executed(share, "b", "1", "100.01", total="4"))


def test_more_units_than_were_reserved_are_refused() -> None:
    world = world_of_two()
    world.state.holdings[WORLD] = position(WORLD, "100")
    (order,) = world.orders(world.place("SELL", "90"))

    with pytest.raises(OverExecuted, match=r"the venue executed 10\.0000000001"):
        world.report(executed(order, "a", "10.0000000001", "90"))


@pytest.mark.parametrize("end", ["FILLED", "CANCELLED"])
def test_an_execution_after_the_end_is_refused(world: World, share: Order, end: str) -> None:
    last = {"FILLED": executed(share, "a", "1", "100", total="1"), "CANCELLED": ended(share)}[end]
    world.report(last)

    with pytest.raises(OverExecuted):
        world.report(executed(share, "b", "1", "100"))


def test_more_units_than_the_venue_counts_itself_are_refused(world: World, share: Order) -> None:
    world.report(executed(share, "a", "2", "200"))

    with pytest.raises(OverExecuted, match="allows 1, the venue executed 2"):
        world.report(ended(share, "1"))
    with pytest.raises(OverExecuted, match="allows 1, the venue executed 3"):
        world.report(executed(share, "b", "1", "100", total="1"))


@pytest.mark.parametrize(("quantity", "cash_amount"), [("2", "100"), ("1", "100.01")])
def test_an_execution_with_other_figures_the_second_time_is_refused(
    world: World, share: Order, quantity: str, cash_amount: str
) -> None:
    world.report(executed(share, "a", "1", "100"))

    with pytest.raises(ExecutionConflict, match=r"execution a of individual order .* with other figures"):
        world.report(executed(share, "a", quantity, cash_amount))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"quantity": Decimal(0)}, "quantity 0 "),
        ({"quantity": Decimal(-1)}, "quantity -1 "),
        ({"quantity": Decimal("0.00000000001")}, "quantity 0.00000000001 "),
        ({"cash_amount": Decimal(-100)}, "cash amount -100 "),
        ({"cash_amount": Decimal("0.001")}, "cash amount 0.001 "),
        ({"price": Decimal(0)}, "price 0 "),
    ],
)
def test_an_execution_that_can_not_be_is_refused(
    world: World, share: Order, changes: dict[str, Decimal], what: str
) -> None:
    possible = executed(share, "a", "1", "100")
    impossible: OrderExecuted = replace(possible, **changes)

    with pytest.raises(ExecutionImpossible, match=f"{what}in execution a"):
        world.report(impossible)


def test_one_wrong_report_undoes_the_whole_message(world: World, share: Order) -> None:
    before = world.state.copy()

    with pytest.raises(UnknownOrder):
        world.report(accepted(share), accepted(replace(share, id=world.new_id())))
    assert world.state == before
