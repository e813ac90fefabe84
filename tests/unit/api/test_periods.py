"""Periods and amounts in requests."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderlane.api.errors import InvalidParameter
from orderlane.api.periods import end_of, start_of
from orderlane.domain.amounts import check_amount
from orderlane.domain.errors import FieldRefused
from orderlane.resources.formats import CURRENCIES


def test_a_day_is_included_from_its_beginning_to_its_end() -> None:
    assert start_of("start_date", "2026-02-28") == datetime(2026, 2, 28, tzinfo=UTC)
    assert end_of("end_date", "2026-02-28") == datetime(2026, 3, 1, tzinfo=UTC)


def test_a_moment_is_included() -> None:
    moment = datetime(2026, 3, 2, 8, 0, 0, 250_000, tzinfo=UTC)

    for text in ("2026-03-02T08:00:00.250Z", "2026-03-02t09:00:00.250000+01:00", "2026-03-02T08:00:00.250000000z"):
        assert start_of("start_date", text) == moment
        end = end_of("end_date", text)
        assert end is not None
        assert moment < end <= moment + timedelta(milliseconds=1)


def test_no_period_is_none() -> None:
    assert (start_of("start_date", None), end_of("end_date", None)) == (None, None)


@pytest.mark.parametrize(
    "text", ["2026-02-30", "2026-13-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999999Z", "0000-01-01"]
)
def test_what_is_no_date_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidParameter) as refusal:
        end_of("end_date", text)

    assert [one.field for one in refusal.value.errors] == ["end_date"]


@given(st.sampled_from(sorted(CURRENCIES)), st.integers(1, 10**15), st.integers(0, 4))
def test_an_amount_has_at_most_the_decimals_of_its_currency(code: str, units: int, decimals: int) -> None:
    amount = Decimal(units).scaleb(-decimals)
    minor = Decimal(units).scaleb(CURRENCIES[code].decimals - decimals)
    if minor == minor.to_integral_value():
        check_amount("amount", amount, code, CURRENCIES.get(code))
    else:
        with pytest.raises(FieldRefused, match="amount"):
            check_amount("amount", amount, code, CURRENCIES.get(code))


@pytest.mark.parametrize(
    ("text", "currency", "field"), [("0", "EUR", "amount"), ("0.00", "EUR", "amount"), ("1", "QQQ", "currency")]
)
def test_nothing_and_unknown_currencies_are_refused(text: str, currency: str, field: str) -> None:
    with pytest.raises(FieldRefused) as refusal:
        check_amount("amount", Decimal(text), currency, CURRENCIES.get(currency))

    assert refusal.value.field == field
