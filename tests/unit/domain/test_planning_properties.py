"""Whatever the planner is given: the amount exactly, of what is there, or the reason why not."""

from decimal import Decimal
from math import ceil

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from orderlane.domain.account import Distribution
from orderlane.domain.instruments import Instrument
from orderlane.domain.money import divide
from orderlane.domain.order import Side
from orderlane.domain.planning import SELL_LIMIT, Plan, PlanInput, PlanRefused, plan
from orderlane.domain.portfolio_order import CancellationReason as Reason
from tests.unit.domain.worlds import CURRENCIES, allocation, cash, instrument, market, position

PRICES = st.decimals("0.0001", "50000", places=4)
QUANTITIES = st.decimals("0.0000000001", 10**6, places=10)
SET_ASIDE = st.sampled_from([{}, {"owed": "7"}, {"owed": "8", "locked": "8"}])
"""Part of a position that is owed, or that another order has locked."""
ISINS = [f"DE{number:09d}0" for number in range(8)]


@st.composite
def plan_inputs(draw: st.DrawFn) -> PlanInput:
    currency = CURRENCIES[draw(st.sampled_from(sorted(CURRENCIES)))]
    parts = draw(st.lists(st.integers(1, 100), min_size=1, max_size=6))
    weights = {isin: str(part) for isin, part in zip(draw(st.permutations(ISINS)), parts, strict=False)}
    traded = [
        instrument(
            isin,
            str(draw(PRICES)),
            minimum=draw(st.sampled_from(["0", "0.005", "1", "25"])),
            fractional=draw(st.booleans()),
            currency=currency.code,
        )
        for isin in ISINS
    ]
    quantities = draw(st.lists(QUANTITIES, max_size=8))
    held = [
        position(listed.isin, str(quantity if listed.fractional else ceil(quantity)), **draw(SET_ASIDE))
        for listed, quantity in zip(traded, quantities, strict=False)
    ]
    return PlanInput(
        side=draw(st.sampled_from(Side)),
        amount=currency.from_minor(draw(st.one_of(st.integers(1, 500), st.integers(1, 10**9)))),
        currency=currency,
        distribution=draw(st.sampled_from(Distribution)),
        allocation=allocation(weights),
        holdings={holding.asset: holding for holding in (*held, cash("100000000", currency.code))},
        instruments=market(*traded),
    )


@given(plan_inputs())
def test_a_plan_trades_the_amount_exactly_with_what_is_there_or_says_why_not(given_input: PlanInput) -> None:
    made = outcome(given_input)
    if not isinstance(made, Plan):
        assert made[0] in {
            Reason.INSUFFICIENT_FUNDS,
            Reason.ACCOUNT_IS_EMPTY,
            Reason.SELL_LIMIT_EXCEEDED,
            Reason.AMOUNT_TOO_SMALL,
        }
        return
    assert sum(leg.amount for leg in made.legs) == given_input.amount
    for leg in made.legs:
        traded = given_input.instruments[leg.isin]
        assert given_input.currency.is_exact(leg.amount)
        assert leg.amount >= traded.least_amount
        if made.side is Side.SELL:
            assert_sold_of_what_is_held(given_input, traded, leg.amount, leg.reserve)


def assert_sold_of_what_is_held(given_input: PlanInput, traded: Instrument, amount: Decimal, reserve: Decimal) -> None:
    available = given_input.holdings[traded.isin].available
    needed = divide(divide(amount, traded.price), SELL_LIMIT)
    assert 0 < reserve <= available
    assert amount < available * traded.price + given_input.currency.from_minor(1)
    assert reserve == available or reserve >= needed
    assert traded.fractional or reserve == reserve.to_integral_value()


@given(plan_inputs(), st.randoms(use_true_random=False))
def test_the_order_of_what_goes_in_does_not_matter(given_input: PlanInput, order: object) -> None:
    def mixed(mapping: dict[str, object]) -> dict[str, object]:
        items = list(mapping.items())
        order.shuffle(items)
        return dict(items)

    shuffled = structs.replace(
        given_input,
        allocation=allocation(mixed({entry.isin: str(entry.weight) for entry in given_input.allocation.weights})),
        holdings=mixed(dict(given_input.holdings)),
        instruments=mixed(dict(given_input.instruments)),
    )

    assert outcome(shuffled) == outcome(given_input)


def outcome(of: PlanInput) -> Plan | tuple[Reason, str]:
    try:
        return plan(of)
    except PlanRefused as refusal:
        return refusal.reason, refusal.details
