"""The instruments that can be traded: the same for every client."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from orderlane.domain.instruments import Instrument
from orderlane.ports.paging import Listing, Page
from orderlane.resources.instruments import InstrumentResource


@dataclass(frozen=True, slots=True)
class ListedInstrument:
    """An instrument with its German securities number (WKN), "" when it has none."""

    instrument: Instrument
    wkn: str = ""


@dataclass(frozen=True, slots=True)
class InstrumentsLoaded:
    """How many of the loaded instruments are new, have changed, and were known just so."""

    added: int
    changed: int
    unchanged: int


class Instruments(Protocol):
    """The list of instruments."""

    async def get(self, instrument_id: str) -> InstrumentResource:
        """One instrument by its ISIN or its id. Raises NotFound."""
        ...

    async def list(self, page: Page) -> Listing[InstrumentResource]:
        """A page of the instruments, by isin, name, created_at, updated_at or id."""
        ...

    async def load(
        self, listed: Sequence[ListedInstrument], new_id: Callable[[], UUID], now: datetime
    ) -> InstrumentsLoaded:
        """Add what is new and change what is different, by ISIN; instruments that are not in `listed` stay."""
        ...
