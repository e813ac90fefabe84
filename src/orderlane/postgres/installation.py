"""What is fixed for a whole database: read once by whoever works on it."""

from msgspec import Struct

from orderlane.postgres.connection import Connection
from orderlane.postgres.queries import queries
from orderlane.postgres.tables.records import record_from

_SQL = queries("installation")


class Installation(Struct, frozen=True, kw_only=True):
    """The number of lanes, a power of two, and the currency of every account."""

    lane_count: int
    currency: str


async def read_installation(connection: Connection) -> Installation:
    """What was fixed when the database was created.

    Raises:
        asyncpg.PostgresError: there is no schema yet.
    """
    [row] = await connection.fetch(_SQL["installation"])
    return record_from(row, Installation)
