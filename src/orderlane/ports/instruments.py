"""The instruments that can be traded: the same for every client."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from msgspec import Struct

from orderlane.domain.ids import InstrumentId
from orderlane.domain.instruments import Instrument, TradingStatus, Venue
from orderlane.ports.paging import Listing, Page


class ListedInstrument(Struct, frozen=True, kw_only=True):
    """An instrument as it is stored, with its German securities number (WKN), "" when it has none."""

    id: InstrumentId
    instrument: Instrument
    wkn: str
    created_at: datetime
    updated_at: datetime


class InstrumentEntry(Struct, frozen=True, kw_only=True):
    """An instrument as a list names it; `venue` is a venue's name, "" for the default one."""

    isin: str
    wkn: str = ""
    name: str
    currency: str
    minimum_amount: Decimal
    fractional: bool
    trading_status: TradingStatus
    price: Decimal
    venue: str = ""


class InstrumentsLoaded(Struct, frozen=True, kw_only=True):
    """How many of the loaded instruments are new, have changed, and were known just so."""

    added: int
    changed: int
    unchanged: int


class Instruments(Protocol):
    """The list of instruments."""

    async def get(self, instrument_id: str) -> ListedInstrument:
        """One instrument by its ISIN or its id.

        Raises:
            NotFound: there is none.
        """
        ...

    async def named(self, names: Sequence[str]) -> Mapping[str, Instrument]:
        """Those instruments that exist, by what they are named here: ISINs and ids."""
        ...

    async def list(self, page: Page) -> Listing[ListedInstrument]:
        """A page of the instruments, by isin, name, created_at, updated_at or id."""
        ...

    async def venues(self) -> Sequence[Venue]:
        """Every venue, the default one first."""
        ...

    async def load(
        self, entries: Sequence[InstrumentEntry], new_id: Callable[[], str], now: datetime
    ) -> InstrumentsLoaded:
        """Add what is new and change what is different, by ISIN; instruments that are not in `entries` stay.

        The venues that entries name must exist.
        """
        ...
