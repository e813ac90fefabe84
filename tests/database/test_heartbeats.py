"""Who is silent loses its sessions, and only then: a judge that is wrong would end the work of a healthy owner."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from types import MappingProxyType

import pytest

from orderlane.postgres import heartbeats
from orderlane.postgres.clock import DatabaseClock
from orderlane.postgres.connection import Connection, connect
from orderlane.postgres.heartbeats import (
    PROCESS,
    Heartbeat,
    ProcessName,
    Session,
    beat,
    end_silent,
    owners,
    session_of,
)
from orderlane.postgres.ownership import ClaimRole, Claims, owned_keys
from orderlane.sources import system_sources
from tests.database.development import move_business_time

SECONDS_MAX = 10.0
QUICK = 0.05
PATIENCE = 0.4
LIMITS = MappingProxyType({ClaimRole.LANES: PATIENCE})
NONE = timedelta(0)

NewSession = Callable[[], Awaitable[Connection]]


def name(host: str = "here") -> ProcessName:
    return ProcessName(system_sources().ids.new_id(), host)


@pytest.fixture
async def new_session(dsn: str) -> AsyncIterator[NewSession]:
    async with AsyncExitStack() as stack:

        async def make() -> Connection:
            session = await connect(dsn, "test")
            stack.callback(session.terminate)
            return session

        yield make


@asynccontextmanager
async def beating(dsn: str, host: str = "here") -> AsyncIterator[Heartbeat]:
    connection = await connect(dsn, "test")
    heartbeat = Heartbeat(lambda: dsn, await DatabaseClock.open(connection), name(host), QUICK)
    connection.terminate()
    heartbeat.start()
    try:
        yield heartbeat
    finally:
        heartbeat.stop()


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(SECONDS_MAX):
        while not await condition():
            await asyncio.sleep(0.01)


class Judge:
    """A session that has been beating for long enough, or not."""

    def __init__(self, connection: Connection, session: Session) -> None:
        self.connection = connection
        self.session = session

    @classmethod
    async def on(cls, connection: Connection) -> "Judge":
        judge = cls(connection, await session_of(connection))
        await judge.beat()
        return judge

    async def beat(self) -> None:
        await beat(self.connection, {self.session: PROCESS}, name("judge"), NONE)

    async def listen(self, seconds: float) -> None:
        """Beat for so long, while others may be silent."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            await asyncio.sleep(QUICK)
            await self.beat()

    async def end(self) -> set[int]:
        return {ended.pid for ended in await end_silent(self.connection, LIMITS)}


async def silent_owner(session: Connection, role: ClaimRole = ClaimRole.LANES) -> int:
    """Let a session beat once, and never again."""
    await beat(session, {await session_of(session): role.name}, name("frozen"), NONE)
    return session.get_server_pid()


async def is_gone(observer: Connection, pid: int) -> bool:
    return not await observer.fetchval("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1)", pid)


async def test_a_registered_session_beats_at_once_and_on(dsn: str, new_session: NewSession) -> None:
    session, observer = await new_session(), await new_session()
    async with beating(dsn) as heartbeat:
        registered = await heartbeat.register(session, ClaimRole.LANES)
        (first,) = [owner for owner in await owners(observer) if owner.role == "LANES"]
        await asyncio.sleep(2 * QUICK)

        async def has_beaten_again() -> bool:
            (later,) = [owner for owner in await owners(observer) if owner.role == "LANES"]
            rows = await observer.fetchval("SELECT beat_at - beating_since FROM heartbeats WHERE role = 'LANES'")
            return later.silence < first.silence + timedelta(seconds=QUICK) and rows > NONE

        await until(has_beaten_again)

    assert registered.pid == first.pid == session.get_server_pid()
    assert (first.host, first.waits_for_standby) == ("here", False)
    assert first.clock_difference is not None
    assert abs(first.clock_difference) < timedelta(seconds=1)


