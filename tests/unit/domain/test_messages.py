"""Messages to a lane: every kind is registered, and comes back from its JSON as it was, to the digit."""

import pkgutil
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderlane.domain import lane
from orderlane.domain.ids import DepositId, OrderId, ParentOrderId
from orderlane.domain.lane.depositing import BookDeposit
from orderlane.domain.lane.message import MessageKind
from orderlane.domain.lane.messages import (
    KINDS,
    Message,
    UnknownMessage,
    decode_message,
    encode_message,
    kind_of,
)
from orderlane.domain.lane.placing import PlacePortfolioOrder
from orderlane.domain.lane.reporting import (
    OrderAccepted,
    OrderEnded,
    OrderExecuted,
    ReceiveVenueReports,
)
from orderlane.domain.lane.settling import SettleExecutions
from tests.unit.domain.worlds import accepted, ended, executed, filling, world_of_two

PARENT, OTHER = (
    ParentOrderId("017ac966-dec0-7000-8000-0000000fa285"),
    ParentOrderId("017ac966-dec0-7000-8000-0000000fb285"),
)
ORDER = OrderId("017ac966-dec0-7001-8000-0000000fa285")
DEPOSIT = DepositId("017ac966-dec0-7000-8000-0000000fc285")
TIME = datetime(2021, 7, 21, 14, 10, 0, 250_000, tzinfo=UTC)

FROZEN: dict[str, tuple[Message, str]] = {
    "PLACE_PORTFOLIO_ORDER": (PlacePortfolioOrder(PARENT), f'{{"parent_id":"{PARENT}"}}'),
    "RECEIVE_VENUE_REPORTS": (
        ReceiveVenueReports(
            (
                OrderAccepted(ORDER),
                OrderExecuted(
                    order_id=ORDER,
                    venue_execution_id="E-1",
                    quantity=Decimal("1.50"),
                    cash_amount=Decimal("150.00"),
                    price=Decimal(100),
                    transaction_time=TIME,
                    settlement_date=date(2021, 7, 23),
                ),
                OrderExecuted(
                    order_id=ORDER,
                    venue_execution_id="E-2",
                    quantity=Decimal(1),
                    cash_amount=Decimal(100),
                    price=Decimal(100),
                    transaction_time=TIME,
                    settlement_date=date(2021, 7, 23),
                    total_quantity=Decimal("2.50"),
                ),
                OrderEnded(ORDER, "closed"),
                OrderEnded(ORDER, "closed", Decimal("2.5")),
            )
        ),
        '{"reports":['
        f'{{"report":"ACCEPTED","order_id":"{ORDER}"}},'
        f'{{"report":"EXECUTED","order_id":"{ORDER}","venue_execution_id":"E-1","quantity":"1.50",'
        '"cash_amount":"150.00","price":"100","transaction_time":"2021-07-21T14:10:00.250000Z",'
        '"settlement_date":"2021-07-23"},'
        f'{{"report":"EXECUTED","order_id":"{ORDER}","venue_execution_id":"E-2","quantity":"1",'
        '"cash_amount":"100","price":"100","transaction_time":"2021-07-21T14:10:00.250000Z",'
        '"settlement_date":"2021-07-23","total_quantity":"2.50"},'
        f'{{"report":"ENDED","order_id":"{ORDER}","detail":"closed"}},'
        f'{{"report":"ENDED","order_id":"{ORDER}","detail":"closed","total_quantity":"2.5"}}]}}',
    ),
    "SETTLE_EXECUTIONS": (
        SettleExecutions((PARENT, OTHER), date(2021, 7, 23)),
        f'{{"parent_ids":["{PARENT}","{OTHER}"],"due_on":"2021-07-23"}}',
    ),
    "BOOK_DEPOSIT": (
        BookDeposit(DEPOSIT, Decimal("12.30"), "EUR"),
        f'{{"deposit_id":"{DEPOSIT}","amount":"12.30","currency":"EUR"}}',
    ),
}
"""A message of each kind as it waits in an inbox, which outlives the program that wrote it."""

texts = st.text(max_size=40)
numbers = st.builds(lambda units, exponent: Decimal(f"{units}E{exponent}"), st.integers(), st.integers(-60, 60))
times = st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(fold=0))
parent_ids = texts.map(ParentOrderId)
order_ids = texts.map(OrderId)
reports = st.one_of(
    st.builds(OrderAccepted, order_ids),
    st.builds(
        OrderExecuted,
        order_id=order_ids,
        venue_execution_id=texts,
        quantity=numbers,
        cash_amount=numbers,
        price=numbers,
        transaction_time=times,
        settlement_date=st.dates(),
        total_quantity=st.none() | numbers,
    ),
    st.builds(OrderEnded, order_ids, texts, numbers),
)
MESSAGES: dict[type[Any], st.SearchStrategy[Any]] = {
    PlacePortfolioOrder: st.builds(PlacePortfolioOrder, parent_ids),
    ReceiveVenueReports: st.builds(ReceiveVenueReports, st.lists(reports, max_size=4).map(tuple)),
    SettleExecutions: st.builds(SettleExecutions, st.lists(parent_ids, max_size=4).map(tuple), st.dates()),
    BookDeposit: st.builds(BookDeposit, texts.map(DepositId), numbers, texts),
}

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


