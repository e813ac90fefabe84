"""Connections to PostgreSQL: what every session asks of its server, and how a COMMIT is kept from being cancelled.

A COMMIT that waits for a synchronous standby must never be cancelled: a cancel request ends the wait, and makes rows
visible that no standby has. The driver sends one whenever a statement's caller is cancelled or its time is up, and when
a busy connection is closed. So sessions that write never send any: a statement whose caller is gone runs to its end,
and the server itself limits how long that may take, up to the commit. A session that reads only has a timeout too.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import asyncpg
from asyncpg.pool import PoolAcquireContext, PoolConnectionProxy
from asyncpg.transaction import Transaction

from orderlane.postgres.queries import queries

Connection = asyncpg.Connection | PoolConnectionProxy
Pool = asyncpg.Pool
ResultT = TypeVar("ResultT")

_SQL = queries("connection")

STATEMENT_SECONDS_MAX: Final = 30.0
CONNECT_SECONDS_MAX: Final = 10.0
ACQUIRE_SECONDS_MAX: Final = 30.0
"""How long a caller waits for a free connection of a pool: those of others may wait for a standby."""
CANCELLED_SECONDS_MAX: Final = 5.0
"""How long a COMMIT whose caller was cancelled may take, before its connection is closed without a cancel request."""
CLOSE_SECONDS_MAX: Final = 2.0
"""How long a session may take to end what runs and say goodbye, before its connection is closed."""

DIRECT: Final = "connect to PostgreSQL itself, or to a pooler in session mode that passes every setting on"

_POOLER_ANSWERS: Final = (
    asyncpg.ProtocolViolationError,
    asyncpg.DuplicatePreparedStatementError,
    asyncpg.InvalidSQLStatementNameError,
)

_POOL_QUERIES_MAX = 50_000

_READS_ONLY: Final = {"default_transaction_read_only": "on"}
"""The setting of a session of which the server refuses every write."""

_GONE_HOST: Final = {
    "tcp_keepalives_idle": "4",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "2",
    "tcp_user_timeout": "10000",
}
"""Has the server end, within about 10 seconds, the session of a host that lost power or its network without a word. By
default that takes two hours, in which its advisory locks, and with them its lanes, are nobody else's."""

_GONE_SERVER: Final = (
    ("TCP_KEEPIDLE", 4),
    ("TCP_KEEPALIVE", 4),  # the same, as macOS calls it
    ("TCP_KEEPINTVL", 2),
    ("TCP_KEEPCNT", 2),
    ("TCP_USER_TIMEOUT", 10_000),
)
"""The same for the other side: the client loses a server's host that no longer answers, in about 10 seconds."""

NOTIFY_INBOX = "orderlane_inbox"
NOTIFY_OUTBOX = "orderlane_outbox"
NOTIFY_EVENTS = "orderlane_events"
NOTIFY_SUBSCRIPTIONS = "orderlane_subscriptions"
NOTIFY_OWNERSHIP = "orderlane_ownership"


class SessionsRefused(Exception):
    """The database address does not lead to sessions that can own lanes: says why."""


@dataclass(slots=True)
class StatementCount:
    """How many statements a process has sent; `observe` is told of each."""

    total: int = 0

    def observe(self, _: object) -> None:
        """Count one."""
        self.total += 1


class ReadingConnection(asyncpg.Connection):
    """A connection that notices when its server's host is gone."""

    def __init__(self, protocol: Any, transport: Any, *details: Any) -> None:
        super().__init__(protocol, transport, *details)
        watch_host(transport.get_extra_info("socket"))


class WritingConnection(ReadingConnection):
    """A connection that never sends a cancel request.

    The driver takes every statement to be cancelled when it has asked for it, and gives the connection to nobody else
    before the server has answered. Here it only does not ask.
    """

    def _cancel_current_command(self, waiter: asyncio.Future[None], *_: object) -> None:
        waiter.set_result(None)


class _Pool(asyncpg.Pool):
    """A pool for whose connections nobody waits for ever."""

    def acquire(self, *, timeout: float | None = ACQUIRE_SECONDS_MAX) -> PoolAcquireContext:
        return super().acquire(timeout=timeout)


def watch_host(connected: socket.socket | None) -> None:
    """Have the operating system end a TCP connection whose other host no longer answers; leave other sockets alone."""
    if connected is None or connected.family not in (socket.AF_INET, socket.AF_INET6):
        return
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _GONE_SERVER:
        if hasattr(socket, name):
            connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


async def connect(
    dsn: str,
    application_name: str,
    count: StatementCount | None = None,
    *,
    statement_seconds_max: float | None = STATEMENT_SECONDS_MAX,
    reads_only: bool = False,
    **settings: str,
) -> Connection:
    """Open one connection, named for whoever looks at the server's sessions.

    Args:
        dsn: where the database is.
        application_name: what the session is called.
        count: told of each statement.
        statement_seconds_max: when the server ends a statement, None for never. The wait of a COMMIT does not count.
        reads_only: whether the server refuses every write of the session.
        settings: further settings of the session.

    Raises:
        SessionsRefused: a pooler is in between that does not serve a whole session.
        asyncpg.PostgresError: the server refuses.
        OSError: nobody answers.
    """
    with poolers_refused():
        connection = await asyncpg.connect(
            dsn,
            timeout=CONNECT_SECONDS_MAX,
            connection_class=WritingConnection,
            server_settings=_settings(application_name, statement_seconds_max)
            | (_READS_ONLY if reads_only else {})
            | settings,
        )
        try:
            await _prepare(connection, count)
        except BaseException:
            connection.terminate()
            raise
    return connection


