"""Events as bytes: the contract's shape for each type, frozen, and addressed to a subscription."""

import json
import re
from typing import Any

import pytest

from orderlane.domain.account import Distribution
from orderlane.domain.events import Event
from orderlane.domain.ids import EventId, SubscriptionId, event_ids, execution_id
from orderlane.resources.events import addressed, frames_of, freeze
from tests.unit.domain.worlds import (
    ACCOUNT,
    ALLOCATION,
    NOW,
    SAP,
    SLOT,
    USER,
    VENUE,
    WORLD,
    World,
    accepted,
    account,
    ended,
    executed,
    numbered_id,
    position,
    world_of_two,
)

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
WEBHOOK = SubscriptionId(numbered_id(77))
EVENT_ID = EventId(numbered_id(88))
EPOCH = 3


def frozen(event: Event, *, official_reasons: bool = False) -> bytes:
    """An event as a segment of its own."""
    parent_id = event.subject.parent.id
    return freeze(
        [event], [EVENT_ID], created_at=NOW, parent_id=parent_id, epoch=EPOCH, official_reasons=official_reasons
    )


def told(event: Event, *, official_reasons: bool = False) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(frozen(event, official_reasons=official_reasons))
    return body


@pytest.fixture
def world() -> World:
    """A BUY of 1,000 EUR, one leg executed in full and settled, the other cancelled after a part."""
    world = world_of_two()
    world.deposit("1000")
    placed = world.place("BUY", "1000", client_reference="July")
    share, etf = world.orders(placed)
    world.report(accepted(share), executed(share, "a", "4", "400", total="4", price="100.00"))
    world.report(accepted(etf), executed(etf, "b", "0.0000000001", "0.01"), ended(etf, "0.0000000001"))
    world.settle(placed)
    return world


def event(world: World, event_type: str) -> Event:
    return next(event for event in world.events if event.type == event_type)


def test_every_event_says_what_when_and_of_which_portfolio_order(world: World) -> None:
    for happened in world.events:
        body = told(happened)

        assert list(body) == ["id", "created_at", "type", "sequence", "portfolio_order_id", "epoch", "object"]
        assert body["id"] == EVENT_ID
        assert body["type"] == happened.type
        assert body["sequence"] == happened.sequence
        assert body["portfolio_order_id"] == happened.subject.parent.id
        assert body["epoch"] == EPOCH
        assert TIME.fullmatch(body["created_at"])


def test_a_segment_holds_its_events_one_a_line_each_with_its_id(world: World) -> None:
    ids = event_ids(numbered_id(1), NOW, len(world.events), SLOT)
    parent_id = world.events[0].subject.parent.id
    segment = freeze(world.events, ids, created_at=NOW, parent_id=parent_id, epoch=EPOCH, official_reasons=False)

    frames = [json.loads(frame) for frame in frames_of(segment)]

    assert [frame["id"] for frame in frames] == ids
    assert [frame["type"] for frame in frames] == world.event_types


def test_a_new_portfolio_order_has_its_order_data_and_no_orders(world: World) -> None:
    new = event(world, "PORTFOLIO_ORDER.NEW")

    assert told(new)["object"] == {
        "id": new.subject.parent.id,
        "created_at": "2021-07-21T14:10:01.000Z",
        "updated_at": "2021-07-21T14:10:01.000Z",
        "user_id": USER,
        "account_id": ACCOUNT,
        "allocation_id": ALLOCATION,
        "cash_amount": "1000.00",
        "currency": "EUR",
        "type": "BUY",
        "status": "NEW",
        "post_tax": False,
        "client_reference": "July",
        "initiation_flow": "API",
        "orders": [],
        "executed_cash_amount": "0.00",
        "remaining_cash_amount": "1000.00",
    }


def test_a_portfolio_order_lists_its_orders_with_status_and_state(world: World) -> None:
    listed = told(event(world, "PORTFOLIO_ORDER.PROCESSING"))["object"]["orders"]

    assert [(order["side"], order["status"], order["state"]) for order in listed] == [
        ("BUY", "PROCESSING", "PROCESSING"),
        ("BUY", "NEW", "NEW"),
    ]
    assert [order["id"] for order in listed] == [order.id for order in world.sends]
    assert all(list(order) == ["id", "side", "status", "state"] for order in listed)


def test_a_cancelled_portfolio_order_says_why_and_what_was_executed(world: World) -> None:
    cancelled = told(event(world, "PORTFOLIO_ORDER.CANCELLED"))["object"]

    assert cancelled["status"] == "CANCELLED"
    assert cancelled["cancellation_reason"] == "PARTIALLY_EXECUTED"
    assert cancelled["cancellation_details"] == (
        f"1 of 2 individual orders were cancelled at the venue ({WORLD}: the venue says no)"
    )
    assert (cancelled["executed_cash_amount"], cancelled["remaining_cash_amount"]) == ("400.01", "599.99")


