"""Waves: a parent order opens individual orders of both sides, several times, and ends with the last of the last."""

from decimal import Decimal
from itertools import permutations

import pytest
from msgspec import json

from orderlane.domain.account import PostingReason
from orderlane.domain.decision import Decision
from orderlane.domain.errors import HoldingOverdrawn, TooManyLegs, WaveRefused
from orderlane.domain.ids import LEGS_MAX, ParentOrderId, leg_of
from orderlane.domain.lane.placing import open_wave
from orderlane.domain.order import Order, OrderStatus, Side
from orderlane.domain.parent_order import ParentKind, ParentOrder
from orderlane.domain.planning import Leg, Plan
from orderlane.domain.portfolio_order import CancellationReason, PortfolioOrderType
from orderlane.domain.portfolio_order import PortfolioOrderStatus as Status
from tests.unit.domain.worlds import (
    SAP,
    WORLD,
    World,
    accepted,
    allocation,
    cash,
    ended,
    event_types,
    executed,
    filling,
    instrument,
    market,
    position,
    types_of,
    world_of_two,
)

SELLS = Plan(Side.SELL, (Leg(SAP, Decimal("400.00"), Decimal("4.5")),), ())
BUYS = Plan(Side.BUY, (Leg(WORLD, Decimal("390.00"), Decimal("390.00")),), ())


@pytest.fixture
def world() -> World:
    """An account with 10 shares at 100 EUR, and no cash."""
    world = world_of_two()
    world.hold(position(SAP, "10"))
    return world


@pytest.fixture
def rebalancing(world: World) -> ParentOrder:
    """A rebalancing that sells first; its BUYs are to come."""
    return world.begin("REBALANCING", SELLS, is_last=False)


# What has no amount


def test_a_rebalancing_has_no_amount_of_its_own(world: World, rebalancing: ParentOrder) -> None:
    assert (rebalancing.kind, rebalancing.type) == (ParentKind.PORTFOLIO, PortfolioOrderType.REBALANCING)
    assert f"{rebalancing.cash_amount}" == "0"
    assert json.decode(json.encode(rebalancing), type=ParentOrder) == rebalancing
    assert rebalancing.orders[0].cash_amount == 400


def test_a_liquidation_sells_by_units_and_has_no_amount_at_all(world: World) -> None:
    """Its leg names the quantity; what it brings is told by its executions."""
    plan = Plan(Side.SELL, (Leg(SAP, Decimal(0), Decimal(10)),), ())
    begun = world.begin("SELL", plan, kind=ParentKind.LIQUIDATION, allocation_id=None)
    (order,) = begun.orders

    assert (begun.cash_amount, order.cash_amount, order.locked) == (0, 0, 10)
    assert json.decode(json.encode(begun), type=ParentOrder) == begun
    world.report(executed(order, "a", "10", "987.65", total="10"))
    world.settle(begun)
    assert world.parent(begun).status is Status.SETTLED
    assert (world.holding(SAP).quantity, world.holding(SAP).locked) == (0, 0)
    assert (world.holding("EUR").quantity, world.holding("EUR").pending) == (Decimal("987.65"), 0)


# One wave after the other


def test_the_legs_of_a_second_wave_go_on_where_the_first_ended(world: World, rebalancing: ParentOrder) -> None:
    world.fill(*rebalancing.orders)
    parent = world.open_wave(rebalancing, BUYS)

    sold, bought = parent.orders
    assert [(order.leg, order.wave, order.side) for order in (sold, bought)] == [(1, 0, Side.SELL), (2, 1, Side.BUY)]
    assert (leg_of(bought.id), bought.parent_id) == (2, rebalancing.id)
    assert (rebalancing.wave, rebalancing.is_last_wave) == (1, False)
    assert (parent.wave, parent.is_last_wave) == (2, True)
    assert world.sends == [rebalancing.orders[0], bought]


def test_a_wave_reserves_what_the_one_before_has_brought(world: World, rebalancing: ParentOrder) -> None:
    world.fill(*rebalancing.orders)
    world.open_wave(rebalancing, BUYS)

    assert (world.holding("EUR").quantity, world.holding("EUR").locked) == (400, 390)
    assert [(posting.asset, posting.locked) for posting in world.postings if posting.locked > 0] == [
        (SAP, Decimal("4.5")),
        ("EUR", Decimal("390.00")),
    ]


