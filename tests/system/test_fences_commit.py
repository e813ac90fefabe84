"""A COMMIT that waits for a standby that is gone: nothing that the service does makes its rows visible.

Some tests show the opposite with the bare driver: if one of these fails, PostgreSQL or the driver have changed, and the
fence may be needless.
"""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from orderlane.postgres import connection as connections
from orderlane.postgres.connection import Connection, committed, connect, open_pool, uncancelled
from orderlane.postgres.heartbeats import PROCESS, ProcessName, beat, end_silent, owners, session_of
from orderlane.postgres.ownership import ClaimRole
from orderlane.sources import system_sources
from tests.system.clusters import Machine, Server, machine, opened, until_found

WAITS = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'SyncRep')"
IS_VISIBLE = "SELECT EXISTS (SELECT FROM notes WHERE text = $1)"
INSERT = "INSERT INTO notes VALUES ($1)"

WRITE_AND_WAIT = """
import asyncio, sys
from orderlane.postgres.connection import committed, connect

async def main():
    session = await connect(sys.argv[1], "test")
    print(session.get_server_pid(), flush=True)
    async with committed(session):
        await session.execute("INSERT INTO notes VALUES ($1)", sys.argv[2])

asyncio.run(main())
"""


@dataclass
class Pair:
    """A primary and its synchronous standby, which is gone or back."""

    primary: Server
    standby: Server
    notes: int = 0

    def new_note(self) -> str:
        self.notes += 1
        return f"note {self.notes}"

    async def is_visible(self, note: str) -> bool:
        async with opened(self.primary.dsn) as reader:
            return bool(await reader.fetchval(IS_VISIBLE, note))

    async def until_waiting(self, pid: int) -> None:
        await until_found(self.primary.superuser_dsn, WAITS, pid)

    async def is_waiting(self, pid: int) -> bool:
        async with opened(self.primary.superuser_dsn) as observer:
            return bool(await observer.fetchval(WAITS, pid))

    async def return_standby(self) -> None:
        """Start the standby, and wait until nobody waits for it."""
        if not self.standby.is_running:
            await self.standby.start()
        nobody = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep')"
        await until_found(self.primary.superuser_dsn, nobody)


@pytest.fixture(scope="module")
def running_pair(bin_dir: Path | None) -> Iterator[Pair]:
    """Made once: each test takes the standby away, and brings it back."""
    with machine(bin_dir) as servers:
        yield asyncio.run(make_pair(servers))


async def make_pair(servers: Machine) -> Pair:
    primary = await servers.primary()
    await primary.install()
    async with opened(primary.dsn) as session:
        await session.execute("CREATE TABLE notes (text text)")
    return Pair(primary, await servers.standby(primary))


@pytest.fixture
async def pair(running_pair: Pair) -> AsyncIterator[Pair]:
    """The pair without its standby."""
    await running_pair.standby.stop()
    yield running_pair
    await running_pair.return_standby()


async def write(session: Connection, note: str) -> None:
    async with committed(session):
        await session.execute(INSERT, note)


async def write_by_itself(session: Connection, note: str) -> None:
    await uncancelled(session, session.execute(INSERT, note))


async def write_as_the_driver_does(session: Connection, note: str) -> None:
    async with session.transaction():
        await session.execute(INSERT, note)


async def write_simply(session: Connection, note: str) -> None:
    await session.execute(f"INSERT INTO notes VALUES ('{note}')")


Write = Callable[[Connection, str], Awaitable[None]]
WRITES: list[Write] = [write, write_by_itself, write_as_the_driver_does, write_simply]


async def waiting(pair: Pair, session: Connection, note: str, writing: Write) -> asyncio.Future[None]:
    """Begin to write; the task waits for the standby."""
    pid = session.get_server_pid()
    task = asyncio.ensure_future(writing(session, note))
    await pair.until_waiting(pid)
    return task


@pytest.mark.parametrize("writing", WRITES)
async def test_a_commit_waits_longer_than_a_statement_may_and_nobody_sees_its_rows(pair: Pair, writing: Write) -> None:
    note, session = pair.new_note(), await connect(pair.primary.dsn, "test", statement_seconds_max=0.5)
    task = await waiting(pair, session, note, writing)

    await asyncio.wait({task}, timeout=1.5)
    assert not task.done()
    assert not await pair.is_visible(note)

    await pair.return_standby()
    await task
    assert await pair.is_visible(note)
    await session.close()


@pytest.mark.parametrize("writing", WRITES)
async def test_a_cancelled_caller_does_not_make_its_rows_visible(
    pair: Pair, writing: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "CANCELLED_SECONDS_MAX", 0.2)
    note, session = pair.new_note(), await connect(pair.primary.dsn, "test")
    pid = session.get_server_pid()
    task = await waiting(pair, session, note, writing)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.2)

    assert not await pair.is_visible(note)
    assert await pair.is_waiting(pid)
    session.terminate()


