"""What accounts hold, as JSON: the cash of an account group, the positions of an account and what they are worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from orderlane.domain.account import ZERO, Holding
from orderlane.domain.money import multiply, plain
from orderlane.domain.splitting import largest_remainder
from orderlane.resources.formats import write_amount, write_time
from orderlane.resources.requests import CurrencyCode, DecimalText, Isin

WEIGHT_DECIMALS = 10


ExactNumber = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]+(\.[0-9]+)?\Z",
        description="A decimal number as a string: plain digits, as many as it takes to be exact.",
        examples=["1000.00"],
    ),
]


class CashBalanceResource(Struct, frozen=True):
    """The cash of all accounts of an account group."""

    account_group_id: UUID
    currency: CurrencyCode
    balance: ExactNumber
    locked_for_trading: ExactNumber
    pending_settlement: ExactNumber
    available_for_withdrawal: ExactNumber
    available_for_trading: ExactNumber


class InstrumentReference(Struct, frozen=True):
    """An instrument by its id and its ISIN."""

    uuid: UUID
    isin: Isin


class PositionResource(Struct, frozen=True):
    """What an account holds of one instrument, in units."""

    account_id: UUID
    instrument: InstrumentReference
    quantity: ExactNumber
    locked_for_trading: ExactNumber
    pending_settlement: ExactNumber
    available_for_trading: ExactNumber


class Money(Struct, frozen=True):
    """An amount of a currency."""

    amount: ExactNumber
    currency: CurrencyCode


class PositionValue(Struct, frozen=True):
    """What a position is worth: its quantity times the price of `price_time`, exactly."""

    amount: ExactNumber
    currency: CurrencyCode
    price_time: str


class SecurityPosition(Struct, frozen=True):
    """A position in a valuation; value and weight are null when there is no price in the account's currency."""

    instrument: InstrumentReference
    quantity: ExactNumber
    value: PositionValue | None
    weight: DecimalText | None


class ValuationResource(Struct, frozen=True):
    """What the positions of an account are worth, and what part each is of the whole: the weights sum to exactly 1."""

    id: UUID
    account_id: UUID
    created_at: str
    updated_at: str
    price_quality: Literal["EOD"]
    valuation_time: str
    total_security_value: Money
    security_positions: list[SecurityPosition]


@dataclass(frozen=True, slots=True)
class PricedPosition:
    """A position with the last price of its instrument, in `currency`."""

    holding: Holding
    instrument_id: UUID
    price: Decimal
    currency: str
    price_time: datetime


def cash_balance_resource(account_group_id: UUID, currency: str, cash: Sequence[Holding]) -> CashBalanceResource:
    """The sum of the cash of the accounts of a group; all of it is in `currency`.

    What came from executions that are not settled yet can be traded with, but not be withdrawn.
    """
    balance = sum((one.quantity for one in cash), ZERO)
    locked = sum((one.locked for one in cash), ZERO)
    pending = sum((one.pending for one in cash), ZERO)
    settled = sum((max(one.available - one.pending, ZERO) for one in cash), ZERO)
    return CashBalanceResource(
        account_group_id=account_group_id,
        currency=currency,
        balance=write_amount(balance, currency),
        locked_for_trading=write_amount(locked, currency),
        pending_settlement=write_amount(pending, currency),
        available_for_withdrawal=write_amount(settled, currency),
        available_for_trading=write_amount(balance - locked, currency),
    )


def position_resource(one: Holding, instrument_id: UUID) -> PositionResource:
    """A position as JSON."""
    return PositionResource(
        account_id=one.account_id,
        instrument=InstrumentReference(instrument_id, one.asset),
        quantity=plain(one.quantity),
        locked_for_trading=plain(one.locked),
        pending_settlement=plain(one.pending),
        available_for_trading=plain(one.available),
    )


def valuation_resource(
    valuation_id: UUID, account_id: UUID, currency: str, positions: Sequence[PricedPosition], now: datetime
) -> ValuationResource:
    """Value positions at the last prices. Those without a price in the account's `currency` don't count."""
    values = {
        one.holding.asset: multiply(one.holding.quantity, one.price) for one in positions if one.currency == currency
    }
    weights = _weights(values)
    return ValuationResource(
        id=valuation_id,
        account_id=account_id,
        created_at=write_time(now),
        updated_at=write_time(now),
        price_quality="EOD",
        valuation_time=write_time(now),
        total_security_value=Money(plain(sum(values.values(), ZERO)), currency),
        security_positions=[_security_position(one, values, weights) for one in positions],
    )


def _security_position(
    one: PricedPosition, values: Mapping[str, Decimal], weights: Mapping[str, Decimal]
) -> SecurityPosition:
    isin = one.holding.asset
    value = PositionValue(plain(values[isin]), one.currency, write_time(one.price_time)) if isin in values else None
    return SecurityPosition(
        instrument=InstrumentReference(one.instrument_id, isin),
        quantity=plain(one.holding.quantity),
        value=value,
        weight=plain(weights[isin]) if isin in weights else None,
    )


def _weights(values: Mapping[str, Decimal]) -> dict[str, Decimal]:
    if not any(values.values()):
        return {}
    parts = largest_remainder(10**WEIGHT_DECIMALS, {isin: Fraction(value) for isin, value in values.items()})
    return {isin: Decimal(part).scaleb(-WEIGHT_DECIMALS) for isin, part in parts.items()}
