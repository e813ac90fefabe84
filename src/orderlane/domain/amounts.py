"""Amounts of money that clients name."""

from decimal import Decimal

from orderlane.domain.errors import FieldRefused
from orderlane.domain.money import Currency


def check_amount(field: str, amount: Decimal, code: str, currency: Currency | None) -> None:
    """See to it that the amount that a request's `field` names can be paid in `currency`, whose code is `code`.

    Raises:
        FieldRefused: there is no such currency, or the amount is zero or has more decimals than the currency.
    """
    if currency is None:
        raise FieldRefused("currency", f"{code} is not a currency of ISO 4217")
    if amount <= 0:
        raise FieldRefused(field, "must be greater than 0")
    if not currency.is_exact(amount):
        raise FieldRefused(
            field, f"must have at most {currency.decimals} decimals, which is what {code} has, not {amount:f}"
        )
