"""Heartbeats: how others learn that a process is frozen, and end its sessions so that their locks come free.

A frozen process (stopped, swapped out, on a paused machine) keeps its connections, and with them its advisory locks.
So each process has one thread that says every second, on a connection of its own, that its sessions are alive, however
busy the others are. Every process also judges: it ends the session of an owner that was silent for too long. It may be
the judge that is wrong, and a COMMIT that waits for a standby must not be ended, as that makes its rows visible. So a
session is ended only when

- its process was silent for the seconds of its role (`SILENT_SECONDS`),
- the session itself began and ended nothing in that time, and its server process waits for the client,
- the judge itself beat without a gap for as long.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, NamedTuple

import structlog

from orderlane.postgres.clock import DatabaseClock
from orderlane.postgres.connection import NOTIFY_OWNERSHIP, Connection, connect
from orderlane.postgres.ownership import ClaimRole
from orderlane.postgres.queries import queries
from orderlane.postgres.wakeups import notify

_SQL = queries("heartbeats")
_log = structlog.get_logger("orderlane.heartbeats")

BEAT_SECONDS: Final = 1.0
STATEMENT_SECONDS_MAX: Final = 5.0
STOP_SECONDS_MAX: Final = 5.0

SILENT_SECONDS: Final[Mapping[ClaimRole, float]] = MappingProxyType(
    {
        ClaimRole.LANES: 12.0,
        ClaimRole.GATEWAY_LANES: 12.0,
        ClaimRole.TIMERS: 12.0,
        ClaimRole.SUBSCRIPTIONS: 20.0,  # longer than a request of the sender may take: 15 seconds
    }
)
"""After how much silence a session of each role is ended."""

PROCESS: Final = "PROCESS"
"""The role of a heartbeat's own session, which each process has."""


class Session(NamedTuple):
    """One session of the server; a process id of the operating system alone is used again."""

    pid: int
    backend_start: datetime


class ProcessName(NamedTuple):
    """Who beats: an id that is new with each start, and the host that an operator looks for."""

    process_id: str
    host: str


class EndedSession(NamedTuple):
    """A session that was ended because its owner was silent."""

    pid: int
    role: str
    process_id: str
    host: str | None
    silence: timedelta


class Owner(NamedTuple):
    """A session that owns something, as the server and the heartbeats tell of it."""

    pid: int
    role: str
    process_id: str
    host: str | None
    silence: timedelta
    clock_difference: timedelta | None
    waits_for_standby: bool


