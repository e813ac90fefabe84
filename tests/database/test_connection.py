"""What every session asks of a server, what it notices of a lost host, and what a cancelled caller leaves alone."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

import asyncpg
import pytest
from asyncpg.pool import PoolConnectionProxy

from orderlane.postgres import connection as connections
from orderlane.postgres.connection import ACQUIRE_SECONDS_MAX, Connection, committed, connect, open_pool, uncancelled
from tests.database.hosts import reached_over_network

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux drops packets by a socket's filter")

SECONDS_MAX = 10.0
BARRIER = 77

SLOW_COMMITS = f"""
    CREATE TABLE notes (text text);
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock({BARRIER});
        RETURN NULL;
    END
    $$;
    CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON notes DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION wait();
"""
"""Each COMMIT of a note waits until nobody holds the barrier."""


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[Connection]:
    session = await connect(dsn, "test")
    try:
        yield session
    finally:
        session.terminate()


@pytest.fixture
async def session(dsn: str) -> AsyncIterator[Connection]:
    async with opened(dsn) as connection:
        yield connection


@pytest.fixture
async def observer(dsn: str) -> AsyncIterator[Connection]:
    async with opened(dsn) as connection:
        yield connection


async def waits(observer: Connection, session_pid: int) -> None:
    """Return when the session's statement waits for the barrier."""
    async with asyncio.timeout(SECONDS_MAX):
        while not await observer.fetchval(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND locktype = 'advisory' AND NOT granted)", session_pid
        ):
            await asyncio.sleep(0.01)


async def notes(observer: Connection) -> list[str]:
    return [row["text"] for row in await observer.fetch("SELECT text FROM notes")]


async def note(session: Connection, text: str) -> None:
    async with committed(session):
        await session.execute("INSERT INTO notes VALUES ($1)", text)


async def test_a_server_gives_the_locks_of_a_lost_host_up_in_ten_seconds(dsn: str) -> None:
    async with reached_over_network(dsn) as (address, _), opened(address) as connection:
        rows = await connection.fetch("SELECT name, reset_val FROM pg_settings WHERE name LIKE 'tcp%'")

    limits = {row["name"]: int(row["reset_val"]) for row in rows}
    probing = limits["tcp_keepalives_interval"] * limits["tcp_keepalives_count"]
    assert 0 < limits["tcp_keepalives_idle"] + probing <= 10
    assert 0 < limits["tcp_user_timeout"] <= 10_000


@needs_linux
async def test_a_client_loses_a_silent_host_in_about_ten_seconds(dsn: str) -> None:
    async with reached_over_network(dsn) as (address, host), opened(address) as busy, opened(address) as idle:
        running = asyncio.create_task(busy.execute("SELECT pg_sleep(60)"))
        await asyncio.sleep(0)
        began = perf_counter()
        host.vanish()
        outcomes = await asyncio.gather(running, idle.execute("SELECT 1"), return_exceptions=True)
        seconds = perf_counter() - began

    assert all(isinstance(one, OSError | asyncpg.PostgresConnectionError) for one in outcomes), outcomes
    assert 5 < seconds < 15


async def test_the_server_ends_a_statement_that_takes_too_long(dsn: str) -> None:
    impatient = await connect(dsn, "test", statement_seconds_max=0.1)
    with pytest.raises(asyncpg.QueryCanceledError):
        await impatient.execute("SELECT pg_sleep(60)")
    impatient.terminate()


async def test_a_pool_for_reads_refuses_writes(dsn: str) -> None:
    async with await open_pool(dsn, "test", size_max=1, reads_only=True) as pool:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await pool.execute("CREATE TABLE notes (text text)")


async def test_a_pool_for_reads_gives_up_a_server_that_hangs(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "STATEMENT_SECONDS_MAX", 0.2)
    async with reached_over_network(dsn) as (address, host):
        pool = await open_pool(address, "test", size_max=1, reads_only=True)
        host.hang()
        with pytest.raises(TimeoutError):
            await pool.fetchval("SELECT 1")
        pool.terminate()


async def test_nobody_waits_for_ever_for_a_connection(dsn: str) -> None:
    async with await open_pool(dsn, "test", size_max=1) as pool, pool.acquire():
        assert pool.acquire().timeout == ACQUIRE_SECONDS_MAX
        with pytest.raises(TimeoutError):
            await pool.acquire(timeout=0.05)