def test_a_wave_for_which_there_is_not_enough_opens_nothing(world: World, rebalancing: ParentOrder) -> None:
    before = world.state.copy()

    with pytest.raises(HoldingOverdrawn, match="would hold 0 EUR with 390"):
        world.open_wave(rebalancing, BUYS)
    assert world.state == before


def test_while_a_wave_is_to_come_nothing_is_filled(world: World, rebalancing: ParentOrder) -> None:
    last = world.fill(*rebalancing.orders)

    assert types_of(last) == ["PORTFOLIO_ORDER.PROCESSING", "ORDER.PROCESSING", "EXECUTION.FILLED", "ORDER.FILLED"]
    assert world.parent(rebalancing).status is Status.PROCESSING


def test_while_a_wave_is_to_come_nothing_is_cancelled(world: World, rebalancing: ParentOrder) -> None:
    world.report(accepted(rebalancing.orders[0]), ended(rebalancing.orders[0]))

    assert world.order(rebalancing.orders[0]).status is OrderStatus.CANCELLED
    assert world.parent(rebalancing).status is Status.PROCESSING


def test_the_whole_story_of_a_rebalancing_in_two_waves(world: World, rebalancing: ParentOrder) -> None:
    world.fill(*rebalancing.orders)
    parent = world.open_wave(rebalancing, BUYS)
    world.fill(parent.orders[1])
    world.settle(parent)

    numbered = [event for event in world.events if event.sequence]
    assert event_types(numbered) == [
        "PORTFOLIO_ORDER.NEW",
        "ORDER.NEW",
        "PORTFOLIO_ORDER.PROCESSING",
        "ORDER.PROCESSING",
        "ORDER.FILLED",
        "ORDER.NEW",
        "ORDER.PROCESSING",
        "ORDER.FILLED",
        "PORTFOLIO_ORDER.FILLED",
        "PORTFOLIO_ORDER.SETTLED",
    ]
    assert [event.sequence for event in numbered] == list(range(1, 11))
    assert [f"{event.subject.order.leg}" for event in numbered if event.type.startswith("ORDER")] == [*"111222"]
    assert (world.holding(WORLD).quantity, world.holding("EUR").quantity) == (39, 10)


def test_a_wave_may_begin_before_the_one_before_has_ended(world: World, rebalancing: ParentOrder) -> None:
    world.hold(cash("400"))
    parent = world.open_wave(rebalancing, BUYS)
    first, second = parent.orders
    world.fill(second)

    assert world.parent(parent).status is Status.PROCESSING
    assert types_of(world.fill(first))[-1] == "PORTFOLIO_ORDER.FILLED"


def test_there_may_be_more_than_two_waves(world: World, rebalancing: ParentOrder) -> None:
    world.fill(*rebalancing.orders)
    world.open_wave(rebalancing, SELLS, is_last=False)
    world.fill(world.orders(rebalancing)[1])
    world.open_wave(rebalancing, BUYS)
    sold, sold_more, bought = world.orders(rebalancing)

    assert [order.wave for order in (sold, sold_more, bought)] == [0, 1, 2]
    assert [order.leg for order in (sold, sold_more, bought)] == [1, 2, 3]
    assert world.parent(rebalancing).status is Status.PROCESSING
    assert types_of(world.fill(bought))[-1] == "PORTFOLIO_ORDER.FILLED"


@pytest.mark.parametrize("refused_leg", [0, 1])
def test_one_leg_cancelled_in_any_wave_leaves_the_whole_partially_executed(
    world: World, rebalancing: ParentOrder, refused_leg: int
) -> None:
    world.hold(cash("400"))
    orders = world.open_wave(rebalancing, BUYS).orders
    world.fill(orders[1 - refused_leg])
    world.report(ended(orders[refused_leg]))

    cancelled = world.parent(rebalancing)
    assert (cancelled.status, cancelled.cancellation_reason) == (
        Status.CANCELLED,
        CancellationReason.PARTIALLY_EXECUTED,
    )
    assert cancelled.cancellation_details == (
        f"1 of 2 individual orders were cancelled at the venue ({orders[refused_leg].isin}: the venue says no)"
    )


