"""What accounts hold, as JSON: the cash of an account group, the positions of an account and what they are worth."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from msgspec import Struct

from orderlane.domain.account import ZERO, Account
from orderlane.domain.money import from_steps, multiply, plain, subtract, total
from orderlane.domain.positions import GroupCash, Position, PricedPosition
from orderlane.domain.splitting import largest_remainder
from orderlane.resources.fields import ExactNumber, TimeText
from orderlane.resources.formats import Uuid, write_amount, write_time
from orderlane.resources.requests import CurrencyCode, DecimalText, Isin

WEIGHT_DECIMALS = 10


class CashBalanceResource(Struct, frozen=True, kw_only=True):
    """The cash of all accounts of an account group."""

    account_group_id: Uuid
    currency: CurrencyCode
    balance: ExactNumber
    locked_for_trading: ExactNumber
    pending_settlement: ExactNumber
    available_for_withdrawal: ExactNumber
    available_for_trading: ExactNumber


class InstrumentReference(Struct, frozen=True):
    """An instrument by its id and its ISIN."""

    uuid: Uuid
    isin: Isin


class PositionResource(Struct, frozen=True, kw_only=True):
    """What an account holds of one instrument, in units."""

    account_id: Uuid
    instrument: InstrumentReference
    quantity: ExactNumber
    locked_for_trading: ExactNumber
    pending_settlement: ExactNumber
    available_for_trading: ExactNumber


class Money(Struct, frozen=True):
    """An amount of a currency."""

    amount: ExactNumber
    currency: CurrencyCode


class PositionValue(Struct, frozen=True, kw_only=True):
    """What a position is worth: its quantity times the price of `price_time`, exactly."""

    amount: ExactNumber
    currency: CurrencyCode
    price_time: TimeText


class SecurityPosition(Struct, frozen=True, kw_only=True):
    """A position in a valuation; value and weight are null when there is no price in the account's currency."""

    instrument: InstrumentReference
    quantity: ExactNumber
    value: PositionValue | None
    weight: DecimalText | None


class ValuationResource(Struct, frozen=True, kw_only=True):
    """What the positions of an account are worth, and what part each is of the whole: the weights sum to exactly 1."""

    id: Uuid
    account_id: Uuid
    created_at: TimeText
    updated_at: TimeText
    price_quality: Literal["EOD"]
    valuation_time: TimeText
    total_security_value: Money
    security_positions: list[SecurityPosition]


def cash_balance_resource(cash: GroupCash) -> CashBalanceResource:
    """The sum of the cash of the accounts of a group.

    What came from executions that are not settled yet can be traded with, but not be withdrawn.
    """
    held, currency = cash.holdings, cash.currency

    def amount(parts: Iterable[Decimal]) -> str:
        return write_amount(total(parts), currency)

    return CashBalanceResource(
        account_group_id=cash.account_group_id,
        currency=currency,
        balance=amount(holding.quantity for holding in held),
        locked_for_trading=amount(holding.locked for holding in held),
        pending_settlement=amount(holding.pending for holding in held),
        available_for_withdrawal=amount(max(subtract(holding.available, holding.pending), ZERO) for holding in held),
        available_for_trading=amount(holding.available for holding in held),
    )


def position_resource(position: Position) -> PositionResource:
    """A position as JSON."""
    holding = position.holding
    return PositionResource(
        account_id=holding.account_id,
        instrument=InstrumentReference(position.instrument_id, holding.asset),
        quantity=plain(holding.quantity),
        locked_for_trading=plain(holding.locked),
        pending_settlement=plain(holding.pending),
        available_for_trading=plain(holding.available),
    )


def valuation_resource(
    valuation_id: str, account: Account, positions: Sequence[PricedPosition], now: datetime
) -> ValuationResource:
    """Value positions at the last prices. Those without a price in the account's currency do not count."""
    values = {
        priced.position.holding.asset: multiply(priced.position.holding.quantity, priced.price)
        for priced in positions
        if priced.currency == account.currency
    }
    weights = _weights(values)
    return ValuationResource(
        id=valuation_id,
        account_id=account.id,
        created_at=write_time(now),
        updated_at=write_time(now),
        price_quality="EOD",
        valuation_time=write_time(now),
        total_security_value=Money(plain(total(values.values())), account.currency),
        security_positions=[_security_position(priced, values, weights) for priced in positions],
    )


def _security_position(
    priced: PricedPosition, values: Mapping[str, Decimal], weights: Mapping[str, Decimal]
) -> SecurityPosition:
    holding = priced.position.holding
    isin = holding.asset
    return SecurityPosition(
        instrument=InstrumentReference(priced.position.instrument_id, isin),
        quantity=plain(holding.quantity),
        value=_value(priced, values[isin]) if isin in values else None,
        weight=plain(weights[isin]) if isin in weights else None,
    )


def _value(priced: PricedPosition, amount: Decimal) -> PositionValue:
    return PositionValue(amount=plain(amount), currency=priced.currency, price_time=write_time(priced.price_time))


def _weights(values: Mapping[str, Decimal]) -> dict[str, Decimal]:
    if not any(values.values()):
        return {}
    parts = largest_remainder(10**WEIGHT_DECIMALS, {isin: Fraction(value) for isin, value in values.items()})
    return {isin: from_steps(part, WEIGHT_DECIMALS) for isin, part in parts.items()}