# Registration


def test_every_kind_that_a_module_defines_is_registered() -> None:
    modules = [import_module(f"{lane.__name__}.{module.name}") for module in pkgutil.iter_modules(lane.__path__)]
    defined = [module.KIND for module in modules if hasattr(module, "KIND")]

    assert len(defined) >= 4
    assert set(defined) == set(KINDS)


def test_every_kind_has_a_name_and_a_record_of_its_own() -> None:
    assert len({kind.name for kind in KINDS}) == len({kind.record for kind in KINDS}) == len(KINDS)
    assert {kind.record for kind in KINDS} == set(get_args(Message))


def test_every_kind_is_tested_here() -> None:
    assert {kind.name: kind.record for kind in KINDS} == {name: type(said) for name, (said, _) in FROZEN.items()}
    assert {kind.record for kind in KINDS} == MESSAGES.keys()


# Codec


@each_kind
@given(data=st.data())
def test_a_message_comes_back_from_its_json_to_the_digit(kind: MessageKind[Any], data: st.DataObject) -> None:
    said = data.draw(MESSAGES[kind.record])
    name, text = encode_message(said)
    again = decode_message(name, text)

    assert name == kind.name
    assert (again, repr(again)) == (said, repr(said))
    assert decode_message(name, text.decode()) == said


@each_kind
def test_a_message_is_written_as_it_always_was(kind: MessageKind[Any]) -> None:
    said, text = FROZEN[kind.name]

    assert encode_message(said) == (kind.name, text.encode())
    assert decode_message(kind.name, text) == said


@each_kind
def test_a_message_is_of_the_kind_of_its_record(kind: MessageKind[Any]) -> None:
    assert kind_of(FROZEN[kind.name][0]) is kind


def test_a_kind_that_this_version_does_not_know_is_refused_by_name() -> None:
    with pytest.raises(UnknownMessage, match="messages of kind MOVE_HOUSE are not known to this version") as refused:
        decode_message("MOVE_HOUSE", b"{}")
    assert refused.value.kind == "MOVE_HOUSE"


@each_kind
@pytest.mark.parametrize("text", ["{}", "[]", "null", "7", "{", ""])
def test_what_is_no_message_of_its_kind_is_refused(kind: MessageKind[Any], text: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_message(kind.name, text)


@pytest.mark.parametrize("report", ['{"report":"MOVED","order_id":"x"}', '{"order_id":"x"}', '{"report":"ACCEPTED"}'])
def test_a_report_that_no_venue_makes_is_refused(report: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_message("RECEIVE_VENUE_REPORTS", f'{{"reports":[{report}]}}')


# What a message needs loaded


def test_each_message_names_the_parent_orders_that_it_concerns() -> None:
    needed = {name: kind_of(said).parents(said) for name, (said, _) in FROZEN.items()}

    assert needed == {
        "PLACE_PORTFOLIO_ORDER": (PARENT,),
        "RECEIVE_VENUE_REPORTS": (PARENT,),
        "SETTLE_EXECUTIONS": (PARENT, OTHER),
        "BOOK_DEPOSIT": (),
    }


def test_only_a_message_that_may_lead_to_a_plan_takes_the_market() -> None:
    placed = world_of_two().accept("BUY", "10")

    assert {name for name, (said, _) in FROZEN.items() if kind_of(said).plans(said, placed)} == {
        "PLACE_PORTFOLIO_ORDER"
    }


def test_what_a_message_names_is_all_that_its_rule_looks_at() -> None:
    """Each message of a life is decided on a state that holds the named parent orders only."""
    world = world_of_two()
    world.deposit("3000")
    first, second = world.place("BUY", "1000"), world.place("BUY", "500")
    share, etf = first.orders
    lives: list[Message] = [
        PlacePortfolioOrder(world.accept("BUY", "100").id),
        ReceiveVenueReports((accepted(share), executed(share, "a", "1", "100"), ended(share, "1"))),
        ReceiveVenueReports((filling(etf), filling(second.orders[0]), filling(second.orders[1]))),
        SettleExecutions((second.id, first.id), date(2021, 7, 23)),
    ]
    for said in lives:
        unnamed = world.state.parents.keys() - set(kind_of(said).parents(said))
        held_back = {parent_id: world.state.parents.pop(parent_id) for parent_id in unnamed}
        world.say(said)
        world.state.parents.update(held_back)

    assert [world.parent(parent).status for parent in (first, second)] == ["CANCELLED", "SETTLED"]