@contextmanager
def poolers_refused() -> Iterator[None]:
    """Translate what a pooler in transaction or statement mode answers to a session of the driver.

    Raises:
        SessionsRefused: it does not pass settings on, or the prepared statements of one client reach another.
    """
    try:
        yield
    except _POOLER_ANSWERS as error:
        raise SessionsRefused(f"it does not serve a whole session ({error}): {DIRECT}") from error
    except asyncpg.ConnectionDoesNotExistError as loss:
        if not isinstance(loss.__cause__, _POOLER_ANSWERS):
            raise
        raise SessionsRefused(f"it does not serve a whole session ({loss.__cause__}): {DIRECT}") from loss


async def open_pool(
    dsn: str,
    application_name: str,
    *,
    size_max: int,
    size_min: int = 1,
    count: StatementCount | None = None,
    reads_only: bool = False,
) -> Pool:
    """Open a pool whose connections stay open, and are not reset between uses: nothing here changes a session's state.

    `reads_only` refuses every write, and gives a statement up that gets no answer within `STATEMENT_SECONDS_MAX`.
    Otherwise the server does that, and a COMMIT may wait for as long as its standby is missing; then callers who find
    no free connection get a TimeoutError after `ACQUIRE_SECONDS_MAX`.

    Raises:
        asyncpg.PostgresError: the server refuses.
        OSError: nobody answers.
    """

    async def prepare(connection: asyncpg.Connection) -> None:
        await _prepare(connection, count)

    settings = _settings(application_name, STATEMENT_SECONDS_MAX)
    pool = _Pool(
        dsn,
        min_size=size_min,
        max_size=size_max,
        max_queries=_POOL_QUERIES_MAX,
        max_inactive_connection_lifetime=0,
        setup=None,
        init=prepare,
        reset=_keep,
        loop=None,
        connection_class=ReadingConnection if reads_only else WritingConnection,
        record_class=asyncpg.Record,
        timeout=CONNECT_SECONDS_MAX,
        command_timeout=STATEMENT_SECONDS_MAX if reads_only else None,
        server_settings=settings | _READS_ONLY if reads_only else settings,
    )
    await pool
    return pool


@asynccontextmanager
async def committed(connection: Connection) -> AsyncIterator[None]:
    """A transaction whose COMMIT is never cancelled: it is done when the block ends, or its connection is closed.

    A caller that is cancelled during the COMMIT waits for it, at most `CANCELLED_SECONDS_MAX`; then the connection is
    closed, and nobody knows the outcome. An error in the block rolls the transaction back.

    Raises:
        asyncpg.PostgresError: the transaction is not committed.
        OSError, asyncpg.InterfaceError: the connection is lost. During the COMMIT, nobody knows its outcome.
    """
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    except BaseException:
        await _roll_back(connection, transaction)
        raise
    await uncancelled(connection, transaction.commit())


async def _roll_back(connection: Connection, transaction: Transaction) -> None:
    """End a transaction that failed; the error that made it fail is the one to be raised, not what follows from it."""
    try:
        await transaction.rollback()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
        connection.terminate()


async def uncancelled(connection: Connection, statement: Awaitable[ResultT]) -> ResultT:
    """Await a statement that writes, and commits by itself, on a connection; its result.

    A caller that is cancelled waits for its end, at most `CANCELLED_SECONDS_MAX`; then the connection is closed, which
    a server that waits for its standby does not notice.

    Raises:
        asyncpg.PostgresError: the statement failed.
        OSError, asyncpg.InterfaceError: the connection is lost, and nobody knows the outcome.
    """
    task = asyncio.ensure_future(statement)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await _end(connection, task)
        raise


async def _end(connection: Connection, task: asyncio.Future[Any]) -> None:
    """Wait for a statement that nobody waits for any more; close its connection if that takes too long."""
    task.add_done_callback(_ignore_outcome)
    try:
        await asyncio.wait({task}, timeout=CANCELLED_SECONDS_MAX)
    finally:
        if not task.done():
            connection.terminate()


async def close_session(connection: Connection) -> None:
    """End a session: politely, or after `CLOSE_SECONDS_MAX` by closing its connection without a cancel request.

    Raises:
        asyncpg.PostgresError: the server refuses.
        OSError, asyncpg.InterfaceError: the connection is lost.
    """
    try:
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            await connection.close()
    except TimeoutError:
        connection.terminate()


def _ignore_outcome(task: asyncio.Future[Any]) -> None:
    """Tell asyncio that nobody is to be told of an error."""
    if not task.cancelled():
        task.exception()


async def _prepare(connection: asyncpg.Connection, count: StatementCount | None) -> None:
    """Have the driver learn the array types now, 10 to 20 ms, and not in front of the first caller who waits."""
    await connection.prepare(_SQL["array_types"])
    if count is not None:
        connection.add_query_logger(count.observe)


async def _keep(_: object) -> None:
    return None


def _settings(application_name: str, statement_seconds_max: float | None) -> dict[str, str]:
    """Every statement has its index: one that is planned while a table is empty must not scan it when it is large."""
    return {
        "application_name": application_name,
        "timezone": "UTC",
        "jit": "off",
        "enable_seqscan": "off",
        "statement_timeout": str(round((statement_seconds_max or 0) * 1000)),
        **_GONE_HOST,
    }