async def test_each_process_has_a_row_of_its_own(dsn: str, new_session: NewSession) -> None:
    observer = await new_session()
    async with beating(dsn, "one"), beating(dsn, "other"):

        async def both_beat() -> bool:
            return {owner.host for owner in await owners(observer) if owner.role == PROCESS} == {"one", "other"}

        await until(both_beat)


async def test_a_busy_event_loop_beats_on(dsn: str, new_session: NewSession) -> None:
    session, observer = await new_session(), await new_session()
    async with beating(dsn) as heartbeat:
        await heartbeat.register(session, ClaimRole.LANES)
        time.sleep(0.5)  # noqa: ASYNC251 - a decision that takes long
        silence = await observer.fetchval("SELECT clock_timestamp() - beat_at FROM heartbeats WHERE role = 'LANES'")

    assert silence < timedelta(seconds=0.4)


async def test_a_heartbeat_corrects_its_clock(dsn: str, new_session: NewSession) -> None:
    session = await new_session()
    await move_business_time(session, "1 day")
    clock = await DatabaseClock.open(session)
    heartbeat = Heartbeat(lambda: dsn, clock, name(), QUICK)
    heartbeat.start()
    await move_business_time(session, "2 days")

    async def is_two_days_ahead() -> bool:
        return clock.business_now() - clock.now() > timedelta(days=1.9)

    await until(is_two_days_ahead)
    heartbeat.stop()


async def test_a_session_that_is_gone_is_forgotten(dsn: str, new_session: NewSession) -> None:
    session, observer = await new_session(), await new_session()
    async with beating(dsn) as heartbeat:
        await heartbeat.register(session, ClaimRole.LANES)
        session.terminate()

        async def is_forgotten() -> bool:
            return not await observer.fetchval("SELECT EXISTS (SELECT FROM heartbeats WHERE role = 'LANES')")

        await until(is_forgotten)


async def test_an_unregistered_session_falls_silent(dsn: str, new_session: NewSession) -> None:
    session, observer = await new_session(), await new_session()
    async with beating(dsn) as heartbeat:
        heartbeat.unregister(await heartbeat.register(session, ClaimRole.LANES))

        async def is_silent() -> bool:
            return any(
                owner.role == "LANES" and owner.silence.total_seconds() > 0.3 for owner in await owners(observer)
            )

        await until(is_silent)


async def test_a_heartbeat_connects_again_and_fills_an_emptied_table(dsn: str, new_session: NewSession) -> None:
    """After a crash of the server an unlogged table is empty."""
    session, observer = await new_session(), await new_session()
    async with beating(dsn) as heartbeat:
        await heartbeat.register(session, ClaimRole.LANES)
        await observer.execute("TRUNCATE heartbeats")
        lost = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE '%heartbeat'"
        assert await observer.fetchval(f"{lost} AND datname = current_database()") == 1

        async def both_are_back() -> bool:
            return {owner.role for owner in await owners(observer)} == {"LANES", PROCESS}

        await until(both_are_back)


async def test_a_heartbeat_without_a_database_stops_all_the_same(dsn: str, new_session: NewSession) -> None:
    clock = await DatabaseClock.open(await new_session())
    heartbeat = Heartbeat(lambda: "postgresql://nobody@127.0.0.1:1/none", clock, name(), QUICK)
    heartbeat.start()
    await asyncio.sleep(2 * QUICK)
    heartbeat.stop()

    assert not heartbeat._thread.is_alive()


async def test_the_session_of_a_silent_owner_is_ended_and_its_locks_are_free(new_session: NewSession) -> None:
    owner, judge = await new_session(), await Judge.on(await new_session())
    claims = Claims(owner, ClaimRole.LANES)
    await claims.redistribute([0, 1])
    pid = await silent_owner(owner)

    await judge.listen(PATIENCE / 2)
    assert await judge.end() == set()
    await judge.listen(PATIENCE)
    assert await judge.end() == {pid}

    assert await is_gone(judge.connection, pid)
    assert await owned_keys(judge.connection, ClaimRole.LANES) == frozenset()


