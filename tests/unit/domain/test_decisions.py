"""A decision is pure, and its events tell the guide's story."""

from copy import deepcopy
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderlane.domain.decision import AccountState, Circumstances, Decision
from orderlane.domain.errors import TransitionRefused
from orderlane.domain.events import Event, topic_of
from orderlane.domain.lane import decide
from orderlane.domain.messages import Message, OrderAccepted, PlacePortfolioOrder, ReceiveVenueReports
from orderlane.domain.order import Order, OrderStatus
from orderlane.domain.portfolio_order import PortfolioOrderStatus
from tests.unit.domain.worlds import (
    CURRENCIES,
    NOW,
    World,
    accepted,
    allocation,
    ended,
    executed,
    instrument,
    market,
    numbered_ids,
    world_of_two,
)

FIVE = [f"DE{number:09d}0" for number in range(5)]


class Said(NamedTuple):
    """A message and the state that it met."""

    state: AccountState
    message: Message
    circumstances: Circumstances


def life_of_a_buy() -> list[Said]:
    """Every message of a portfolio order from its deposit to its settlement, one leg cancelled."""
    said: list[Said] = []
    world = world_of_two()
    say = world.say

    def note(message: Message) -> Decision:
        said.append(Said(world.state, message, world.circumstances()))
        return say(message)

    world.say = note
    world.deposit("2000")
    placed = world.place("BUY", "1000")
    share, etf = world.orders(placed)
    world.report(accepted(share), executed(share, "a", "1", "100"), accepted(etf))
    world.report(executed(share, "b", "2", "200", total="3"), ended(etf))
    world.settle(*(one.id for one in world.state.orders[share.id].executions))
    return said


@pytest.mark.parametrize("said", life_of_a_buy(), ids=lambda said: type(said.message).__name__)
def test_a_decision_leaves_its_input_as_it_was(said: Said) -> None:
    before = deepcopy(said.state)
    decide(said.state, said.message, said.circumstances)

    assert said.state == before


@pytest.mark.parametrize("said", life_of_a_buy(), ids=lambda said: type(said.message).__name__)
def test_the_same_input_with_the_same_ids_leads_to_the_same_output(said: Said) -> None:
    def run() -> Decision:
        return decide(said.state, said.message, circumstances(said.circumstances.message_id, world_of_two()))

    first, second = run(), run()
    assert first.state == second.state
    assert (first.events, first.journal, first.sends) == (second.events, second.journal, second.sends)
    for changed in ("changed_portfolio_orders", "changed_orders", "changed_executions"):
        assert list(getattr(first, changed)) == list(getattr(second, changed))


def circumstances(message_id: int, world: World) -> Circumstances:
    allocations = {world.allocation.id: world.allocation}
    return Circumstances(message_id, NOW, numbered_ids(50_000), CURRENCIES, world.instruments, allocations)


@pytest.mark.parametrize("said", life_of_a_buy(), ids=lambda said: type(said.message).__name__)
def test_what_changed_is_named_and_nothing_else(said: Said) -> None:
    decision = decide(said.state, said.message, said.circumstances)

    for name, changed in (
        ("portfolio_orders", decision.changed_portfolio_orders),
        ("orders", decision.changed_orders),
    ):
        before, after = getattr(said.state, name), getattr(decision.state, name)
        assert {key for key in after if after[key] != before.get(key)} == set(changed)
    touched = {one.asset for one in decision.journal}
    holdings = decision.state.holdings
    assert {asset for asset in holdings if holdings[asset] != said.state.holdings.get(asset)} == touched


def test_a_message_that_no_rule_knows_is_refused() -> None:
    world = world_of_two()

    with pytest.raises(TypeError, match="no rule for str"):
        world.say("buy everything")
    with pytest.raises(TypeError, match="no rule for int"):
        world.say(ReceiveVenueReports((7,)))