async def test_a_block_is_committed_or_rolled_back(session: Connection, observer: Connection) -> None:
    await session.execute(SLOW_COMMITS)

    async def break_off() -> None:
        async with committed(session):
            await session.execute("INSERT INTO notes VALUES ('dropped')")
            raise ZeroDivisionError

    await note(session, "kept")
    with pytest.raises(ZeroDivisionError):
        await break_off()

    assert await notes(observer) == ["kept"]


async def test_the_error_of_a_block_is_raised_also_when_its_connection_is_lost(session: Connection) -> None:
    async def break_off() -> None:
        async with committed(session):
            session.terminate()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await break_off()


async def test_a_cancelled_caller_waits_for_its_commit(session: Connection, observer: Connection) -> None:
    await session.execute(SLOW_COMMITS)
    await observer.execute(f"SELECT pg_advisory_lock({BARRIER})")
    caller = asyncio.create_task(note(session, "kept"))
    await waits(observer, session.get_server_pid())

    caller.cancel()
    _, pending = await asyncio.wait({caller}, timeout=0.3)
    assert pending, "the caller gave its connection back before the COMMIT was done"
    await observer.execute(f"SELECT pg_advisory_unlock({BARRIER})")
    with pytest.raises(asyncio.CancelledError):
        await caller

    assert await notes(observer) == ["kept"]
    assert await session.fetchval("SELECT 1") == 1


async def test_a_cancelled_caller_waits_for_its_statement(session: Connection, observer: Connection) -> None:
    await session.execute(SLOW_COMMITS)
    await observer.execute(f"SELECT pg_advisory_lock({BARRIER})")
    caller = asyncio.create_task(uncancelled(session, session.execute("INSERT INTO notes VALUES ('kept')")))
    await waits(observer, session.get_server_pid())

    caller.cancel()
    await observer.execute(f"SELECT pg_advisory_unlock({BARRIER})")
    with pytest.raises(asyncio.CancelledError):
        await caller

    assert await notes(observer) == ["kept"]


@pytest.mark.parametrize("cancels", [1, 2])
async def test_a_commit_that_takes_too_long_costs_its_connection_and_goes_on(
    cancels: int, session: Connection, observer: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second cancel does not wait for the end of the time."""
    monkeypatch.setattr(connections, "CANCELLED_SECONDS_MAX", 0.2 if cancels == 1 else 60)
    await session.execute(SLOW_COMMITS)
    await observer.execute(f"SELECT pg_advisory_lock({BARRIER})")
    caller = asyncio.create_task(note(session, "kept"))
    session_pid = session.get_server_pid()
    await waits(observer, session_pid)

    for _ in range(cancels):
        caller.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await caller

    assert session.is_closed()
    await waits(observer, session_pid)
    await observer.execute(f"SELECT pg_advisory_unlock({BARRIER})")
    async with asyncio.timeout(SECONDS_MAX):
        while await notes(observer) != ["kept"]:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("in_pool", [False, True])
async def test_a_session_that_writes_never_sends_a_cancel_request(
    in_pool: bool, dsn: str, observer: Connection
) -> None:
    """Not even for a caller that took no care, such as one with a transaction of the driver."""
    async with await open_pool(dsn, "test", size_max=1) as pool, opened(dsn) as alone:
        session = await pool.acquire() if in_pool else alone
        session_pid = session.get_server_pid()
        await observer.execute(f"SELECT pg_advisory_lock({BARRIER})")
        caller = asyncio.create_task(session.execute(f"SELECT pg_advisory_xact_lock({BARRIER})"))
        await waits(observer, session_pid)

        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        await asyncio.sleep(0.2)
        await waits(observer, session_pid)
        await observer.execute(f"SELECT pg_advisory_unlock({BARRIER})")

        assert await session.fetchval("SELECT pg_backend_pid()") == session_pid
        if isinstance(session, PoolConnectionProxy):
            await pool.release(session)


async def test_closing_a_busy_session_sends_no_cancel_request(session: Connection, observer: Connection) -> None:
    session_pid = session.get_server_pid()
    await observer.execute(f"SELECT pg_advisory_lock({BARRIER})")
    caller = asyncio.create_task(session.execute(f"SELECT pg_advisory_xact_lock({BARRIER})"))
    await waits(observer, session_pid)

    with pytest.raises(TimeoutError):
        await session.close(timeout=0.2)
    await asyncio.gather(caller, return_exceptions=True)

    await waits(observer, session_pid)