def test_a_new_order_carries_its_portfolio_order_as_client_reference(world: World) -> None:
    new = event(world, "ORDER.NEW")

    assert told(new)["object"] == {
        "id": world.sends[0].id,
        "created_at": "2021-07-21T14:10:01.000Z",
        "updated_at": "2021-07-21T14:10:01.000Z",
        "user_id": USER,
        "account_id": ACCOUNT,
        "side": "BUY",
        "instrument_id": SAP,
        "instrument_id_type": "ISIN",
        "order_type": "MARKET",
        "cash_amount": "400.00",
        "quantity": "0",
        "currency": "EUR",
        "limit_price": "",
        "stop_price": "",
        "fee": "0",
        "status": "NEW",
        "client_reference": new.subject.parent.id,
        "initiation_flow": "PORTFOLIO",
        "executions": [],
    }


def test_a_filled_order_carries_its_executions(world: World) -> None:
    filled = told(event(world, "ORDER.FILLED"))["object"]

    assert filled["status"] == "FILLED"
    assert filled["updated_at"] == "2021-07-21T14:10:02.000Z"
    assert filled["executions"] == [told(event(world, "EXECUTION.FILLED"))["object"]]


def test_a_cancelled_order_says_who_cancelled_it(world: World) -> None:
    cancelled = told(event(world, "ORDER.CANCELLED"))["object"]

    assert (cancelled["status"], cancelled["cancellation_reason"]) == ("CANCELLED", "CANCELLED_BY_TRADING_PARTNER")


def test_a_client_with_official_reasons_is_told_them_with_the_same_details(world: World) -> None:
    for happened in world.events:
        own, official = told(happened)["object"], told(happened, official_reasons=True)["object"]

        reason = own.pop("cancellation_reason", None)
        assert official.pop("cancellation_reason", None) == {
            None: None,
            "PARTIALLY_EXECUTED": "CANCELLED_BY_UPVEST",
            "CANCELLED_BY_TRADING_PARTNER": "CANCELLED_BY_TRADING_PARTNER",
        }.get(reason, "no such reason")
        assert own == official


def test_an_execution_is_a_trade_in_full(world: World) -> None:
    assert told(event(world, "EXECUTION.FILLED"))["object"] == {
        "id": execution_id(VENUE.id, "a", world.sends[0].id),
        "order_id": world.sends[0].id,
        "side": "BUY",
        "cash_amount": "400.00",
        "share_quantity": "4",
        "price": "100",
        "currency": "EUR",
        "transaction_time": "2021-07-21T14:10:00.000Z",
        "settlement_date": "2021-07-23",
        "status": "FILLED",
        "taxes": [],
        "venue_id": VENUE.id,
        "venue": VENUE.name,
    }
    assert told(event(world, "EXECUTION.SETTLED"))["object"]["status"] == "SETTLED"


def test_the_smallest_quantity_is_written_in_plain_digits(world: World) -> None:
    smallest = [happened for happened in world.events if happened.type == "EXECUTION.FILLED"][1]

    assert told(smallest)["object"]["share_quantity"] == "0.0000000001"


def test_a_sell_and_its_filled_and_settled_events() -> None:
    world = world_of_two(account=account(distribution=Distribution.PRO_RATA))
    world.hold(position(WORLD, "100"))
    placed = world.place("SELL", "90")
    (order,) = world.orders(placed)
    world.report(executed(order, "a", "9", "90", total="9"))
    world.settle(placed)

    objects = {happened.type: told(happened)["object"] for happened in world.events}
    assert objects["PORTFOLIO_ORDER.FILLED"]["type"] == "SELL"
    assert objects["PORTFOLIO_ORDER.FILLED"]["remaining_cash_amount"] == "0.00"
    assert objects["ORDER.NEW"]["side"] == "SELL"
    assert objects["PORTFOLIO_ORDER.SETTLED"]["status"] == "SETTLED"


def test_no_reason_is_given_before_an_order_is_cancelled() -> None:
    """The venue's end may overtake executions that it counts: until they are there, the order goes on."""
    world = world_of_two()
    world.deposit("1000")
    share, _ = world.orders(world.place("BUY", "1000"))
    world.report(ended(share, "1"), accepted(share), executed(share, "a", "1", "100"))

    reasons = {
        happened.type: told(happened)["object"].get("cancellation_reason")
        for happened in world.events
        if "ORDER." in happened.type
    }
    assert reasons["ORDER.PROCESSING"] is None
    assert reasons["ORDER.CANCELLED"] == "CANCELLED_BY_TRADING_PARTNER"


def test_a_remaining_amount_is_never_negative() -> None:
    """A SELL may bring a cent more than was asked for."""
    world = world_of_two()
    world.hold(position(WORLD, "100"))
    (order,) = world.orders(world.place("SELL", "90"))
    world.report(executed(order, "a", "9", "90.01", total="9"))

    filled = told(event(world, "PORTFOLIO_ORDER.FILLED"))["object"]
    assert (filled["executed_cash_amount"], filled["remaining_cash_amount"]) == ("90.01", "0.00")


def test_an_addressed_event_is_the_frozen_one_with_its_webhook(world: World) -> None:
    for happened in world.events:
        kept = frozen(happened)
        sent = addressed(kept, WEBHOOK)

        assert sent.startswith(kept[:-1])
        assert json.loads(sent) == {**json.loads(kept), "webhook_id": WEBHOOK}