async def test_a_lane_s_connection_that_is_closed_does_not_make_its_rows_visible(pair: Pair) -> None:
    note, session = pair.new_note(), await connect(pair.primary.dsn, "test")
    pid = session.get_server_pid()
    task = await waiting(pair, session, note, write)

    with suppress(TimeoutError):
        await session.close(timeout=0.2)
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0.2)

    assert not await pair.is_visible(note)
    assert await pair.is_waiting(pid)


async def test_a_pool_that_is_closed_does_not_make_its_rows_visible(pair: Pair) -> None:
    note, pool = pair.new_note(), await open_pool(pair.primary.dsn, "test", size_max=2)
    session = await pool.acquire()
    pid = session.get_server_pid()
    task = await waiting(pair, session, note, write)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await pool.close()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0.2)

    assert not await pair.is_visible(note)
    assert await pair.is_waiting(pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_a_process_that_ends_does_not_make_its_rows_visible(pair: Pair, number: signal.Signals) -> None:
    note = pair.new_note()
    command = [sys.executable, "-c", WRITE_AND_WAIT, pair.primary.dsn, note]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    assert process.stdout is not None
    pid = int(await process.stdout.readline())
    await pair.until_waiting(pid)

    process.send_signal(number)
    async with asyncio.timeout(20):
        await process.wait()

    assert not await pair.is_visible(note)
    assert await pair.is_waiting(pid)


async def test_a_silent_owner_is_not_ended_while_it_waits_for_the_standby(pair: Pair) -> None:
    note, session = pair.new_note(), await connect(pair.primary.dsn, "test")
    judge = await connect(pair.primary.dsn, "test", synchronous_commit="local")
    frozen, judging = await session_of(session), await session_of(judge)
    name = ProcessName(system_sources().ids.new_id(), "here")
    await beat(session, {frozen: ClaimRole.LANES.name}, name, timedelta(0))
    task = await waiting(pair, session, note, write)

    for _ in range(20):
        await beat(judge, {judging: PROCESS}, name, timedelta(0))
        assert await end_silent(judge, {ClaimRole.LANES: 0.5}) == []
        await asyncio.sleep(0.05)

    (owner,) = [owner for owner in await owners(judge) if owner.pid == frozen.pid]
    assert owner.waits_for_standby
    assert owner.silence > timedelta(seconds=0.5)
    assert not await pair.is_visible(note)
    judge.terminate()
    await pair.return_standby()
    await task


async def test_a_beat_waits_for_no_standby(pair: Pair) -> None:
    """Not even on a session whose COMMITs do: an unlogged table is not replicated."""
    session = await connect(pair.primary.dsn, "test")
    name = ProcessName(system_sources().ids.new_id(), "here")

    async with asyncio.timeout(5):
        await beat(session, {await session_of(session): "LANES"}, name, timedelta(0))
    session.terminate()


async def test_a_frozen_standby_is_waited_for_like_one_that_is_gone(pair: Pair) -> None:
    await pair.return_standby()
    note, session = pair.new_note(), await connect(pair.primary.dsn, "test")
    pair.standby.freeze()
    try:
        task = await waiting(pair, session, note, write)
        assert not await pair.is_visible(note)
    finally:
        pair.standby.thaw()

    await task
    assert await pair.is_visible(note)
    await session.close()


async def by_a_timeout(pair: Pair, note: str) -> None:
    async with opened(pair.primary.dsn) as session:
        with pytest.raises(TimeoutError):
            await session.execute(INSERT, note, timeout=0.3)
        await session.fetchval("SELECT 1")


async def by_ending_the_session(pair: Pair, note: str) -> None:
    async with opened(pair.primary.dsn) as session, opened(pair.primary.superuser_dsn) as observer:
        pid = session.get_server_pid()
        task = await waiting(pair, session, note, write_simply)
        await observer.execute("SELECT pg_terminate_backend($1)", pid)
        assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], asyncpg.PostgresError)


async def by_closing_the_connection(pair: Pair, note: str) -> None:
    async with opened(pair.primary.dsn) as session:
        task = await waiting(pair, session, note, write_simply)
        await session.close(timeout=5)
        await asyncio.gather(task, return_exceptions=True)


async def by_a_restart(pair: Pair, note: str) -> None:
    async with opened(pair.primary.dsn) as session:
        task = await waiting(pair, session, note, write_simply)
        await pair.primary.kill()
        await asyncio.gather(task, return_exceptions=True)
    await pair.primary.start()


@pytest.mark.parametrize("give_up", [by_a_timeout, by_ending_the_session, by_closing_the_connection, by_a_restart])
async def test_what_the_service_avoids_makes_rows_visible_that_no_standby_has(
    pair: Pair, give_up: Callable[[Pair, str], Awaitable[None]]
) -> None:
    """The restart cannot be avoided: a recovery takes every COMMIT in the log for done."""
    note = pair.new_note()
    await give_up(pair, note)

    assert await pair.is_visible(note)
