"""`venues`: the places of execution that the database knows, each with the number that names its gateways' locks."""

from collections.abc import Callable, Sequence
from datetime import datetime

from orderlane.domain.instruments import Venue
from orderlane.ports.errors import PortError
from orderlane.postgres.connection import Connection, committed
from orderlane.postgres.queries import queries
from orderlane.postgres.tables.instruments import venue_from

_SQL = queries("venues")


class UnknownVenue(PortError):
    """There is no venue of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"there is no venue {self.name}: name it in ORDERLANE_VENUES, and start a gateway"


async def register_venues(
    connection: Connection, names: Sequence[str], new_id: Callable[[], str], now: datetime
) -> None:
    """Add the venues that are missing. The first of `names` becomes the default venue of a database that has none.

    Whoever finds all of them changes nothing and waits for nobody: every start of a process comes along here.

    Raises:
        asyncpg.CheckViolationError: a name is none; the settings refuse it before.
    """
    if {venue.name for venue in await list_venues(connection)} >= set(names):
        return
    async with committed(connection):
        await connection.execute(_SQL["lock_venues"])
        await connection.execute(_SQL["register_venues"], [new_id() for _ in names], names, now)


async def list_venues(connection: Connection) -> list[Venue]:
    """Every venue, the default one first."""
    return [venue_from(row) for row in await connection.fetch(_SQL["list_venues"])]


async def venue_named(connection: Connection, name: str) -> Venue:
    """The venue of a name.

    Raises:
        UnknownVenue: there is none.
    """
    row = await connection.fetchrow(_SQL["venue_named"], name)
    if row is None:
        raise UnknownVenue(name)
    return venue_from(row)
