"""A database that is named by its address: used only when it can be, and refused with a sentence."""

from urllib.parse import urlsplit

import pytest

from orderlane.bootstrap.database import DatabaseRefused, open_database
from orderlane.postgres.connection import Connection
from orderlane.settings import Settings
from tests.database.test_ownership import NO_LOCKS


async def without_locks(dsn: str, connection: Connection) -> Settings:
    """The database as an engine whose advisory locks lock nothing."""
    await connection.execute(NO_LOCKS)
    name = urlsplit(dsn).path[1:]
    await connection.execute(f"ALTER DATABASE {name} SET search_path = fake, pg_catalog, public")
    return Settings(database_url=dsn)


async def test_a_postgresql_is_used(dsn: str) -> None:
    async with open_database(Settings(database_url=dsn), owns=True) as database:
        assert database.dsn == dsn


async def test_an_engine_without_locks_is_refused_to_whoever_owns_lanes(dsn: str, connection: Connection) -> None:
    settings = await without_locks(dsn, connection)

    with pytest.raises(DatabaseRefused, match="cannot be used: it gives two sessions the same advisory lock"):
        async with open_database(settings, owns=True):
            pytest.fail("it must not be used")


async def test_a_command_that_owns_nothing_does_not_take_the_time_to_prove_them(
    dsn: str, connection: Connection
) -> None:
    settings = await without_locks(dsn, connection)

    async with open_database(settings) as database:
        assert database.dsn == dsn
