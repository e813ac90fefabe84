"""A decision is pure, and its events tell the guide's story."""

from copy import deepcopy
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderlane.domain.decision import AccountState, Circumstances, Decision
from orderlane.domain.errors import TransitionRefused, UnknownOrder, UnknownParentOrder
from orderlane.domain.events import Event, OrderSnapshot, PortfolioOrderSnapshot, topic_of
from orderlane.domain.ids import LEGS_MAX, OrderId, ParentOrderId, order_id
from orderlane.domain.lane.messages import Message, decide
from orderlane.domain.lane.placing import PlacePortfolioOrder
from orderlane.domain.lane.reporting import ReceiveVenueReports
from orderlane.domain.order import ExecutionStatus, OrderStatus
from orderlane.domain.parent_order import ParentOrder
from orderlane.domain.portfolio_order import PortfolioOrderStatus
from tests.unit.domain.worlds import (
    NOW,
    World,
    accepted,
    allocation,
    ended,
    event_types,
    events_of,
    executed,
    filling,
    instrument,
    market,
    sends_of,
    world_of_two,
)

FIVE = [f"DE{number:09d}0" for number in range(5)]


class Said(NamedTuple):
    """A message and the state that it met."""

    state: AccountState
    message: Message
    circumstances: Circumstances

    def decide(self) -> Decision:
        return decide(self.state, self.message, self.circumstances)


def life_of_a_buy() -> list[Said]:
    """Every message of a portfolio order from its deposit to its settlement, one leg cancelled."""
    said: list[Said] = []
    world = world_of_two()
    say = world.say

    def note(message: Message) -> Decision:
        said.append(Said(world.state.copy(), message, world.circumstances()))
        return say(message)

    world.say = note
    world.deposit("2000")
    placed = world.place("BUY", "1000")
    share, etf = world.orders(placed)
    world.report(accepted(share), executed(share, "a", "1", "100"), accepted(etf))
    world.report(executed(share, "b", "2", "200", total="3"), ended(etf))
    world.settle(placed)
    return said


each_message = pytest.mark.parametrize("said", life_of_a_buy(), ids=lambda said: type(said.message).__name__)


# Purity


@each_message
def test_a_decision_leaves_its_input_as_it_was(said: Said) -> None:
    before = deepcopy(said.state)
    said.decide()

    assert said.state == before


@each_message
def test_the_same_input_leads_to_the_same_output(said: Said) -> None:
    first, second = said.decide(), said.decide()

    assert outcome(first) == outcome(second)


def outcome(decision: Decision) -> tuple[Any, ...]:
    parents = {parent_id: change.result() for parent_id, change in decision.changes.items()}
    return decision.holdings, decision.postings, decision.facts, parents, events_of(decision), sends_of(decision)


@each_message
def test_applied_to_its_input_a_decision_changes_what_it_names_and_nothing_else(said: Said) -> None:
    decision, after = said.decide(), said.state.copy()
    decision.apply_to(after)

    assert changed(said.state.parents, after.parents) == set(decision.changes)
    assert {parent_id: after.parents[parent_id] for parent_id in decision.changes} == {
        parent_id: change.result() for parent_id, change in decision.changes.items()
    }
    assert changed(said.state.holdings, after.holdings) == {posting.asset for posting in decision.postings}
    assert after.account == said.state.account


def changed(before: dict[Any, Any], after: dict[Any, Any]) -> set[Any]:
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def test_a_copy_of_a_state_goes_its_own_way() -> None:
    world = world_of_two()
    world.deposit("1000")
    placed = world.accept("BUY", "1000")
    copy = world.state.copy()
    decide(copy, PlacePortfolioOrder(placed.id), world.circumstances()).apply_to(copy)

    assert (copy.holdings["EUR"].locked, len(copy.parents[placed.id].orders)) == (1000, 2)
    assert (world.holding("EUR").locked, world.parent(placed)) == (0, placed)


def test_a_message_that_no_rule_knows_is_refused() -> None:
    world = world_of_two()
    placed = world.place("BUY", "1000")

    with pytest.raises(KeyError, match="str"):
        world.say("buy everything")
    with pytest.raises(UnknownOrder):
        world.say(ReceiveVenueReports((SimpleNamespace(order_id=order_id(placed.id, 1)),)))


def test_a_report_that_no_rule_knows_is_refused() -> None:
    world = world_of_two()
    world.deposit("1000")
    share, _ = world.orders(world.place("BUY", "1000"))

    with pytest.raises(TypeError, match="no rule for SimpleNamespace"):
        world.say(ReceiveVenueReports((SimpleNamespace(order_id=share.id),)))


# One parent order while a message is applied to it


