"""A database that is named by its address: used only when it can be, and refused with a sentence."""

from datetime import UTC, datetime
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from orderlane.bootstrap.database import (
    Database,
    DatabaseAway,
    DatabaseRefused,
    open_database,
    open_operator,
    open_store,
)
from orderlane.master_data.instruments import shipped_instruments
from orderlane.ports.errors import StoreUnavailable
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


async def test_a_session_that_only_reads_is_refused_every_write_by_the_server(dsn: str) -> None:
    database = Database(dsn)

    async with open_operator(database, reads_only=True) as operator:
        assert await operator.quarantined() == []
        with pytest.raises(StoreUnavailable, match="read-only transaction"):
            await operator.release(1)
    async with open_store(database, reads_only=True) as store:
        async with store.reading() as repositories:
            assert await repositories.clients.all() == []
        with pytest.raises(StoreUnavailable, match="read-only transaction"):
            async with store.transaction() as repositories:
                await repositories.instruments.load(shipped_instruments(), lambda: str(uuid4()), datetime.now(UTC))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:hidden@nowhere.invalid:1/db", "postgresql://nowhere.invalid:1/db cannot"),
        ("postgresql:///db?user=me&password=hidden&host=/nowhere", "postgresql:///db?host=/nowhere cannot"),
    ],
)
async def test_a_refusal_shows_the_address_without_its_password(url: str, shown: str) -> None:
    with pytest.raises(DatabaseAway) as refusal:
        async with open_database(Settings(database_url=url)):
            pytest.fail("nobody is there")

    assert shown in str(refusal.value)
    assert "hidden" not in str(refusal.value)
