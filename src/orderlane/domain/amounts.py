"""Amounts of money that clients name."""

from collections.abc import Iterator
from decimal import Decimal

from orderlane.domain.bounds import AMOUNT_MAX, CASH_BALANCE_MAX
from orderlane.domain.errors import FieldRefused, StateRefused, refuse
from orderlane.domain.ids import AccountId
from orderlane.domain.money import Currency, add, plain


def check_amount(field: str, amount: Decimal, code: str, currency: Currency | None) -> None:
    """See to it that the amount that a request's `field` names can be paid in `currency`, whose code is `code`.

    Raises:
        FieldRefused: there is no such currency, or the amount is zero, is more than `AMOUNT_MAX`, or has more decimals
            than the currency.
        FieldsRefused: both are wrong.
    """
    refuse(list(amount_refusals(field, amount, code, currency)))


def amount_refusals(field: str, amount: Decimal, code: str, currency: Currency | None) -> Iterator[FieldRefused]:
    """What `check_amount` refuses."""
    if currency is None:
        yield FieldRefused("currency", f"{code} is not a currency of ISO 4217")
    if amount <= 0:
        yield FieldRefused(field, "must be greater than 0")
    elif amount > AMOUNT_MAX:
        yield FieldRefused(field, f"must be at most {AMOUNT_MAX:f}, not {amount:f}")
    elif currency is not None and not currency.is_exact(amount):
        yield FieldRefused(
            field, f"must have at most {currency.decimals} decimals, which is what {code} has, not {amount:f}"
        )


def check_balance(account_id: AccountId, balance: Decimal, amount: Decimal, code: str) -> None:
    """See to it that an account that has `balance` may get `amount` more, both in the currency whose code is `code`.

    Raises:
        StateRefused: it would have more than `CASH_BALANCE_MAX`.
    """
    if add(balance, amount) > CASH_BALANCE_MAX:
        raise StateRefused(
            f"account {account_id} has {plain(balance)} {code}: with {plain(amount)} {code} more it would have "
            f"{plain(add(balance, amount))} {code}, and {plain(CASH_BALANCE_MAX)} {code} is the most"
        )
