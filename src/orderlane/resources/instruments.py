"""Instruments as JSON."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from orderlane.domain.instruments import Instrument, TradingStatus
from orderlane.domain.money import plain
from orderlane.resources.formats import write_time
from orderlane.resources.requests import CurrencyCode, DecimalText, Isin


class InstrumentResource(Struct, frozen=True):
    """What can be traded; `price` and `minimum_amount` are in `currency`."""

    id: UUID
    created_at: str
    updated_at: str
    isin: Isin
    wkn: str
    name: str
    fractional_trading: bool
    trading_status: TradingStatus
    currency: CurrencyCode
    minimum_amount: DecimalText
    price: DecimalText


def instrument_resource(
    one: Instrument, instrument_id: UUID, wkn: str, created_at: datetime, updated_at: datetime
) -> InstrumentResource:
    """An instrument as JSON."""
    return InstrumentResource(
        id=instrument_id,
        created_at=write_time(created_at),
        updated_at=write_time(updated_at),
        isin=one.isin,
        wkn=wkn,
        name=one.name,
        fractional_trading=one.fractional,
        trading_status=one.trading_status,
        currency=one.currency,
        minimum_amount=plain(one.minimum_amount),
        price=plain(one.price),
    )
