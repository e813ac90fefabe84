"""Amounts of money in requests."""

from decimal import Decimal

from orderlane.ports.errors import Invalid
from orderlane.resources.formats import CURRENCIES


def positive_amount(field: str, text: str, currency: str) -> Decimal:
    """The amount of `currency` that a request's `field` names.

    Raises Invalid when there is no such currency, the amount is zero, or it has more decimals than the currency.
    """
    known = CURRENCIES.get(currency)
    if known is None:
        raise Invalid("currency", f"{currency} is not a currency of ISO 4217")
    amount = Decimal(text)
    if amount <= 0:
        raise Invalid(field, "must be greater than 0")
    if not known.is_exact(amount):
        raise Invalid(field, f"must have at most {known.decimals} decimals, which is what {currency} has, not {text}")
    return amount
