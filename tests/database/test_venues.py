"""Venues are registered once, whoever starts first; the first of a new database is its default."""

import asyncio

import asyncpg
import pytest

from orderlane.domain.ids import parse_id
from orderlane.postgres.venues import list_venues, register_venues, venue_named
from orderlane.sources import system_sources
from tests.conftest import NewDatabase, opened

SOURCES = system_sources()


async def register(connection: asyncpg.Connection, *names: str) -> None:
    await register_venues(connection, names, SOURCES.ids.new_id, SOURCES.clock.now())


async def names(connection: asyncpg.Connection) -> list[str]:
    return [venue.name for venue in await list_venues(connection)]


@pytest.fixture
async def bare(connection: asyncpg.Connection) -> asyncpg.Connection:
    """A database without any venue."""
    await connection.execute("DELETE FROM venues")
    return connection


async def test_the_first_venue_of_a_database_stays_its_default(bare: asyncpg.Connection) -> None:
    await register(bare, "B", "A")
    await register(bare, "C", "A", "B")

    assert await names(bare) == ["B", "A", "C"]
    assert await bare.fetchval("SELECT name FROM venues WHERE is_default") == "B"


async def test_venues_have_an_id_and_a_number_of_their_own(bare: asyncpg.Connection) -> None:
    await register(bare, "A", "B")

    venues = await list_venues(bare)

    assert all(parse_id(venue.id) == venue.id and venue.id[14] == "7" for venue in venues)
    assert len({venue.number for venue in venues}) == len({venue.id for venue in venues}) == 2
    assert await venue_named(bare, "B") == venues[1]


async def test_a_start_that_finds_its_venues_uses_up_no_number(bare: asyncpg.Connection) -> None:
    await register(bare, "A")
    for _ in range(3):
        await register(bare, "A")
    await register(bare, "A", "B")

    first, second = await list_venues(bare)

    assert second.number == first.number + 1


async def test_a_name_that_is_none_is_refused(bare: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await register(bare, "small")

    assert await names(bare) == []


async def test_many_starts_at_once_register_each_venue_once(new_database: NewDatabase) -> None:
    dsn = await new_database()
    async with opened(dsn) as connection:
        await connection.execute("DELETE FROM venues")

    async def start(first: str, second: str) -> None:
        async with opened(dsn) as connection:
            await register(connection, first, second)

    await asyncio.gather(*(start(*pair) for pair in [("A", "B"), ("B", "A")] * 4))

    async with opened(dsn) as connection:
        assert sorted(await names(connection)) == ["A", "B"]
        assert await connection.fetchval("SELECT count(*) FROM venues WHERE is_default") == 1