def test_no_step_is_taken_that_is_not_in_the_table(world: World, placed: ParentOrder) -> None:
    change = Decision(world.state, world.circumstances()).change(placed.id)

    with pytest.raises(TransitionRefused, match="individual order has no transition from NEW to FILLED"):
        change.move_order(placed.orders[0], OrderStatus.FILLED)
    with pytest.raises(TransitionRefused, match="portfolio order has no transition from NEW to FILLED"):
        change.move(PortfolioOrderStatus.FILLED)
    assert (change.events, change.result()) == ([], placed)


def test_a_change_hands_back_the_record_that_it_changed(world: World, placed: ParentOrder) -> None:
    world.report(executed(placed.orders[0], "a", "1", "100"))
    change = Decision(world.state, world.circumstances()).change(placed.id)
    before = change.order(placed.orders[0].id)
    (trade,) = before.executions
    settled = change.move_execution(before, trade, ExecutionStatus.SETTLED)

    assert [each.status for each in settled.executions] == [ExecutionStatus.SETTLED]
    assert change.order(before.id) is settled
    assert change.result().orders[0] is settled
    assert change.move_order(settled, OrderStatus.FILLED) is change.order(before.id)


def test_an_execution_that_the_venue_takes_back_counts_no_more(world: World, placed: ParentOrder) -> None:
    world.report(executed(placed.orders[0], "a", "1", "100"), executed(placed.orders[0], "b", "2", "201"))
    change = Decision(world.state, world.circumstances()).change(placed.id)
    before = change.order(placed.orders[0].id)
    busted = change.move_execution(before, before.executions[0], ExecutionStatus.CANCELLED)

    assert [trade.status for trade in busted.executions] == [ExecutionStatus.CANCELLED, ExecutionStatus.FILLED]
    assert busted.standing_executions == busted.executions[1:]
    assert (busted.executed_quantity, busted.executed_cash_amount) == (2, 201)
    assert event_types(change.events) == ["EXECUTION.CANCELLED"]
    with pytest.raises(TransitionRefused, match="execution has no transition from CANCELLED to SETTLED"):
        change.move_execution(busted, busted.executions[0], ExecutionStatus.SETTLED)


@pytest.mark.parametrize("leg", [3, LEGS_MAX])
def test_a_leg_that_the_parent_order_does_not_have_is_unknown(world: World, placed: ParentOrder, leg: int) -> None:
    change = Decision(world.state, world.circumstances()).change(placed.id)

    with pytest.raises(UnknownOrder, match=f"{world.account.id} has no individual order {order_id(placed.id, leg)}"):
        change.order(order_id(placed.id, leg))


def test_the_id_of_a_parent_order_names_no_individual_order(world: World, placed: ParentOrder) -> None:
    change = Decision(world.state, world.circumstances()).change(placed.id)

    with pytest.raises(UnknownOrder):
        change.order(OrderId(placed.id))


def test_a_parent_order_that_was_not_loaded_is_unknown(world: World) -> None:
    decision = Decision(world.state, world.circumstances())
    unknown = ParentOrderId(world.new_id())

    with pytest.raises(UnknownParentOrder, match=f"has no parent order {unknown}"):
        decision.change(unknown)
    assert decision.changes == {}


def test_a_parent_order_is_changed_in_one_place(world: World, placed: ParentOrder) -> None:
    decision = Decision(world.state, world.circumstances())
    decision.change(placed.id).move_order(placed.orders[0], OrderStatus.PROCESSING)

    assert decision.change(placed.id).orders[0].status is OrderStatus.PROCESSING


# The story that events tell


def five_legs() -> World:
    world = World(
        market(*(instrument(isin) for isin in FIVE)),
        allocation({isin: str(weight) for isin, weight in zip(FIVE, (35, 25, 20, 15, 5), strict=True)}),
    )
    world.deposit("1000")
    return world


def test_the_guide_comes_true_to_the_letter() -> None:
    """Five instruments: 3 PORTFOLIO_ORDER and 15 ORDER events in the order of the guide's sequence."""
    world = five_legs()
    placed = world.place("BUY", "1000")
    orders = world.orders(placed)
    world.report(*(accepted(order) for order in orders))
    for order in orders:
        world.report(filling(order))

    assert event_types(counted(world.events)) == [
        "PORTFOLIO_ORDER.NEW",
        *["ORDER.NEW"] * 5,
        "PORTFOLIO_ORDER.PROCESSING",
        *["ORDER.PROCESSING"] * 5,
        *["ORDER.FILLED"] * 5,
        "PORTFOLIO_ORDER.FILLED",
    ]
    assert [event.sequence for event in world.events if event.sequence] == list(range(1, 19))
    assert world.parent(placed).sequence == 18


def counted(events: list[Event]) -> list[Event]:
    return [event for event in events if topic_of(event.type) in ("ORDER", "PORTFOLIO_ORDER")]