async def test_a_silent_owner_is_ended_within_its_open_transaction(new_session: NewSession) -> None:
    owner, judge = await new_session(), await Judge.on(await new_session())
    pid = await silent_owner(owner)
    await owner.execute("BEGIN")
    await owner.execute("UPDATE lanes SET position = position + 1 WHERE lane = 0")

    await judge.listen(1.5 * PATIENCE)
    assert await judge.end() == {pid}


async def test_a_heartbeat_ends_silent_owners_by_itself(
    dsn: str, new_session: NewSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeats, "SILENT_SECONDS", LIMITS)
    owner, other = await new_session(), await new_session()
    pid = await silent_owner(owner)
    hinted = asyncio.Event()
    claims = Claims(other, ClaimRole.LANES, hinted.set)
    async with beating(dsn) as heartbeat:
        await heartbeat.register(other, ClaimRole.LANES)
        await claims.redistribute([0])
        hinted.clear()
        async with asyncio.timeout(SECONDS_MAX):
            await hinted.wait()

    assert await is_gone(other, pid)


async def test_an_owner_that_works_is_not_ended_though_it_does_not_beat(new_session: NewSession) -> None:
    """Its heartbeat may find no free connection; that is no reason to end its work."""
    owner, judge = await new_session(), await Judge.on(await new_session())
    await silent_owner(owner)

    await judge.listen(1.5 * PATIENCE)
    await owner.execute("SELECT 1")

    assert await judge.end() == set()


async def test_an_owner_whose_statement_runs_is_not_ended(new_session: NewSession) -> None:
    """It might be a COMMIT that waits for something else, and for its standby right afterwards."""
    owner, judge, blocker = await new_session(), await Judge.on(await new_session()), await new_session()
    await blocker.execute("SELECT pg_advisory_lock(1)")
    await silent_owner(owner)
    waiting = asyncio.create_task(owner.execute("SELECT pg_advisory_lock(1)"))

    await judge.listen(1.5 * PATIENCE)
    assert await judge.end() == set()

    await blocker.execute("SELECT pg_advisory_unlock(1)")
    await waiting


async def test_a_judge_with_a_gap_of_its_own_ends_nobody(new_session: NewSession) -> None:
    """It may be the judge, or the whole machine, that was frozen."""
    owner, judge = await new_session(), await Judge.on(await new_session())
    pid = await silent_owner(owner)
    await judge.listen(1.5 * PATIENCE)
    gap = "UPDATE heartbeats SET beat_at = beat_at - interval '4 seconds' WHERE pid = pg_backend_pid()"

    await judge.connection.execute(gap)
    assert await judge.end() == set()
    await judge.beat()
    assert await judge.end() == set()
    await judge.listen(1.5 * PATIENCE)
    assert await judge.end() == {pid}


async def test_a_session_that_does_not_beat_ends_nobody(new_session: NewSession) -> None:
    owner, other = await new_session(), await new_session()
    await silent_owner(owner)
    await asyncio.sleep(1.5 * PATIENCE)

    assert await end_silent(other, LIMITS) == []


async def test_other_roles_have_patience_of_their_own(new_session: NewSession) -> None:
    owner, judge = await new_session(), await Judge.on(await new_session())
    await silent_owner(owner, ClaimRole.SUBSCRIPTIONS)

    await judge.listen(1.5 * PATIENCE)

    assert await judge.end() == set()


async def test_the_next_session_with_the_same_process_id_is_not_ended(new_session: NewSession) -> None:
    owner, judge = await new_session(), await Judge.on(await new_session())
    await silent_owner(owner)
    await judge.connection.execute(
        "UPDATE heartbeats SET backend_start = backend_start - interval '1 day' WHERE role = 'LANES'"
    )

    await judge.listen(1.5 * PATIENCE)

    assert await judge.end() == set()


def test_a_sender_is_never_ended_while_its_request_may_run() -> None:
    request_seconds_max = 15

    assert heartbeats.SILENT_SECONDS[ClaimRole.SUBSCRIPTIONS] > request_seconds_max
    assert set(heartbeats.SILENT_SECONDS) == set(ClaimRole)
