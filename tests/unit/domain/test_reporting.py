"""What a venue says: acknowledged, executed, ended; late, twice, out of order, and wrong."""

from decimal import Decimal
from itertools import permutations

import pytest
from msgspec import structs

from orderlane.domain.account import AssetType, PostingReason
from orderlane.domain.errors import (
    ExecutionConflict,
    ExecutionImpossible,
    OverExecuted,
    UnknownOrder,
    UnknownParentOrder,
)
from orderlane.domain.ids import LEGS_MAX, execution_id, order_id
from orderlane.domain.lane.reporting import OrderEnded, OrderExecuted, parents_of
from orderlane.domain.order import Order, OrderStatus
from orderlane.domain.parent_order import ParentOrder
from orderlane.domain.portfolio_order import PortfolioOrderStatus as Status
from tests.unit.domain.worlds import (
    SAP,
    VENUE,
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

# In order ----


def test_the_first_order_at_the_venue_takes_the_portfolio_order_there(
    world: World, placed: ParentOrder, share: Order, etf: Order
) -> None:
    first = world.report(accepted(etf))
    second = world.report(accepted(share))

    assert types_of(first) == ["PORTFOLIO_ORDER.PROCESSING", "ORDER.PROCESSING"]
    assert types_of(second) == ["ORDER.PROCESSING"]
    assert world.parent(placed).status is Status.PROCESSING


def test_the_processing_event_shows_which_order_it_was(world: World, share: Order, etf: Order) -> None:
    processing = events_of(world.report(accepted(etf)))[0].subject

    assert [order.status for order in processing.parent.orders] == [OrderStatus.NEW, OrderStatus.PROCESSING]


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
    assert world.order(share).status is OrderStatus.PROCESSING


def test_the_last_execution_fills_the_order_and_frees_what_it_did_not_need(world: World, share: Order) -> None:
    world.report(accepted(share), executed(share, "a", "1.5", "150"))
    last = world.report(executed(share, "b", "2.4", "249.99", total="3.9"))

    assert types_of(last) == ["EXECUTION.FILLED", "ORDER.FILLED"]
    assert [(posting.reason, posting.locked) for posting in last.postings] == [
        (PostingReason.EXECUTION, Decimal("-249.99")),
        (PostingReason.EXECUTION, 0),
        (PostingReason.RELEASE, Decimal("-0.01")),
    ]
    release = last.postings[-1]
    assert (release.order_id, release.asset, release.asset_type) == (share.id, "EUR", AssetType.CASH)
    assert (world.holding("EUR").quantity, world.holding("EUR").locked) == (Decimal("600.01"), 600)


def test_a_sell_frees_the_units_that_it_did_not_need() -> None:
    world = world_of_two()
    world.hold(position(WORLD, "100"))
    (order,) = world.orders(world.place("SELL", "90"))
    last = world.report(executed(order, "a", "9.5", "90", total="9.5"))

    release = last.postings[-1]
    assert (release.order_id, release.asset, release.asset_type) == (order.id, WORLD, AssetType.INSTRUMENT)
    assert (release.reason, release.locked, release.quantity) == (PostingReason.RELEASE, Decimal("-0.5"), 0)


def test_the_portfolio_order_is_filled_with_its_last_order(
    world: World, placed: ParentOrder, share: Order, etf: Order
) -> None:
    world.fill(share)
    last = world.report(accepted(etf), filling(etf))

    assert types_of(last)[-2:] == ["ORDER.FILLED", "PORTFOLIO_ORDER.FILLED"]
    filled = world.parent(placed)
    assert (filled.status, filled.cancellation_reason, filled.cancellation_details) == (Status.FILLED, None, "")
    assert all(held.locked == 0 for held in world.state.holdings.values())


def test_a_sell_delivers_what_is_locked_and_brings_cash_that_is_to_settle() -> None:
    world = world_of_two()
    world.hold(position(WORLD, "100"))
    (order,) = world.orders(world.place("SELL", "90"))
    world.report(accepted(order), executed(order, "a", "9.5", "90", total="9.5"))

    units, cash = world.holding(WORLD), world.holding("EUR")
    assert (units.quantity, units.locked, units.pending) == (Decimal("90.5"), 0, 0)
    assert (cash.quantity, cash.locked, cash.pending, cash.available) == (90, 0, 90, 90)


# Late, twice, out of order ----


def test_an_execution_before_the_acknowledgement_implies_it(world: World, share: Order) -> None:
    first = world.report(executed(share, "a", "1", "100"))
    second = world.report(accepted(share))

    assert types_of(first) == ["PORTFOLIO_ORDER.PROCESSING", "ORDER.PROCESSING", "EXECUTION.FILLED"]
    assert events_of(second) == []


def test_the_last_execution_may_come_before_the_others(world: World, share: Order) -> None:
    first = world.report(executed(share, "b", "2.5", "250", total="4"))
    assert world.order(share).status is OrderStatus.PROCESSING

    second = world.report(executed(share, "a", "1.5", "150"))
    assert types_of(first)[-1] == "EXECUTION.FILLED"
    assert types_of(second) == ["EXECUTION.FILLED", "ORDER.FILLED"]


def test_an_execution_that_is_known_changes_nothing(world: World, share: Order) -> None:
    world.report(accepted(share), executed(share, "a", "1", "100"))
    before = world.order(share)
    again = world.report(executed(share, "a", "1", "100"), executed(share, "a", "1.0", "100.00"))

    assert (events_of(again), again.postings) == ([], [])
    assert world.order(share) == before


def test_an_execution_that_is_known_may_turn_out_to_be_the_last(world: World, share: Order) -> None:
    world.report(accepted(share), executed(share, "a", "3", "300"))
    again = world.report(executed(share, "a", "3", "300", total="3"))

    assert types_of(again) == ["ORDER.FILLED"]
    assert [(posting.reason, posting.locked) for posting in again.postings] == [(PostingReason.RELEASE, -100)]


def test_a_known_execution_that_is_the_last_waits_for_those_before_it(world: World, share: Order) -> None:
    world.report(executed(share, "b", "1", "100"))
    again = world.report(executed(share, "b", "1", "100", total="3"))

    assert events_of(again) == []
    assert world.order(share).reported_quantity == 3
    assert types_of(world.report(executed(share, "a", "2", "200"))) == ["EXECUTION.FILLED", "ORDER.FILLED"]


def test_reports_of_a_finished_order_again_change_nothing(world: World, share: Order) -> None:
    reports = (accepted(share), executed(share, "a", "4", "400", total="4"))
    world.report(*reports)
    again = world.report(*reports, ended(share, "4"))

    assert (events_of(again), again.postings) == ([], [])
    assert world.order(share).cancellation_reason is None


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

    assert world.order(share).status is OrderStatus.FILLED
    assert (world.holding("EUR").quantity, world.holding("EUR").locked) == (601, 600)
    assert world.holding(SAP).quantity == Decimal("3.9")
    assert world.event_types[3:5] == ["PORTFOLIO_ORDER.PROCESSING", "ORDER.PROCESSING"]
    assert world.event_types[-1] == "ORDER.FILLED"


def test_the_id_of_an_execution_follows_from_venue_execution_and_order(world: World, share: Order) -> None:
    world.report(executed(share, "a", "1", "100"))

    (booked,) = world.order(share).executions
    assert booked.id == execution_id(VENUE.id, "a", share.id)
    assert booked.venue_execution_id == "a"


def test_one_block_fill_gives_each_order_an_execution_of_its_own(world: World, share: Order, etf: Order) -> None:
    world.report(executed(share, "block", "1", "100"), executed(etf, "block", "10", "100"))

    ids = [trade.id for order in (share, etf) for trade in world.order(order).executions]
    assert len(set(ids)) == len(ids) == 2


def test_the_reports_of_one_message_may_be_about_several_parent_orders(world: World, share: Order, etf: Order) -> None:
    world.deposit("1000")
    other, _ = world.orders(world.place("BUY", "1000"))
    decision = world.report(accepted(share), accepted(other), accepted(etf))

    assert list(decision.changes) == [share.parent_id, other.parent_id]
    assert parents_of([accepted(share), accepted(other), accepted(etf)]) == (share.parent_id, other.parent_id)
    assert [world.order(order).status for order in (share, other, etf)] == [OrderStatus.PROCESSING] * 3


# Wrong ----


def test_a_parent_order_that_the_account_does_not_have(world: World, share: Order) -> None:
    unknown = stranger(share)

    for report in (accepted(unknown), executed(unknown, "a", "1", "1"), ended(unknown)):
        with pytest.raises(UnknownParentOrder, match=f"has no parent order {unknown.parent_id}"):
            world.report(report)


@pytest.mark.parametrize("leg", [3, LEGS_MAX])
def test_an_order_that_the_parent_order_does_not_have(world: World, share: Order, leg: int) -> None:
    unknown = structs.replace(share, id=order_id(share.parent_id, leg))

    for report in (accepted(unknown), executed(unknown, "a", "1", "1"), ended(unknown)):
        with pytest.raises(UnknownOrder, match=f"has no individual order {unknown.id}"):
            world.report(report)


def test_more_cash_than_was_reserved_is_refused(world: World, share: Order) -> None:
    world.report(executed(share, "a", "3", "300"))

    with pytest.raises(OverExecuted, match=r"allows 400\.00, the venue executed 400\.01"):
        world.report(executed(share, "b", "1", "100.01", total="4"))


def test_more_units_than_were_reserved_are_refused() -> None:
    world = world_of_two()
    world.hold(position(WORLD, "100"))
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
        ({"quantity": Decimal("0.00000000001")}, "quantity 1E-11 "),
        ({"quantity": Decimal(10**25 + 1)}, "quantity 10000000000000000000000001 "),
        ({"quantity": Decimal("1E+999999")}, r"quantity 1E\+999999 "),
        ({"quantity": Decimal("NaN")}, "quantity NaN "),
        ({"cash_amount": Decimal("1000000000000000000.01")}, "cash amount 1000000000000000000.01 "),
        ({"price": Decimal("1000000000000000.1")}, "price 1000000000000000.1 "),
        ({"price": Decimal("1E-21")}, "price 1E-21 "),
        ({"price": Decimal("1E-999999")}, "price 1E-999999 "),
        ({"price": Decimal("Infinity")}, "price Infinity "),
        ({"cash_amount": Decimal(-100)}, "cash amount -100 "),
        ({"cash_amount": Decimal("0.001")}, "cash amount 0.001 "),
        ({"price": Decimal(0)}, "price 0 "),
    ],
)
def test_an_execution_that_can_not_be_is_refused(
    world: World, share: Order, changes: dict[str, Decimal], what: str
) -> None:
    possible = executed(share, "a", "1", "100")
    impossible: OrderExecuted = structs.replace(possible, **changes)

    with pytest.raises(ExecutionImpossible, match=f"{what}in execution a"):
        world.report(impossible)


