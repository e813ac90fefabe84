"""At the bounds of amounts, prices and quantities everything is exact, and nothing needs more digits than there are."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orderlane.domain.amounts import check_amount, check_balance
from orderlane.domain.bounds import (
    AMOUNT_MAX,
    CASH_BALANCE_MAX,
    EXECUTION_CASH_MAX,
    PRICE_DECIMALS,
    PRICE_MAX,
    QUANTITY_MAX,
)
from orderlane.domain.errors import FieldRefused, StateRefused
from orderlane.domain.ids import InstrumentId
from orderlane.domain.money import (
    DIGITS,
    QUANTITY_DECIMALS,
    Currency,
    add,
    divide,
    from_steps,
    multiply,
    quantity_floor,
    subtract,
    total,
)
from orderlane.domain.order import OrderStatus, Side
from orderlane.domain.parent_order import ParentOrder
from orderlane.domain.planning import SELL_LIMIT
from orderlane.domain.portfolio_order import PortfolioOrderStatus
from orderlane.domain.positions import Position, PricedPosition
from orderlane.ports.venue import venue_order
from orderlane.resources.formats import CURRENCIES as ISO_4217
from orderlane.resources.holdings import valuation_resource
from orderlane.resources.orders import portfolio_order_resource
from orderlane.venues.simulated.behaviour import Behaviour
from orderlane.venues.simulated.outcome import outcome_of
from tests.unit.domain.worlds import (
    ACCOUNT,
    EUR,
    JPY,
    KWD,
    NOW,
    SAP,
    WORLD,
    World,
    accepted,
    account,
    allocation,
    executed,
    instrument,
    market,
    numbered_id,
    position,
)

EXECUTIONS_MAX = 10**12
"""How many executions an account has in its life, by `orderlane.domain.bounds`."""
POSITIONS_MAX = 10**4
SMALLEST_PRICE = from_steps(1, PRICE_DECIMALS)
STILL = Behaviour(deviation_bp_max=0, spread_bp=0, split_percent=100)

currencies = st.sampled_from([EUR, JPY, KWD])
prices = st.one_of(
    st.sampled_from([SMALLEST_PRICE, Decimal("0.0001"), Decimal("0.0123"), Decimal(1), PRICE_MAX]),
    st.integers(1, int(PRICE_MAX) * 10**PRICE_DECIMALS).map(lambda steps: from_steps(steps, PRICE_DECIMALS)),
)


def amounts(currency: Currency) -> st.SearchStrategy[Decimal]:
    most = currency.to_minor(AMOUNT_MAX)
    return st.one_of(st.integers(1, most), st.integers(most - 1000, most)).map(currency.from_minor)


def traded_out(world: World, placed: ParentOrder) -> ParentOrder:
    """Let the simulated market execute every individual order."""
    for number, order in enumerate(world.orders(placed)):
        outcome = outcome_of(venue_order(placed, order, 0), STILL)
        assert outcome.refusal is None, outcome.refusal
        world.report(accepted(order))
        for part, fill in enumerate(outcome.fills):
            trade = fill.trade
            figures = f"{trade.quantity:f}", f"{trade.cash_amount:f}"
            whole = f"{outcome.total_quantity:f}" if part == len(outcome.fills) - 1 else None
            world.report(executed(order, f"{number}-{part}", *figures, total=whole, price=f"{trade.price:f}"))
    return world.parent(placed)


def world_at(currency: Currency, price: Decimal, other: Decimal) -> World:
    return World(
        market(*(instrument(isin, f"{at:f}", currency=currency.code) for isin, at in ((WORLD, price), (SAP, other)))),
        allocation({WORLD: "0.333333", SAP: "0.666667"}),
        account(currency.code),
    )


def tradable(currency: Currency, amount: Decimal, price: Decimal) -> bool:
    """Whether every part of a purchase brings something at a price: the market trades in steps of 0.0000000001."""
    least = divide(amount, Decimal(12 * 100))
    return least > currency.from_minor(1) and divide(least, price) > from_steps(10, QUANTITY_DECIMALS)


@given(currencies.flatmap(lambda currency: st.tuples(st.just(currency), amounts(currency))), prices, prices)
@example((EUR, Decimal("1000000000000000.00")), Decimal("0.0123"), Decimal("0.0123"))
@example((EUR, AMOUNT_MAX), SMALLEST_PRICE, PRICE_MAX)
@example((JPY, AMOUNT_MAX), PRICE_MAX, SMALLEST_PRICE)
@example((KWD, subtract(AMOUNT_MAX, Decimal("0.001"))), SMALLEST_PRICE, SMALLEST_PRICE)
def test_what_is_executed_is_held_to_the_last_digit(
    paid: tuple[Currency, Decimal], price: Decimal, other: Decimal
) -> None:
    currency, amount = paid
    world = world_at(currency, price, other)
    world.deposit(amount)
    placed = world.place("BUY", amount)
    if placed.status is PortfolioOrderStatus.CANCELLED or not tradable(currency, amount, max(price, other)):
        return

    bought = traded_out(world, placed)

    assert bought.status is PortfolioOrderStatus.FILLED
    assert {order.status for order in bought.orders} == {OrderStatus.FILLED}
    assert (
        Fraction(0) == Fraction(world.holding(currency.code).quantity) == Fraction(world.holding(currency.code).locked)
    )
    for order in bought.orders:
        trades = order.executions
        assert sum(Fraction(trade.share_quantity) for trade in trades) == Fraction(world.holding(order.isin).quantity)
        assert sum(Fraction(trade.cash_amount) for trade in trades) == Fraction(order.cash_amount)
    assert sum(Fraction(order.cash_amount) for order in bought.orders) == Fraction(amount)
    shown = portfolio_order_resource(bought, official_reasons=False)
    assert shown.executed_cash_amount == currency.write(amount)
    assert shown.remaining_cash_amount == currency.write(Decimal(0))


@given(currencies.flatmap(lambda currency: st.tuples(st.just(currency), amounts(currency))), prices)
@example((EUR, AMOUNT_MAX), SMALLEST_PRICE)
@example((EUR, AMOUNT_MAX), PRICE_MAX)
def test_what_is_sold_is_gone_to_the_last_digit(paid: tuple[Currency, Decimal], price: Decimal) -> None:
    currency, amount = paid
    units = quantity_floor(divide(multiply(amount, Decimal(2)), price))
    world = World(
        market(instrument(WORLD, f"{price:f}", currency=currency.code)),
        allocation({WORLD: "1"}),
        account(currency.code),
    )
    world.hold(position(WORLD, f"{units:f}"))
    placed = world.place("SELL", amount)
    if placed.status is PortfolioOrderStatus.CANCELLED or not tradable(currency, amount, price):
        return
    (order,) = placed.orders
    outcome = outcome_of(venue_order(placed, order, 0), STILL)
    if outcome.refusal is not None or outcome.fills[0].trade.price < price:
        return  # the market trades in ticks of 0.0001

    sold = traded_out(world, placed)

    assert sold.status is PortfolioOrderStatus.FILLED
    trades = sold.orders[0].executions
    gone = sum(Fraction(trade.share_quantity) for trade in trades)
    assert Fraction(units) - gone == Fraction(world.holding(WORLD).quantity)
    assert sum(Fraction(trade.cash_amount) for trade in trades) == Fraction(world.holding(currency.code).quantity)
    assert world.holding(WORLD).locked == 0


def test_the_digits_suffice_for_all_that_an_account_can_ever_hold() -> None:
    """Every line of the derivation, with the longest numbers that there can be."""
    finest_price = subtract(PRICE_MAX, SMALLEST_PRICE)
    units = subtract(multiply(QUANTITY_MAX, Decimal(EXECUTIONS_MAX)), from_steps(1, QUANTITY_DECIMALS))
    value = multiply(units, finest_price)
    whole = add(multiply(value, Decimal(POSITIONS_MAX)), subtract(AMOUNT_MAX, from_steps(1, 4)))
    part = multiply(whole, SELL_LIMIT)
    cash = subtract(multiply(add(EXECUTION_CASH_MAX, AMOUNT_MAX), Decimal(EXECUTIONS_MAX)), from_steps(1, 4))

    assert max(len(number.as_tuple().digits) for number in (units, value, whole, part, cash)) == 74 < DIGITS
    assert Fraction(part) == Fraction(whole) * 9 / 10
    assert max(currency.decimals for currency in ISO_4217.values()) == 4


@given(
    st.sampled_from(sorted(ISO_4217.values(), key=lambda currency: currency.code)).flatmap(
        lambda currency: st.tuples(st.just(currency), amounts(currency))
    ),
    prices,
)
def test_a_quotient_is_rounded_as_if_once(paid: tuple[Currency, Decimal], price: Decimal) -> None:
    _, amount = paid
    exact = Fraction(amount) / Fraction(price)

    assert int(exact * 10**QUANTITY_DECIMALS) == int(quantity_floor(divide(amount, price)).scaleb(QUANTITY_DECIMALS))


def test_the_largest_portfolio_is_valued_exactly() -> None:
    units = f"{subtract(multiply(QUANTITY_MAX, Decimal(EXECUTIONS_MAX)), from_steps(1, QUANTITY_DECIMALS)):f}"
    positions = [
        PricedPosition(
            position=Position(holding=position(isin, units), instrument_id=InstrumentId(numbered_id(7))),
            price=subtract(PRICE_MAX, SMALLEST_PRICE),
            currency="EUR",
            price_time=NOW,
        )
        for isin in (WORLD, SAP)
    ]

    valuation = valuation_resource(numbered_id(8), account(), positions, NOW)

    exact = 2 * Fraction(units) * Fraction(subtract(PRICE_MAX, SMALLEST_PRICE))
    assert Fraction(valuation.total_security_value.amount) == exact
    assert [entry.weight for entry in valuation.security_positions] == ["0.5", "0.5"]


@pytest.mark.parametrize("currency", [EUR, JPY, KWD])
def test_an_amount_beyond_the_bound_is_refused_by_its_field_and_the_bound(currency: Currency) -> None:
    beyond = add(AMOUNT_MAX, currency.from_minor(1))
    check_amount("cash_amount", AMOUNT_MAX, currency.code, currency)

    with pytest.raises(FieldRefused) as refused:
        check_amount("cash_amount", beyond, currency.code, currency)
    assert (refused.value.field, refused.value.message) == (
        "cash_amount",
        f"must be at most 1000000000000000, not {beyond:f}",
    )


def test_a_deposit_that_would_pass_the_bound_is_refused_with_the_numbers() -> None:
    check_balance(ACCOUNT, subtract(CASH_BALANCE_MAX, AMOUNT_MAX), AMOUNT_MAX, "EUR")

    with pytest.raises(StateRefused) as refused:
        check_balance(ACCOUNT, Decimal("999000000000000000.01"), AMOUNT_MAX, "EUR")
    assert str(refused.value) == (
        f"account {ACCOUNT} has 999000000000000000.01 EUR: with 1000000000000000 EUR more it would have "
        "1000000000000000000.01 EUR, and 1000000000000000000 EUR is the most"
    )


def test_deposits_under_way_are_booked_also_beyond_the_bound() -> None:
    world = world_at(EUR, Decimal(1), Decimal(1))

    for _ in range(3):
        world.deposit(CASH_BALANCE_MAX)
    world.deposit("0.01")

    assert world.holding("EUR").quantity == total([CASH_BALANCE_MAX] * 3 + [Decimal("0.01")])
    assert Side(world.place("BUY", AMOUNT_MAX).type) is Side.BUY
