"""Cash, positions and valuations: sums and weights, exactly."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from orderlane.domain.account import Account, AssetType, Holding
from orderlane.domain.ids import AccountGroupId, InstrumentId
from orderlane.domain.positions import GroupCash, Position, PricedPosition
from orderlane.resources.holdings import cash_balance_resource, position_resource, valuation_resource
from tests.unit.domain.worlds import account, numbered_id

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACCOUNT: Account = account()
ID = numbered_id(1)
INSTRUMENT = InstrumentId(numbered_id(2))
quantities = st.integers(1, 10**16).map(lambda units: Decimal(units).scaleb(-10))
prices = st.integers(1, 10**9).map(lambda units: Decimal(units).scaleb(-4))
cents = st.integers(0, 10**12)


def position(number: int, quantity: Decimal, price: Decimal, currency: str = "EUR") -> PricedPosition:
    holding = Holding(
        account_id=ACCOUNT.id, asset=f"DE{number:010d}", asset_type=AssetType.INSTRUMENT, quantity=quantity
    )
    held = Position(holding=holding, instrument_id=INSTRUMENT)
    return PricedPosition(position=held, price=price, currency=currency, price_time=NOW)


def cash_of(holdings: list[Holding]) -> GroupCash:
    return GroupCash(account_group_id=AccountGroupId(ID), currency="EUR", holdings=holdings)


@given(st.lists(st.tuples(quantities, prices), min_size=1, max_size=20))
def test_a_valuation_adds_up_exactly(held: list[tuple[Decimal, Decimal]]) -> None:
    positions = [position(number, quantity, price) for number, (quantity, price) in enumerate(held)]

    valuation = valuation_resource(ID, ACCOUNT, positions, NOW)

    values = [held.value for held in valuation.security_positions]
    exact = [Fraction(quantity) * Fraction(price) for quantity, price in held]
    assert [Fraction(value.amount) for value in values if value] == exact
    assert Fraction(valuation.total_security_value.amount) == sum(exact)
    weights = [Fraction(held.weight or 0) for held in valuation.security_positions]
    assert sum(weights) == 1
    assert all(
        abs(weight - value / sum(exact)) < Fraction(1, 10**10) for weight, value in zip(weights, exact, strict=True)
    )


def test_foreign_prices_count_for_nothing() -> None:
    valuation = valuation_resource(ID, ACCOUNT, [position(1, Decimal(1), Decimal(2), "USD")], NOW)

    assert valuation.total_security_value.amount == "0"
    assert (valuation.security_positions[0].value, valuation.security_positions[0].weight) == (None, None)


@given(st.lists(st.tuples(cents, cents, cents), max_size=5))
def test_a_cash_balance_adds_up(parts: list[tuple[int, int, int]]) -> None:
    holdings = [
        Holding(
            account_id=ACCOUNT.id,
            asset="EUR",
            asset_type=AssetType.CASH,
            quantity=Decimal(free + locked).scaleb(-2),
            locked=Decimal(locked).scaleb(-2),
            pending=Decimal(pending).scaleb(-2),
        )
        for free, locked, pending in parts
    ]

    balance = cash_balance_resource(cash_of(holdings))

    free = sum(Decimal(free) for free, _, _ in parts) / 100
    locked = sum(Decimal(locked) for _, locked, _ in parts) / 100
    assert Decimal(balance.balance) == free + locked
    assert Decimal(balance.available_for_trading) == free
    assert Decimal(balance.available_for_withdrawal) == sum(Decimal(max(f - p, 0)) for f, _, p in parts) / 100
    assert Decimal(balance.locked_for_trading) == locked


def test_a_position_names_its_instrument() -> None:
    held = position_resource(position(1, Decimal("1.50"), Decimal(2)).position)

    assert (held.instrument.uuid, held.instrument.isin) == (INSTRUMENT, "DE0000000001")
    assert (held.quantity, held.locked_for_trading, held.available_for_trading) == ("1.5", "0", "1.5")
