"""How times and amounts are written."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderlane.resources.formats import CURRENCIES, read_time, write_amount, write_time


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2021, 7, 21, 14, 10, tzinfo=UTC), "2021-07-21T14:10:00.000Z"),
        (datetime(2021, 7, 21, 14, 10, 0, 7_000, tzinfo=UTC), "2021-07-21T14:10:00.007Z"),
        (datetime(2021, 7, 21, 14, 10, 59, 999_999, tzinfo=UTC), "2021-07-21T14:10:59.999Z"),
        (datetime(2021, 7, 21, 16, 10, tzinfo=timezone(timedelta(hours=2))), "2021-07-21T14:10:00.000Z"),
        (datetime(2021, 7, 20, 19, 10, tzinfo=timezone(-timedelta(hours=19))), "2021-07-21T14:10:00.000Z"),
    ],
)
def test_times_are_written_in_utc_with_milliseconds(moment: datetime, text: str) -> None:
    assert write_time(moment) == text


@given(st.integers(0, 10**17))
def test_a_time_in_whole_milliseconds_comes_back(microseconds: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    whole = moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    assert read_time(write_time(whole)) == whole
    assert write_time(moment) == write_time(whole)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("1000", "EUR", "1000.00"),
        ("0", "EUR", "0.00"),
        ("12.3", "CHF", "12.30"),
        ("1000.00", "JPY", "1000"),
        ("1", "KWD", "1.000"),
        ("100000000000000000000", "EUR", "100000000000000000000.00"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(amount: str, currency: str, text: str) -> None:
    assert write_amount(Decimal(amount), currency) == text


def test_a_fraction_of_a_minor_unit_is_never_rounded_away() -> None:
    with pytest.raises(ArithmeticError):
        write_amount(Decimal("0.001"), "EUR")


def test_the_currencies_are_those_of_the_standard_with_their_decimals() -> None:
    decimals = {code: CURRENCIES[code].decimals for code in ("EUR", "USD", "GBP", "CHF", "JPY", "KWD", "CLF")}

    assert decimals == {"EUR": 2, "USD": 2, "GBP": 2, "CHF": 2, "JPY": 0, "KWD": 3, "CLF": 4}
    assert all(one.code == code for code, one in CURRENCIES.items())
    assert "XAU" not in CURRENCIES
