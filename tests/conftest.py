"""A real PostgreSQL for the tests: one embedded server a session, a fresh migrated database for whoever asks."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from orderlane.domain.money import require_exactness
from orderlane.postgres.connection import connect
from orderlane.postgres.embedded import EmbeddedPostgres
from orderlane.postgres.embedded.supervisor import SUPERUSER
from orderlane.postgres.epochs import ensure_epoch
from orderlane.postgres.migrate import NewInstallation, migrate
from orderlane.postgres.venues import register_venues
from orderlane.sources import system_sources

LANE_COUNT = 4
INSTALLED_AT = datetime(2021, 7, 21, 14, 10, tzinfo=UTC)
TEMPLATE = "migrated"

require_exactness()

NewDatabase = Callable[[], Awaitable[str]]


@pytest.fixture(scope="session")
def bin_dir() -> Path | None:
    """The server under test: the one in ORDERLANE_POSTGRES_BIN, or the wheel's."""
    named = os.environ.get("ORDERLANE_POSTGRES_BIN")
    return Path(named) if named else None


@pytest.fixture(scope="session")
def server_dsn(tmp_path_factory: pytest.TempPathFactory, bin_dir: Path | None) -> Iterator[str]:
    """The session's server, with a migrated database to copy fresh ones from.

    It does not wait for the disk, which making and dropping a database for each test does most of the time; what a
    crash leaves is tested with servers of its own.
    """
    server = EmbeddedPostgres(tmp_path_factory.mktemp("server"), bin_dir)
    asyncio.run(server.start())
    try:
        asyncio.run(forgo_durability(server.dsn))
        asyncio.run(make_template(server.dsn))
        yield server.dsn
    finally:
        asyncio.run(server.stop())


@pytest.fixture
async def new_database(server_dsn: str) -> AsyncIterator[NewDatabase]:
    """Make fresh migrated databases (about 0.1 s each): call it for a DSN, as often as wanted."""
    made: list[str] = []

    async def make() -> str:
        name = f"test_{next(_numbers)}"
        await administer(server_dsn, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
        made.append(name)
        return dsn_of(server_dsn, name)

    yield make
    for name in made:
        await administer(server_dsn, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def dsn(new_database: NewDatabase) -> str:
    """A fresh migrated database."""
    return await new_database()


@pytest.fixture
async def empty_dsn(server_dsn: str) -> AsyncIterator[str]:
    """A database with nothing in it."""
    name = f"test_{next(_numbers)}"
    await administer(server_dsn, f"CREATE DATABASE {name} TEMPLATE template1")
    yield dsn_of(server_dsn, name)
    await administer(server_dsn, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def connection(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a fresh migrated database."""
    async with opened(dsn) as connection:
        yield connection


_numbers = count(1)


async def forgo_durability(server_dsn: str) -> None:
    superuser = urlsplit(server_dsn)._replace(netloc=f"{SUPERUSER}@").geturl()
    await administer(superuser, "ALTER SYSTEM SET fsync = off")
    await administer(superuser, "SELECT pg_reload_conf()")


async def make_template(server_dsn: str) -> None:
    await administer(server_dsn, f"CREATE DATABASE {TEMPLATE} TEMPLATE template1")
    async with opened(dsn_of(server_dsn, TEMPLATE)) as connection:
        await migrate(connection, NewInstallation(lane_count=LANE_COUNT), INSTALLED_AT)
        await register_venues(connection, ["SIMULATED"], system_sources().ids.new_id, INSTALLED_AT)
        await ensure_epoch(connection)


async def administer(server_dsn: str, statement: str) -> None:
    async with opened(server_dsn) as connection:
        await connection.execute(statement)


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(dsn, "tests")
    try:
        yield connection
    finally:
        await connection.close()


def dsn_of(server_dsn: str, database: str) -> str:
    return urlsplit(server_dsn)._replace(path=f"/{database}").geturl()
