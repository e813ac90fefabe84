"""Money is exact: every rounding is asked for by name, in the direction that the name says."""

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orderlane.domain.money import (
    DIGITS,
    QUANTITY_DECIMALS,
    Currency,
    add,
    divide,
    multiply,
    negate,
    plain,
    quantity_ceiling,
    quantity_floor,
    subtract,
    total,
)
from tests.unit.domain.worlds import EUR, JPY, KWD

STEP = Decimal(1).scaleb(-QUANTITY_DECIMALS)

currencies = st.sampled_from([EUR, JPY, KWD])
minor_units = st.integers(min_value=-(10**30), max_value=10**30)
quantities = st.decimals(min_value=0, max_value=10**18, allow_nan=False, allow_infinity=False, places=14)


@given(currencies, minor_units)
def test_minor_units_come_back(currency: Currency, units: int) -> None:
    amount = currency.from_minor(units)

    assert currency.to_minor(amount) == units
    assert currency.is_exact(amount)
    assert Decimal(currency.write(amount)) == amount


@pytest.mark.parametrize(
    ("currency", "amount", "written"),
    [
        (EUR, "1000", "1000.00"),
        (EUR, "1E+3", "1000.00"),
        (EUR, "0.1", "0.10"),
        (EUR, "12.340", "12.34"),
        (JPY, "1000", "1000"),
        (JPY, "1000.0", "1000"),
        (KWD, "1", "1.000"),
        (KWD, "0.001", "0.001"),
    ],
)
def test_amounts_are_written_with_the_decimals_of_their_currency(currency: Currency, amount: str, written: str) -> None:
    assert currency.write(Decimal(amount)) == written


@pytest.mark.parametrize(("currency", "amount"), [(EUR, "0.001"), (JPY, "0.5"), (KWD, "0.0001")])
def test_a_fraction_of_a_minor_unit_is_refused_not_rounded(currency: Currency, amount: str) -> None:
    assert not currency.is_exact(Decimal(amount))
    with pytest.raises(ValueError, match=f"more than {currency.decimals} decimals"):
        currency.to_minor(Decimal(amount))


@given(currencies, quantities)
def test_floor_and_ceiling_are_the_whole_minor_units_around(currency: Currency, amount: Decimal) -> None:
    floor, ceiling = currency.floor(amount), currency.ceiling(amount)

    assert currency.is_exact(floor)
    assert floor <= amount <= ceiling
    assert ceiling - floor == (0 if currency.is_exact(amount) else currency.from_minor(1))


@given(quantities)
@example(Decimal("0.33333333334"))
@example(Decimal("1E+20"))
def test_quantities_round_to_the_finest_that_can_be_held(quantity: Decimal) -> None:
    floor, ceiling = quantity_floor(quantity), quantity_ceiling(quantity)

    assert floor <= quantity <= ceiling
    assert ceiling - floor == (0 if quantity == floor else STEP)


@given(st.lists(minor_units, max_size=20))
def test_a_total_is_exact_however_large(units: list[int]) -> None:
    assert total(EUR.from_minor(number) for number in units) == EUR.from_minor(sum(units))


def test_sums_and_products_keep_every_digit() -> None:
    large, small = Decimal("12345678901234567890123456789.99"), Decimal("0.0000000001")

    assert add(large, small) == Decimal("12345678901234567890123456789.9900000001")
    assert multiply(large, small) == Decimal("1234567890123456789.012345678999")


@given(st.integers(-(10**DIGITS) + 1, 10**DIGITS - 1), st.integers(0, 40))
@example(10**DIGITS - 1, 2)
def test_an_opposite_keeps_every_digit(units: int, decimals: int) -> None:
    number, opposite = (Decimal(f"{each}E-{decimals}") for each in (units, -units))

    assert (negate(number), f"{negate(number)}") == (opposite, f"{opposite}")
    assert add(number, negate(number)) == 0
    assert subtract(Decimal(0), number) == opposite


@pytest.mark.parametrize("zero", ["0", "-0", "0.00"])
def test_the_opposite_of_nothing_has_no_sign(zero: str) -> None:
    assert not negate(Decimal(zero)).is_signed()


def test_what_can_not_be_exact_is_refused() -> None:
    with pytest.raises(ArithmeticError):
        negate(Decimal("1." + "3" * DIGITS))
    with pytest.raises(ArithmeticError):
        subtract(Decimal(f"1E+{DIGITS}"), Decimal("0.01"))
    with pytest.raises(ArithmeticError):
        add(Decimal(f"1E+{DIGITS}"), Decimal("0.01"))
    with pytest.raises(ArithmeticError):
        multiply(Decimal("1." + "3" * 40), Decimal("1." + "7" * 40))


def test_a_quotient_has_digits_to_spare_for_one_rounding() -> None:
    assert f"{divide(Decimal(1), Decimal(3)):f}" == "0." + "3" * DIGITS


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0", "0"),
        ("-0.00", "0"),
        ("1.50", "1.5"),
        ("1000", "1000"),
        ("1E+3", "1000"),
        ("1E-10", "0.0000000001"),
        ("100.0000000000", "100"),
    ],
)
def test_plain_numbers_have_no_exponent_and_no_idle_zeros(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text


@given(quantities)
def test_plain_numbers_come_back(number: Decimal) -> None:
    assert Decimal(plain(number)) == number
