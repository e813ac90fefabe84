"""Placing: announced, checked, reserved for, opened leg by leg; or cancelled with the first reason that counts."""

from decimal import Decimal

import pytest
from msgspec import structs

from orderlane.domain.account import AccountStatus, AssetType, Distribution, PostingReason
from orderlane.domain.errors import TransitionRefused, UnknownParentOrder
from orderlane.domain.events import PortfolioOrderSnapshot
from orderlane.domain.ids import ParentOrderId, leg_of, parent_of
from orderlane.domain.instruments import TradingStatus, Venue
from orderlane.domain.lane.placing import PlacePortfolioOrder
from orderlane.domain.order import OrderInitiationFlow, OrderStatus, Side
from orderlane.domain.portfolio_order import CancellationReason as Reason
from orderlane.domain.portfolio_order import PortfolioOrderStatus as Status
from orderlane.domain.users import UserStatus
from tests.unit.domain.worlds import (
    SAP,
    VENUE,
    WORLD,
    World,
    account,
    instrument,
    numbered_id,
    position,
    world_of_two,
)


def test_a_buy_is_announced_empty_and_then_opened_leg_by_leg() -> None:
    world = world_of_two()
    world.deposit("1000")
    placed = world.place("BUY", "1000")

    assert world.event_types == ["PORTFOLIO_ORDER.NEW", "ORDER.NEW", "ORDER.NEW"]
    announced, *opened = (event.subject for event in world.events)
    assert isinstance(announced, PortfolioOrderSnapshot)
    assert announced.parent.orders == ()
    assert placed.status is Status.NEW
    assert world.sends == world.orders(placed) == [snapshot.order for snapshot in opened]
    assert {snapshot.parent.id for snapshot in opened} == {placed.id}


def test_an_individual_order_says_all_that_the_venue_needs() -> None:
    world = world_of_two()
    world.deposit("1000")
    placing_time = world.now
    placed = world.place("BUY", "1000")

    first, second = world.orders(placed)
    assert (first.leg, first.isin, first.cash_amount, first.locked) == (1, SAP, 400, 400)
    assert (second.leg, second.isin, second.cash_amount, second.locked) == (2, WORLD, 600, 600)
    for order in (first, second):
        assert order.parent_id == placed.id
        assert order.side is Side.BUY
        assert order.status is OrderStatus.NEW
        assert order.initiation_flow is OrderInitiationFlow.PORTFOLIO
        assert (order.quantity, order.fee, order.wave) == (0, 0, 0)
        assert order.reference_price == world.instruments[order.isin].price
        assert (order.reported_quantity, order.cancellation_reason, order.executions) == (None, None, ())
        assert (order.venue_id, order.venue) == (VENUE.id, "Simulated")
        assert order.created_at == order.updated_at == placing_time


def test_each_leg_goes_to_the_venue_of_its_instrument() -> None:
    world = world_of_two()
    other = Venue(numbered_id(77), 2, "Other")
    world.instruments[WORLD] = instrument(WORLD, "10", fractional=False, venue=other)
    world.deposit("1000")
    share, etf = world.orders(world.place("BUY", "1000"))

    assert (share.venue_id, share.venue, share.fractional) == (VENUE.id, "Simulated", True)
    assert (etf.venue_id, etf.venue, etf.fractional) == (other.id, "Other", False)


def test_the_ids_of_the_legs_follow_from_that_of_the_parent_order() -> None:
    world = world_of_two()
    world.deposit("1000")
    placed = world.place("BUY", "1000")

    ids = [order.id for order in world.orders(placed)]
    assert [parent_of(order_id) for order_id in ids] == [placed.id, placed.id]
    assert [leg_of(order_id) for order_id in ids] == [1, 2]


def test_the_cash_of_a_buy_is_locked_at_once() -> None:
    world = world_of_two()
    world.deposit("1500")
    placed = world.place("BUY", "1000")

    assert (world.holding("EUR").quantity, world.holding("EUR").locked) == (1500, 1000)
    assert world.holding("EUR").available == 500
    entries = [posting for posting in world.postings if posting.reason is PostingReason.RESERVATION]
    assert [(posting.asset, posting.asset_type, posting.locked, posting.quantity) for posting in entries] == [
        ("EUR", AssetType.CASH, 400, 0),
        ("EUR", AssetType.CASH, 600, 0),
    ]
    assert [posting.order_id for posting in entries] == [order.id for order in placed.orders]


def test_the_units_of_a_sell_are_locked_at_once() -> None:
    world = world_of_two()
    world.hold(position(WORLD, "90"), position(SAP, "1"))
    world.place("SELL", "90")

    assert (world.holding(WORLD).quantity, world.holding(WORLD).locked) == (90, 9)
    assert (world.holding(SAP).quantity, world.holding(SAP).locked) == (1, Decimal("0.1"))
    assert "EUR" not in world.state.holdings


