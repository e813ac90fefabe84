"""A process that is frozen loses its lanes to another in time; one whose COMMIT waits for a standby keeps them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic

import pytest

from tests.system.clusters import Machine, Server, frozen, machine, opened, until_found
from tests.system.owners import sharing

TAKE_OVER_SECONDS_MAX = 15.0
ALL = [0, 1, 2, 3]
WAITS = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'SyncRep')"


@pytest.fixture
async def servers(bin_dir: Path | None) -> AsyncIterator[Machine]:
    with machine(bin_dir) as servers:
        yield servers


@pytest.fixture
async def primary(servers: Machine) -> Server:
    primary = await servers.primary()
    await primary.install()
    async with opened(primary.dsn) as session:
        await session.execute("CREATE TABLE notes (text text)")
    return primary


async def test_the_lanes_of_a_frozen_process_are_taken_over_and_it_has_none_when_it_wakes(primary: Server) -> None:
    async with sharing(primary.dsn) as (first, second):
        with frozen(first.pid):
            began = monotonic()
            await second.until(owned=ALL)
            seconds = monotonic() - began

        lost = await first.until_told("lost")

    assert seconds < TAKE_OVER_SECONDS_MAX
    assert "terminat" in str(lost["lost"]) or "closed" in str(lost["lost"])


async def test_a_short_freeze_costs_nothing(primary: Server) -> None:
    async with sharing(primary.dsn) as (first, second):
        with frozen(first.pid):
            await asyncio.sleep(5)

        assert (await first.latest())["owned"] == [0, 1]
        assert (await second.latest())["owned"] == [2, 3]


async def test_when_everyone_was_frozen_nobody_is_ended(primary: Server) -> None:
    """A paused machine: each sees the others silent, and itself too."""
    async with sharing(primary.dsn) as (first, second):
        with frozen(first.pid), frozen(second.pid):
            await asyncio.sleep(TAKE_OVER_SECONDS_MAX)

        assert (await first.latest())["owned"] == [0, 1]
        assert (await second.latest())["owned"] == [2, 3]


async def test_a_frozen_process_whose_commit_waits_for_a_standby_is_left_alone(
    servers: Machine, primary: Server
) -> None:
    standby = await servers.standby(primary)
    async with sharing(primary.dsn) as (first, second), opened(primary.superuser_dsn) as observer:
        pid = (await first.latest())["pid"]
        await standby.stop()
        first.write()
        await until_found(primary.superuser_dsn, WAITS, pid)

        with frozen(first.pid):
            await asyncio.sleep(TAKE_OVER_SECONDS_MAX)
            assert (await second.latest())["owned"] == [2, 3]
            assert await observer.fetchval(WAITS, pid)
            assert await observer.fetchval("SELECT count(*) FROM notes") == 0

        await standby.start()
        await first.until(written=True)
        assert await observer.fetchval("SELECT count(*) FROM notes") == 1
        assert (await first.latest())["owned"] == [0, 1]
