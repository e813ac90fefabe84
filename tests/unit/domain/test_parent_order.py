"""The parent order holds its individual orders, with their executions, as one document."""

from decimal import Decimal

import pytest
from msgspec import json

from orderlane.domain.order import (
    Execution,
    ExecutionStatus,
    Order,
    OrderCancellationReason,
    OrderInitiationFlow,
    OrderStatus,
)
from orderlane.domain.parent_order import ParentOrder
from orderlane.domain.portfolio_order import PortfolioOrderStatus as Status
from tests.unit.domain.worlds import NOW, World, accepted, ended, executed


def states_of_a_life(world: World) -> list[ParentOrder]:
    """The same parent order after each message: new, placed, traded, one leg ended, settled."""
    taken = world.accept("BUY", "1000")
    states = [taken]
    world.place_accepted(taken)
    states.append(world.parent(taken))
    share, etf = world.orders(taken)
    for reports in ([accepted(share), executed(share, "a", "1.50", "150.00")], [ended(share, "1.5"), ended(etf)]):
        world.report(*reports)
        states.append(world.parent(taken))
    world.settle(taken)
    return [*states, world.parent(taken)]


def test_a_parent_order_comes_back_from_its_json_to_the_digit(world: World) -> None:
    states = states_of_a_life(world)
    again = [json.decode(json.encode(parent), type=ParentOrder) for parent in states]

    assert (again, repr(again)) == (states, repr(states))
    assert [parent.status for parent in states] == [
        Status.NEW,
        Status.NEW,
        Status.PROCESSING,
        Status.CANCELLED,
        Status.CANCELLED,
    ]


def test_a_document_written_without_what_is_usual_is_read_with_it() -> None:
    """Fields with a default may be missing: older documents have fewer of them."""
    order = json.decode(
        '{"id":"017ac966-dec0-7001-8000-0000000fa285","side":"BUY","isin":"DE0007164600",'
        '"venue_id":"017ac966-dec0-7000-8000-000000001806","venue":"Simulated","locked":"400","reference_price":"100",'
        '"fractional":true,"status":"NEW","created_at":"2021-07-21T14:10:00Z","updated_at":"2021-07-21T14:10:00Z"}',
        type=Order,
    )

    assert (order.cash_amount, order.quantity, order.fee, order.wave) == (0, 0, 0, 0)
    assert (order.cancellation_reason, order.cancellation_details, order.reported_quantity) == (None, "", None)
    assert (order.initiation_flow, order.executions) == (OrderInitiationFlow.PORTFOLIO, ())
    assert (order.leg, order.parent_id, order.created_at) == (1, "017ac966-dec0-7000-8000-0000000fa285", NOW)


@pytest.mark.parametrize(
    ("status", "is_final"),
    [
        (Status.NEW, False),
        (Status.PROCESSING, False),
        (Status.FILLED, True),
        (Status.SETTLED, True),
        (Status.CANCELLED, True),
    ],
)
def test_a_parent_order_is_final_when_nothing_of_it_can_trade_any_more(
    placed: ParentOrder, status: Status, is_final: bool
) -> None:
    assert placed.replace(status=status).is_final == is_final


@pytest.mark.parametrize(
    ("status", "is_final"),
    [
        (OrderStatus.NEW, False),
        (OrderStatus.PROCESSING, False),
        (OrderStatus.FILLED, True),
        (OrderStatus.CANCELLED, True),
    ],
)
def test_an_order_is_final_when_nothing_more_can_happen_at_the_venue(
    share: Order, status: OrderStatus, is_final: bool
) -> None:
    assert share.replace(status=status).is_final == is_final


def test_a_replaced_record_differs_in_what_is_named_only(placed: ParentOrder, share: Order) -> None:
    cancelled = share.replace(
        status=OrderStatus.CANCELLED,
        cancellation_reason=OrderCancellationReason.CANCELLED_BY_CLIENT,
        cancellation_details="changed my mind",
    )
    after = placed.replace(orders=(cancelled, placed.orders[1]), sequence=9)

    assert differences(share, cancelled) == {"status", "cancellation_reason", "cancellation_details"}
    assert differences(placed, after) == {"orders", "sequence"}
    assert share.status is OrderStatus.NEW


def test_an_execution_moves_by_its_status_only(world: World, share: Order) -> None:
    world.report(executed(share, "a", "1", "100"))
    (trade,) = world.order(share).executions

    assert differences(trade, trade.moved_to(ExecutionStatus.SETTLED)) == {"status"}


def differences(before: Order | ParentOrder | Execution, after: Order | ParentOrder | Execution) -> set[str]:
    return {name for name in before.__struct_fields__ if getattr(before, name) != getattr(after, name)}


def test_what_an_order_has_traded_is_the_sum_of_what_stands(world: World, share: Order) -> None:
    world.report(executed(share, "a", "1.5", "150.01"), executed(share, "b", "1", "99.99"))
    order = world.order(share)

    assert (order.executed_quantity, order.executed_cash_amount) == (Decimal("2.5"), Decimal("250.00"))
    assert order.standing_executions == order.executions
    assert share.executed_quantity == 0
