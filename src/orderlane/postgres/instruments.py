"""The list of instruments in PostgreSQL."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from orderlane.ports.errors import NotFound
from orderlane.ports.instruments import InstrumentsLoaded, ListedInstrument
from orderlane.ports.paging import Listing, Page
from orderlane.postgres.connection import Connection
from orderlane.postgres.listing import fetch_page
from orderlane.postgres.queries import queries
from orderlane.postgres.rows import Row, instrument_from
from orderlane.resources.instruments import InstrumentResource, instrument_resource

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

    async def get(self, instrument_id: str) -> InstrumentResource:
        """One instrument by its ISIN or its id."""
        row = await self._connection.fetchrow(_SQL["get_instrument"], instrument_id, as_id(instrument_id))
        if row is None:
            raise NotFound("instrument", instrument_id)
        return _instrument(row)

    async def list(self, page: Page) -> Listing[InstrumentResource]:
        """A page of the instruments."""
        return await fetch_page(self._connection, _SQL["list_instruments"], page, _SORTS, _instrument, None)

    async def load(
        self, listed: Sequence[ListedInstrument], new_id: Callable[[], UUID], now: datetime
    ) -> InstrumentsLoaded:
        """Add what is new and change what is different, by ISIN, in one statement."""
        instruments = [one.instrument for one in listed]
        rows = await self._connection.fetch(
            _SQL["load_instruments"],
            [one.isin for one in instruments],
            [new_id() for _ in instruments],
            [one.wkn for one in listed],
            [one.name for one in instruments],
            [one.currency for one in instruments],
            [one.minimum_amount for one in instruments],
            [one.fractional for one in instruments],
            [one.trading_status for one in instruments],
            [one.price for one in instruments],
            now,
        )
        added = sum(row["is_new"] for row in rows)
        return InstrumentsLoaded(added, len(rows) - added, len(listed) - len(rows))


def as_id(text: str) -> UUID | None:
    """The id that a text is, None when it is none: an ISIN."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _instrument(row: Row) -> InstrumentResource:
    return instrument_resource(instrument_from(row), row["id"], row["wkn"], row["created_at"], row["updated_at"])