def test_no_step_is_taken_that_is_not_in_the_table() -> None:
    world = world_of_two()
    world.deposit("1000")
    placed = world.place("BUY", "1000")
    decision = Decision(world.state, world.circumstances())

    with pytest.raises(TransitionRefused):
        decision.move_order(placed.order_ids[0], OrderStatus.FILLED)
    with pytest.raises(TransitionRefused):
        decision.move_portfolio_order(placed.id, PortfolioOrderStatus.FILLED)
    assert decision.events == []


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
    world.report(*(accepted(one) for one in orders))
    for one in orders:
        world.report(world.filling(one))

    assert subscribed(world.events) == [
        "PORTFOLIO_ORDER.NEW",
        *["ORDER.NEW"] * 5,
        "PORTFOLIO_ORDER.PROCESSING",
        *["ORDER.PROCESSING"] * 5,
        *["ORDER.FILLED"] * 5,
        "PORTFOLIO_ORDER.FILLED",
    ]
    assert [one.sequence for one in world.events if one.sequence] == list(range(1, 19))
    assert world.portfolio_order(placed).sequence == 18


def subscribed(events: list[Event]) -> list[str]:
    return [one.type for one in events if topic_of(one.type) in ("ORDER", "PORTFOLIO_ORDER")]


@given(st.data())
def test_the_sequence_has_no_gap_in_whatever_batches_the_reports_come(data: st.DataObject) -> None:
    world = five_legs()
    world.deposit("1000")
    both = [world.place("BUY", "700"), world.place("BUY", "900")]
    orders = [order for placed in both for order in world.orders(placed)]
    reports = [report for one in orders for report in (accepted(one), world.filling(one))]
    mixed = data.draw(st.permutations(reports))
    while mixed:
        count = data.draw(st.integers(1, len(mixed)))
        world.report(*mixed[:count])
        mixed = mixed[count:]

    for placed in both:
        events = [one for one in world.events if one.portfolio_order_id == placed.id]
        counted = [one for one in events if topic_of(one.type) in ("ORDER", "PORTFOLIO_ORDER")]
        assert [one.sequence for one in counted] == list(range(1, 19))
        assert all(one.sequence is None for one in events if topic_of(one.type) == "EXECUTION")
        assert_story_of_the_guide(counted)
        assert_every_leg_has_its_story(counted)


def assert_story_of_the_guide(counted: list[Event]) -> None:
    types = [one.type for one in counted]
    assert types[:6] == ["PORTFOLIO_ORDER.NEW", *["ORDER.NEW"] * 5]
    assert types[6:8] == ["PORTFOLIO_ORDER.PROCESSING", "ORDER.PROCESSING"]
    assert types[-2:] == ["ORDER.FILLED", "PORTFOLIO_ORDER.FILLED"]


def assert_every_leg_has_its_story(counted: list[Event]) -> None:
    stories: dict[object, list[str]] = {}
    for one in counted:
        if isinstance(one.subject, Order):
            stories.setdefault(one.subject.id, []).append(one.type)
    assert list(stories.values()) == [["ORDER.NEW", "ORDER.PROCESSING", "ORDER.FILLED"]] * 5


def test_two_portfolio_orders_are_counted_apart_in_one_message() -> None:
    world = five_legs()
    world.deposit("1000")
    first, second = world.place("BUY", "700"), world.place("BUY", "900")
    mixed = [
        OrderAccepted(order.id)
        for pair in zip(world.orders(first), world.orders(second), strict=True)
        for order in pair
    ]
    decision = world.report(*mixed)

    for placed in (first, second):
        assert [one.sequence for one in decision.events if one.portfolio_order_id == placed.id] == list(range(7, 13))


def test_an_event_carries_what_was_right_then() -> None:
    world = world_of_two()
    world.deposit("1000")
    share, _ = world.orders(world.place("BUY", "1000"))
    accepting, filling = world.report(accepted(share)), world.report(world.filling(share))

    assert accepting.events[1].subject.status is OrderStatus.PROCESSING
    assert accepting.events[1].subject.executions == ()
    assert filling.events[-1].subject.status is OrderStatus.FILLED
    assert len(filling.events[-1].subject.executions) == 1


def test_events_are_dated_when_they_are_decided() -> None:
    world = world_of_two()
    placing = world.say(PlacePortfolioOrder(world.accept("BUY", "1").id))

    assert {one.created_at for one in placing.events} == {NOW}
    assert len({one.id for one in placing.events}) == len(placing.events)
