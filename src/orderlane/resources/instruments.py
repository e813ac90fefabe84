"""Instruments as JSON."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from orderlane.domain.ids import InstrumentId
from orderlane.domain.instruments import Instrument, TradingStatus
from orderlane.domain.money import plain
from orderlane.resources.fields import InstrumentName, TimeText, VenueName, Wkn
from orderlane.resources.formats import Uuid, write_time
from orderlane.resources.requests import CurrencyCode, DecimalText, Isin


class InstrumentResource(Struct, frozen=True, kw_only=True):
    """What can be traded; `price` and `minimum_amount` are in `currency`, `venue` is where it is executed."""

    id: Uuid
    created_at: TimeText
    updated_at: TimeText
    isin: Isin
    wkn: Wkn | UnsetType = UNSET
    name: InstrumentName
    fractional_trading: bool
    trading_status: TradingStatus
    currency: CurrencyCode
    minimum_amount: Annotated[DecimalText, Meta(examples=["1"])]
    price: Annotated[DecimalText, Meta(examples=["101.25"])]
    venue: VenueName


def instrument_resource(
    instrument: Instrument, instrument_id: InstrumentId, wkn: str, *, created_at: datetime, updated_at: datetime
) -> InstrumentResource:
    """An instrument as JSON."""
    return InstrumentResource(
        id=instrument_id,
        created_at=write_time(created_at),
        updated_at=write_time(updated_at),
        isin=instrument.isin,
        wkn=wkn or UNSET,
        name=instrument.name,
        fractional_trading=instrument.fractional,
        trading_status=instrument.trading_status,
        currency=instrument.currency,
        minimum_amount=plain(instrument.minimum_amount),
        price=plain(instrument.price),
        venue=instrument.venue.name,
    )