def test_portfolio_orders_share_what_there_is() -> None:
    world = world_of_two()
    world.deposit("1000")
    world.place("BUY", "600")
    second = world.place("BUY", "400.01")

    assert second.status is Status.CANCELLED
    assert second.cancellation_reason is Reason.INSUFFICIENT_FUNDS
    assert second.cancellation_details == "400.01 EUR needed, 400.00 EUR available for trading"


def test_a_refusal_locks_and_sends_nothing() -> None:
    world = world_of_two()
    world.deposit("10")
    before = world.state.holdings
    refused = world.place("BUY", "1000")

    assert world.event_types == ["PORTFOLIO_ORDER.NEW", "PORTFOLIO_ORDER.CANCELLED"]
    assert world.state.holdings == before
    assert (world.sends, refused.orders, refused.sequence) == ([], (), 2)
    assert (refused.status, refused.wave) == (Status.CANCELLED, 0)


def test_an_account_that_is_not_active_places_nothing() -> None:
    world = world_of_two(account=account(status=AccountStatus.LOCKED))
    world.deposit("1000")
    refused = world.place("BUY", "1000")

    assert refused.cancellation_reason is Reason.ACCOUNT_NOT_ACTIVE
    assert refused.cancellation_details == "the account is LOCKED"


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_an_account_without_a_configuration_places_nothing(side: str) -> None:
    world = world_of_two()
    refused = world.place(side, "1000", allocation_id=None)

    assert refused.cancellation_reason is Reason.CONFIGURATION_IS_MISSING
    assert refused.cancellation_details == (
        "the account had no portfolio configuration when the portfolio order was accepted"
    )


@pytest.mark.parametrize("status", [status for status in UserStatus if status is not UserStatus.ACTIVE])
def test_nothing_is_placed_for_a_user_who_is_not_active(status: UserStatus) -> None:
    world = world_of_two(user_status=status)
    world.deposit("1000")
    refused = world.place("BUY", "1000", allocation_id=None)

    assert refused.cancellation_reason is Reason.ACCOUNT_NOT_ACTIVE
    assert refused.cancellation_details == f"the account's user is {status}"
    assert world.sends == []


def test_of_several_reasons_to_refuse_a_buy_the_first_counts() -> None:
    """Everything is wrong at first; each step puts right what was named last."""
    world = World(
        {SAP: instrument(SAP, status=TradingStatus.INACTIVE, minimum="5000")},
        world_of_two().allocation,
        account(status=AccountStatus.CLOSED),
    )
    world.allocation = structs.replace(world.allocation, weights=world.allocation.weights[1:])

    def reason(**changes: object) -> Reason | None:
        return world.place("BUY", "1000", **changes).cancellation_reason

    assert reason(allocation_id=None) is Reason.ACCOUNT_NOT_ACTIVE
    world.become(account())
    assert reason(allocation_id=None) is Reason.CONFIGURATION_IS_MISSING
    assert reason() is Reason.INSTRUMENT_NOT_TRADABLE
    world.instruments[SAP] = instrument(SAP, minimum="5000")
    assert reason() is Reason.INSUFFICIENT_FUNDS
    world.deposit("1000")
    assert reason() is Reason.AMOUNT_TOO_SMALL
    world.instruments[SAP] = instrument(SAP)
    assert reason() is None


def test_of_several_reasons_to_refuse_a_sell_the_first_counts() -> None:
    world = World(
        {SAP: instrument(SAP, status=TradingStatus.INACTIVE, minimum="5000")},
        world_of_two().allocation,
        account(status=AccountStatus.CLOSED, distribution=Distribution.DEFAULT),
    )

    def reason(**changes: object) -> Reason | None:
        return world.place("SELL", "100", **changes).cancellation_reason

    assert reason(allocation_id=None) is Reason.ACCOUNT_NOT_ACTIVE
    world.become(account())
    assert reason(allocation_id=None) is Reason.CONFIGURATION_IS_MISSING
    assert reason() is Reason.ACCOUNT_IS_EMPTY
    world.hold(position(SAP, "11.11"))
    assert reason() is Reason.INSTRUMENT_NOT_TRADABLE
    world.instruments[SAP] = instrument(SAP, minimum="5000")
    assert reason() is Reason.SELL_LIMIT_EXCEEDED
    world.hold(position(SAP, "11.12"))
    assert reason() is Reason.AMOUNT_TOO_SMALL
    world.instruments[SAP] = instrument(SAP)
    assert reason() is None


def test_a_portfolio_order_is_placed_once() -> None:
    world = world_of_two()
    world.deposit("2000")
    placed = world.place("BUY", "1000")

    with pytest.raises(TransitionRefused, match="portfolio order has no transition from NEW to NEW"):
        world.say(PlacePortfolioOrder(placed.id))


def test_a_portfolio_order_that_the_account_does_not_have() -> None:
    world = world_of_two()
    unknown = ParentOrderId(world.new_id())

    with pytest.raises(UnknownParentOrder, match=f"{world.account.id} has no parent order {unknown}"):
        world.say(PlacePortfolioOrder(unknown))