@pytest.mark.parametrize("order_of_reports", [*permutations(range(4))])
def test_in_whatever_order_two_waves_end_the_whole_is_filled_once(
    world: World, rebalancing: ParentOrder, order_of_reports: tuple[int, ...]
) -> None:
    world.hold(cash("400"))
    orders = world.open_wave(rebalancing, BUYS).orders
    reports = [report for order in orders for report in (accepted(order), filling(order))]
    for number in order_of_reports:
        world.report(reports[number])

    assert world.event_types.count("PORTFOLIO_ORDER.FILLED") == 1
    assert world.event_types[-1] == "PORTFOLIO_ORDER.FILLED"


# How many legs there may be


def world_of_many(count: int) -> World:
    isins = [f"XS{number:010d}" for number in range(count)]
    return World(market(*map(instrument, isins)), allocation(dict.fromkeys(isins, "1")))


def test_a_portfolio_order_with_4095_legs_lives_to_its_end() -> None:
    world = world_of_many(LEGS_MAX)
    world.deposit("40950")
    placed = world.place("BUY", "40950")

    assert [leg_of(order.id) for order in placed.orders] == list(range(1, 4096))
    world.report(*(filling(order) for order in placed.orders))
    world.settle(placed)
    settled = world.parent(placed)
    assert (settled.status, settled.sequence) == (Status.SETTLED, 1 + 3 * 4095 + 3)
    assert len({trade.id for order in settled.orders for trade in order.executions}) == 4095


def test_a_portfolio_order_with_4096_legs_is_refused_as_a_whole() -> None:
    world = world_of_many(LEGS_MAX + 1)
    world.deposit("40960")
    taken = world.accept("BUY", "40960")

    with pytest.raises(TooManyLegs, match=f"parent order {taken.id} would have 4096 individual orders"):
        world.place_accepted(taken)
    assert (world.parent(taken), world.holding("EUR").locked) == (taken, 0)


def test_the_legs_of_all_waves_are_counted_together(world: World) -> None:
    world.hold(cash("100"))
    begun = world.begin("REBALANCING", buys_of_a_cent(4000), is_last=False)
    full = world.open_wave(begun, buys_of_a_cent(95), is_last=False)

    assert [leg_of(full.orders[number].id) for number in (3999, 4000, 4094)] == [4000, 4001, 4095]
    with pytest.raises(TooManyLegs, match="would have 4096"):
        world.open_wave(full, buys_of_a_cent(1))


def buys_of_a_cent(count: int) -> Plan:
    return Plan(Side.BUY, (Leg(WORLD, Decimal("0.01"), Decimal("0.01")),) * count, ())


def test_a_wave_that_is_refused_has_reserved_and_opened_nothing(world: World) -> None:
    world.hold(cash("100"))
    taken = world.accept("REBALANCING", "0")
    decision = Decision(world.state, world.circumstances())
    change = decision.change(ParentOrderId(taken.id))

    with pytest.raises(TooManyLegs):
        open_wave(decision, change, buys_of_a_cent(LEGS_MAX + 1))
    assert (decision.postings, change.sends, change.result()) == ([], [], taken)


def test_reservations_come_leg_by_leg_and_name_their_order(world: World) -> None:
    world.hold(cash("100"))
    begun = world.begin("REBALANCING", buys_of_a_cent(3))
    reserved: list[Order] = list(begun.orders)

    assert [(posting.reason, posting.order_id) for posting in world.postings] == [
        (PostingReason.RESERVATION, order.id) for order in reserved
    ]


# What takes no further wave


def test_no_wave_follows_the_last_one(world: World, rebalancing: ParentOrder) -> None:
    world.hold(cash("1000"))
    last = world.open_wave(rebalancing, BUYS)

    with pytest.raises(WaveRefused):
        world.open_wave(last, BUYS)


def test_a_parent_order_at_its_end_takes_no_wave(world: World) -> None:
    world.hold(cash("1000"))
    placed = world.place("BUY", "100")
    world.report(*(ended(order) for order in placed.orders))

    with pytest.raises(WaveRefused):
        world.open_wave(placed, BUYS)


def test_a_wave_of_nothing_is_refused(world: World, rebalancing: ParentOrder) -> None:
    with pytest.raises(WaveRefused):
        world.open_wave(rebalancing, Plan(Side.BUY, (), ()))