@pytest.mark.parametrize("total_quantity", ["-1", "1E-11", "1E+26", "NaN", "Infinity"])
def test_a_total_that_can_not_be_is_refused(world: World, share: Order, total_quantity: str) -> None:
    last = structs.replace(executed(share, "a", "1", "100"), total_quantity=Decimal(total_quantity))
    end = OrderEnded(share.id, "ended", Decimal(total_quantity))

    for report in (last, end):
        with pytest.raises(ExecutionImpossible, match=r"total quantity .* in a report of individual order"):
            world.report(report)


def test_the_smallest_execution_that_can_be_is_booked(world: World, share: Order) -> None:
    """A fill of so few units that they cost less than half a cent."""
    world.report(executed(share, "a", "0.0000000001", "0", price="0.0001"))

    (booked,) = world.order(share).executions
    assert (booked.share_quantity, booked.cash_amount, booked.price) == (Decimal("1E-10"), 0, Decimal("0.0001"))
    assert (world.holding(SAP).quantity, world.holding("EUR").quantity) == (Decimal("1E-10"), 1000)


def test_one_wrong_report_undoes_the_whole_message(world: World, share: Order) -> None:
    before = world.state.copy()

    with pytest.raises(UnknownParentOrder):
        world.report(accepted(share), accepted(stranger(share)))
    assert world.state == before