@given(st.data())
def test_the_sequence_has_no_gap_in_whatever_batches_the_reports_come(data: st.DataObject) -> None:
    world = five_legs()
    world.deposit("1000")
    both = [world.place("BUY", "700"), world.place("BUY", "900")]
    orders = [order for placed in both for order in world.orders(placed)]
    reports = [report for order in orders for report in (accepted(order), filling(order))]
    mixed = data.draw(st.permutations(reports))
    while mixed:
        count = data.draw(st.integers(1, len(mixed)))
        world.report(*mixed[:count])
        mixed = mixed[count:]

    for placed in both:
        events = events_about(placed, world.events)
        assert [event.sequence for event in counted(events)] == list(range(1, 19))
        assert all(event.sequence is None for event in events if topic_of(event.type) == "EXECUTION")
        assert_story_of_the_guide(event_types(counted(events)))
        assert list(stories_of_legs(events).values()) == [["ORDER.NEW", "ORDER.PROCESSING", "ORDER.FILLED"]] * 5


def events_about(parent: ParentOrder, events: list[Event]) -> list[Event]:
    return [event for event in events if event.subject.parent.id == parent.id]


def assert_story_of_the_guide(types: list[str]) -> None:
    assert types[:6] == ["PORTFOLIO_ORDER.NEW", *["ORDER.NEW"] * 5]
    assert types[6:8] == ["PORTFOLIO_ORDER.PROCESSING", "ORDER.PROCESSING"]
    assert types[-2:] == ["ORDER.FILLED", "PORTFOLIO_ORDER.FILLED"]


def stories_of_legs(events: list[Event]) -> dict[OrderId, list[str]]:
    stories: dict[OrderId, list[str]] = {}
    for event in events:
        if isinstance(event.subject, OrderSnapshot):
            stories.setdefault(event.subject.order.id, []).append(event.type)
    return stories


def test_two_portfolio_orders_are_counted_apart_in_one_message() -> None:
    world = five_legs()
    world.deposit("1000")
    first, second = world.place("BUY", "700"), world.place("BUY", "900")
    pairs = zip(world.orders(first), world.orders(second), strict=True)
    decision = world.report(*(accepted(order) for pair in pairs for order in pair))

    for placed in (first, second):
        assert [event.sequence for event in decision.changes[placed.id].events] == list(range(7, 13))


def test_an_event_carries_what_was_right_then(world: World, placed: ParentOrder) -> None:
    share = placed.orders[0]
    accepting, filled = world.report(accepted(share)), world.report(filling(share))

    then = events_of(accepting)[1].subject.order
    assert (then.status, then.executions) == (OrderStatus.PROCESSING, ())
    afterwards = events_of(filled)[-1].subject.order
    assert (afterwards.status, len(afterwards.executions)) == (OrderStatus.FILLED, 1)


def test_a_portfolio_order_in_an_event_knows_the_number_of_that_event(world: World, placed: ParentOrder) -> None:
    world.fill(*placed.orders)
    world.settle(placed)
    told = [event for event in world.events if isinstance(event.subject, PortfolioOrderSnapshot)]

    assert [(event.type.partition(".")[2], event.sequence) for event in told] == [
        ("NEW", 1),
        ("PROCESSING", 4),
        ("FILLED", 9),
        ("SETTLED", 10),
    ]
    assert [(event.subject.parent.status, event.subject.parent.sequence) for event in told] == [
        (event.type.partition(".")[2], event.sequence) for event in told
    ]


def test_an_event_names_the_individual_order_that_it_is_about(world: World, placed: ParentOrder) -> None:
    world.report(executed(placed.orders[1], "a", "1", "10"))

    assert [event.order_id for event in world.events[3:]] == [None, placed.orders[1].id, placed.orders[1].id]
    assert event_types(world.events[3:]) == ["PORTFOLIO_ORDER.PROCESSING", "ORDER.PROCESSING", "EXECUTION.FILLED"]


def test_what_a_decision_makes_or_moves_is_dated_when_it_is_decided(world: World, placed: ParentOrder) -> None:
    placing_time, reporting_time = placed.orders[0].created_at, world.now
    world.report(executed(placed.orders[0], "a", "1", "100"))
    share, etf = world.orders(placed)

    assert NOW < placing_time < reporting_time
    assert (share.created_at, share.updated_at) == (placing_time, reporting_time)
    assert (etf.created_at, etf.updated_at) == (placing_time, placing_time)
    assert share.executions[0].created_at == reporting_time
    assert world.parent(placed).updated_at == reporting_time
    trading_time = world.now
    world.report(executed(share, "b", "1", "100"))
    assert world.order(share).updated_at == world.order(share).executions[1].created_at == trading_time
    settling_time = world.now
    world.settle(placed)
    assert world.order(share).updated_at == settling_time
    assert world.order(share).executions[0].created_at == reporting_time


@pytest.mark.parametrize(
    ("event_type", "topic"), [("PORTFOLIO_ORDER.NEW", "PORTFOLIO_ORDER"), ("EXECUTION.SETTLED", "EXECUTION")]
)
def test_the_topic_of_an_event_stands_before_the_dot(event_type: str, topic: str) -> None:
    assert topic_of(event_type) == topic
