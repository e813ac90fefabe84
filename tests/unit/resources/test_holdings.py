"""Cash, positions and valuations: sums and weights, exactly."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from orderlane.domain.account import AssetType, Holding
from orderlane.resources.holdings import PricedPosition, cash_balance_resource, valuation_resource

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ID = UUID(int=1)
quantities = st.integers(1, 10**16).map(lambda units: Decimal(units).scaleb(-10))
prices = st.integers(1, 10**9).map(lambda units: Decimal(units).scaleb(-4))
cents = st.integers(0, 10**12)


def position(number: int, quantity: Decimal, price: Decimal, currency: str = "EUR") -> PricedPosition:
    holding = Holding(ID, f"DE{number:010d}", AssetType.INSTRUMENT, quantity)
    return PricedPosition(holding, ID, price, currency, NOW)


@given(st.lists(st.tuples(quantities, prices), min_size=1, max_size=20))
def test_a_valuation_adds_up_exactly(held: list[tuple[Decimal, Decimal]]) -> None:
    positions = [position(number, quantity, price) for number, (quantity, price) in enumerate(held)]

    valuation = valuation_resource(ID, ID, "EUR", positions, NOW)

    values = [one.value for one in valuation.security_positions]
    exact = [Fraction(quantity) * Fraction(price) for quantity, price in held]
    assert [Fraction(one.amount) for one in values if one] == exact
    assert Fraction(valuation.total_security_value.amount) == sum(exact)
    weights = [Fraction(one.weight or 0) for one in valuation.security_positions]
    assert sum(weights) == 1
    assert all(
        abs(weight - value / sum(exact)) < Fraction(1, 10**10) for weight, value in zip(weights, exact, strict=True)
    )


def test_foreign_prices_count_for_nothing() -> None:
    valuation = valuation_resource(ID, ID, "EUR", [position(1, Decimal(1), Decimal(2), "USD")], NOW)

    assert valuation.total_security_value.amount == "0"
    assert (valuation.security_positions[0].value, valuation.security_positions[0].weight) == (None, None)


@given(st.lists(st.tuples(cents, cents, cents), max_size=5))
def test_a_cash_balance_adds_up(parts: list[tuple[int, int, int]]) -> None:
    holdings = [
        Holding(
            ID,
            "EUR",
            AssetType.CASH,
            Decimal(free + locked).scaleb(-2),
            Decimal(locked).scaleb(-2),
            Decimal(pending).scaleb(-2),
        )
        for free, locked, pending in parts
    ]

    balance = cash_balance_resource(ID, "EUR", holdings)

    free = sum(Decimal(free) for free, _, _ in parts) / 100
    locked = sum(Decimal(locked) for _, locked, _ in parts) / 100
    assert Decimal(balance.balance) == free + locked
    assert Decimal(balance.available_for_trading) == free
    assert Decimal(balance.available_for_withdrawal) == sum(Decimal(max(f - p, 0)) for f, _, p in parts) / 100
    assert Decimal(balance.locked_for_trading) == locked
