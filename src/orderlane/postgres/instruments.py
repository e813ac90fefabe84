"""The list of instruments in PostgreSQL."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from orderlane.domain.ids import parse_id
from orderlane.domain.instruments import Instrument, Venue
from orderlane.ports.errors import NotFound
from orderlane.ports.instruments import InstrumentEntry, InstrumentsLoaded, ListedInstrument
from orderlane.ports.paging import Listing, Page
from orderlane.postgres.connection import Connection
from orderlane.postgres.listing import fetch_page
from orderlane.postgres.queries import queries
from orderlane.postgres.tables.instruments import instrument_from, venue_from
from orderlane.postgres.tables.records import Row, record_from

_SQL = queries("instruments")
_SORTS: Final[Mapping[str, str]] = {
    "id": "id",
    "isin": "isin",
    "name": "name",
    "created_at": "created_at",
    "updated_at": "updated_at",
}


class PostgresInstruments:
    """The list of instruments, on a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, instrument_id: str) -> ListedInstrument:
        """One instrument by its ISIN or its id.

        Raises:
            NotFound: there is none.
        """
        row = await self._connection.fetchrow(_SQL["get_instrument"], instrument_id, _as_id(instrument_id))
        if row is None:
            raise NotFound("instrument", instrument_id)
        return _listed_from(row)

    async def named(self, names: Sequence[str]) -> Mapping[str, Instrument]:
        """Those instruments that exist, by what they are named here: ISINs and ids."""
        ids = [any_id for any_id in map(_as_id, names) if any_id is not None]
        rows = await self._connection.fetch(_SQL["named_instruments"], names, ids)
        known = {key: instrument_from(row) for row in rows for key in (row["isin"], str(row["id"]))}
        return {name: known[key] for name in names if (key := canonical_name(name)) in known}

    async def list(self, page: Page) -> Listing[ListedInstrument]:
        """A page of the instruments."""
        return await fetch_page(self._connection, _SQL["list_instruments"], page, _SORTS, _listed_from, None)

    async def venues(self) -> Sequence[Venue]:
        """Every venue, the default one first."""
        return [venue_from(row) for row in await self._connection.fetch(_SQL["venues"])]

    async def load(
        self, entries: Sequence[InstrumentEntry], new_id: Callable[[], str], now: datetime
    ) -> InstrumentsLoaded:
        """Add what is new and change what is different, by ISIN, in one statement."""
        rows = await self._connection.fetch(
            _SQL["load_instruments"],
            [entry.isin for entry in entries],
            [new_id() for _ in entries],
            [entry.wkn for entry in entries],
            [entry.name for entry in entries],
            [entry.currency for entry in entries],
            [entry.minimum_amount for entry in entries],
            [entry.fractional for entry in entries],
            [entry.trading_status for entry in entries],
            [entry.price for entry in entries],
            [entry.venue for entry in entries],
            now,
        )
        added = sum(row["is_new"] for row in rows)
        return InstrumentsLoaded(added=added, changed=len(rows) - added, unchanged=len(entries) - len(rows))


def canonical_name(name: str) -> str:
    """An instrument's id in canonical lower case; an ISIN is left unchanged."""
    return _as_id(name) or name


def _as_id(name: str) -> str | None:
    try:
        return parse_id(name)
    except ValueError:
        return None


def _listed_from(row: Row) -> ListedInstrument:
    return record_from(row, ListedInstrument, instrument=instrument_from(row))