class Heartbeat:
    """The thread that beats for the sessions of one process, keeps its clock, and ends the sessions of silent owners.

    Args:
        dsn: asked for the address at each connection: an embedded server may have moved.
        clock: corrected at each beat.
        name: who beats.
        beat_seconds: the time between two beats.
    """

    def __init__(
        self, dsn: Callable[[], str], clock: DatabaseClock, name: ProcessName, beat_seconds: float = BEAT_SECONDS
    ) -> None:
        self._dsn = dsn
        self._clock = clock
        self._name = name
        self._beat_seconds = beat_seconds
        self._sessions: Mapping[Session, str] = {}
        self._changing = threading.Lock()
        self._is_lost = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to beat; losing the database is survived."""
        self._thread.start()
        self._started.wait()

    def stop(self) -> None:
        """Beat no more; returns when the thread has ended, or could not within `STOP_SECONDS_MAX`."""
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS_MAX)

    async def register(self, connection: Connection, role: ClaimRole) -> Session:
        """Beat for a session from now on. It has to be registered before it claims anything.

        The first beat is made here, on the session itself: an owner that freezes right afterwards is noticed too.

        Raises:
            asyncpg.PostgresError: the server refuses.
            OSError, asyncpg.InterfaceError: the connection is lost.
        """
        session = await session_of(connection)
        await beat(connection, {session: role.name}, self._name, self._clock.difference)
        with self._changing:
            self._sessions = {**self._sessions, session: role.name}
        return session

    def unregister(self, session: Session) -> None:
        """Beat no more for a session, which is going to be closed."""
        with self._changing:
            self._sessions = {other: role for other, role in self._sessions.items() if other != session}

    def _run(self) -> None:
        asyncio.run(self._beat_until_stopped())

    async def _beat_until_stopped(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._started.set()
        beating = asyncio.create_task(self._beat_for_ever())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait((beating, stopping), return_when=asyncio.FIRST_COMPLETED)
        for task in (beating, stopping):
            task.cancel()
        await asyncio.gather(beating, stopping, return_exceptions=True)

    async def _beat_for_ever(self) -> None:
        while True:
            try:
                await self._beat_on_a_connection()
            except Exception as error:  # noqa: BLE001 - a thread that ended would leave every session silent
                self._lose(error)
            await asyncio.sleep(self._beat_seconds)

    def _lose(self, error: Exception) -> None:
        """Tell the log once; what follows is tried again every second."""
        if not self._is_lost:
            _log.warning("heartbeat_lost", error=repr(error), retry_in_seconds=self._beat_seconds)
        self._is_lost = True

    async def _beat_on_a_connection(self) -> None:
        connection = await connect(
            self._dsn(),
            "orderlane heartbeat",
            statement_seconds_max=STATEMENT_SECONDS_MAX,
            synchronous_commit="local",
        )
        try:
            own = await session_of(connection)
            while True:
                await self._beat(connection, own)
                await asyncio.sleep(self._beat_seconds)
        finally:
            connection.terminate()

    async def _beat(self, connection: Connection, own: Session) -> None:
        await self._clock.sample(connection)
        await beat(connection, {own: PROCESS, **self._sessions}, self._name, self._clock.difference)
        self._is_lost = False
        await end_silent(connection, SILENT_SECONDS)
        await connection.execute(_SQL["forget_gone"])


async def beats_for(heartbeat: Heartbeat | None, connection: Connection, role: ClaimRole) -> Callable[[], None]:
    """Register a session with the heartbeat of its process, if there is one; what ends that when the session closes.

    Raises:
        asyncpg.PostgresError: the server refuses.
        OSError, asyncpg.InterfaceError: the connection is lost.
    """
    if heartbeat is None:
        return lambda: None
    session = await heartbeat.register(connection, role)
    return lambda: heartbeat.unregister(session)


async def session_of(connection: Connection) -> Session:
    """Ask a connection which session of the server it is.

    Raises:
        asyncpg.PostgresError: the server refuses.
        OSError, asyncpg.InterfaceError: the connection is lost.
    """
    row = await connection.fetchrow(_SQL["session"])
    assert row is not None, "a session sees itself"
    return Session(row["pid"], row["backend_start"])


async def beat(
    connection: Connection, sessions: Mapping[Session, str], name: ProcessName, clock_difference: timedelta
) -> None:
    """Say that sessions, each with its role, are alive, in one statement.

    Raises:
        asyncpg.PostgresError: the server refuses, for example a standby.
        OSError, asyncpg.InterfaceError: the connection is lost.
    """
    pids, starts = [session.pid for session in sessions], [session.backend_start for session in sessions]
    difference_ms = round(clock_difference / timedelta(milliseconds=1))
    await connection.execute(_SQL["beat"], pids, starts, list(sessions.values()), *name, difference_ms)


async def end_silent(connection: Connection, seconds: Mapping[ClaimRole, float]) -> list[EndedSession]:
    """End the sessions of silent owners, as a heartbeat's own connection, which is the judge.

    Args:
        connection: a session that beats itself.
        seconds: of how much silence, by role; other roles are left alone.

    Raises:
        asyncpg.PostgresError: the server refuses.
        OSError, asyncpg.InterfaceError: the connection is lost.
    """
    roles = [role.name for role in seconds]
    rows = await connection.fetch(_SQL["end_silent"], roles, list(seconds.values()))
    ended = [EndedSession(*row) for row in rows]
    for session in ended:
        _log.warning(
            "silent_session_ended",
            pid=session.pid,
            role=session.role,
            process_id=session.process_id,
            host=session.host,
            silence_seconds=round(session.silence.total_seconds(), 3),
        )
    if ended:
        await notify(connection, [NOTIFY_OWNERSHIP])
    return ended


async def owners(connection: Connection) -> list[Owner]:
    """Every process and session that beats or should, the silent ones first; none on a standby.

    Raises:
        asyncpg.PostgresError: the server refuses.
        OSError, asyncpg.InterfaceError: the connection is lost.
    """
    if await connection.fetchval(_SQL["is_standby"]):
        return []
    return [Owner(*row) for row in await connection.fetch(_SQL["owners"])]
