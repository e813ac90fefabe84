"""What the journal keeps of a plan: all that it was made from, so that every cent of it can be derived again."""

from decimal import Decimal

import pytest
from hypothesis import given
from msgspec import json

from orderlane.domain.account import AccountStatus, Distribution
from orderlane.domain.order import Side
from orderlane.domain.planning import PLANNER_VERSION, PlanFacts, PlanInput, PricedInstrument, facts_of, plan
from tests.unit.domain.test_planning_properties import outcome, plan_inputs
from tests.unit.domain.worlds import (
    APPLE,
    CURRENCIES,
    SAP,
    WORLD,
    World,
    account,
    allocation,
    cash,
    instrument,
    market,
    position,
    world_of_two,
)


def input_from(facts: PlanFacts) -> PlanInput:
    """A planner's input out of nothing but facts, as an auditor would make it."""
    units = [position(isin, f"{quantity}") for isin, quantity in facts.units.items()]
    return PlanInput(
        side=facts.side,
        amount=facts.amount,
        currency=CURRENCIES[facts.currency],
        distribution=facts.distribution,
        allocation=allocation({isin: f"{weight}" for isin, weight in facts.weights.items()}),
        holdings={held.asset: held for held in (*units, cash(f"{facts.cash}", facts.currency))},
        instruments=market(
            *(
                instrument(
                    isin,
                    f"{priced.price}",
                    minimum=f"{priced.minimum_amount}",
                    fractional=priced.fractional,
                    currency=facts.currency,
                )
                for isin, priced in facts.instruments.items()
            )
        ),
    )


def stored(facts: PlanFacts) -> PlanFacts:
    """Facts as they come back from their JSON."""
    return json.decode(json.encode(facts), type=PlanFacts)


@given(plan_inputs())
def test_from_its_facts_a_plan_or_a_refusal_is_made_again(given_input: PlanInput) -> None:
    assert outcome(input_from(stored(facts_of(given_input)))) == outcome(given_input)


@given(plan_inputs())
def test_facts_come_back_from_their_json_to_the_digit(given_input: PlanInput) -> None:
    facts = facts_of(given_input)

    assert (stored(facts), repr(stored(facts))) == (facts, repr(facts))


@pytest.mark.parametrize("distribution", Distribution)
@pytest.mark.parametrize("side", Side)
def test_a_placed_portfolio_order_has_the_legs_that_follow_from_its_facts(
    side: Side, distribution: Distribution
) -> None:
    world = world_of_two(account=account(distribution=distribution))
    world.hold(cash("1234.56", locked="200"), position(WORLD, "90"), position(SAP, "3", locked="1"))
    taken = world.accept(side, "777.77")
    decision = world.place_accepted(taken)
    assert decision.facts is not None
    derived = plan(input_from(stored(decision.facts)))

    legs = [(order.isin, order.cash_amount, order.locked) for order in world.orders(taken)]
    assert legs == [(leg.isin, leg.amount, leg.reserve) for leg in derived.legs]
    assert legs != []
    assert {order.side for order in world.orders(taken)} == {derived.side}


def test_facts_name_what_was_there_and_what_it_was_worth() -> None:
    traded = market(instrument(WORLD, "10"), instrument(SAP, "100", minimum="25", fractional=False), instrument(APPLE))
    given_input = PlanInput(
        side=Side.BUY,
        amount=Decimal("100.00"),
        currency=CURRENCIES["EUR"],
        distribution=Distribution.PRO_RATA,
        allocation=allocation({WORLD: "0.6", SAP: "0.4"}),
        holdings={held.asset: held for held in (cash("500", locked="100", owed="20"), position(SAP, "3", locked="1"))},
        instruments=traded,
    )

    assert facts_of(given_input) == PlanFacts(
        version=PLANNER_VERSION,
        side=Side.BUY,
        amount=Decimal(100),
        currency="EUR",
        distribution=Distribution.PRO_RATA,
        weights={WORLD: Decimal("0.6"), SAP: Decimal("0.4")},
        units={SAP: Decimal(2)},
        cash=Decimal(420),
        instruments={
            WORLD: PricedInstrument(Decimal(10), Decimal(1), True),
            SAP: PricedInstrument(Decimal(100), Decimal(25), False),
        },
    )


def test_a_position_beside_the_allocation_is_a_fact_too() -> None:
    world = World(market(instrument(WORLD), instrument(APPLE, "7")), allocation({WORLD: "1"}))
    world.hold(cash("100"), position(APPLE, "3"))
    facts = world.place_accepted(world.accept("BUY", "100")).facts

    assert facts is not None
    assert facts.units == {APPLE: 3}
    assert facts.instruments[APPLE] == PricedInstrument(Decimal(7), Decimal(1), True)


def test_an_instrument_that_nobody_knows_has_no_price_in_the_facts() -> None:
    world = World(market(instrument(WORLD)), allocation({WORLD: "0.5", APPLE: "0.5"}))
    facts = world.place_accepted(world.accept("BUY", "100")).facts

    assert facts is not None
    assert (list(facts.weights), list(facts.instruments), facts.cash) == ([WORLD, APPLE], [WORLD], 0)


def test_a_plan_that_is_refused_leaves_its_facts() -> None:
    world = world_of_two()
    world.deposit("10")
    facts = world.place_accepted(world.accept("BUY", "1000")).facts

    assert facts is not None
    assert (facts.amount, facts.cash) == (1000, 10)


def test_where_nothing_was_planned_there_are_no_facts() -> None:
    locked = world_of_two(account=account(status=AccountStatus.LOCKED))
    unconfigured = world_of_two()
    placed = unconfigured.accept("BUY", "10", allocation_id=None)

    assert locked.place_accepted(locked.accept("BUY", "10")).facts is None
    assert unconfigured.place_accepted(placed).facts is None
    assert unconfigured.deposit("10").facts is None
