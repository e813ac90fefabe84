"""The database: found or started, and sessions on it. Its schema is `bootstrap.schema`'s business."""

import asyncio
import fcntl
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from socket import gethostname
from typing import NamedTuple
from urllib.parse import urlsplit

import asyncpg

from orderlane.ports.operator import Operator
from orderlane.ports.store import Store
from orderlane.postgres.clock import DatabaseClock
from orderlane.postgres.connection import Pool, SessionsRefused, StatementCount, connect, open_pool
from orderlane.postgres.embedded import EmbeddedPostgres, EmbeddedPostgresError
from orderlane.postgres.embedded.folders import DataFolder
from orderlane.postgres.faults import LOSSES, unavailable_on_loss
from orderlane.postgres.heartbeats import Heartbeat, ProcessName
from orderlane.postgres.migrate import MigrationRefused
from orderlane.postgres.operator import PostgresOperator
from orderlane.postgres.ownership import prove_advisory_locks
from orderlane.postgres.store import PostgresStore
from orderlane.settings import Settings
from orderlane.sources import Sources

WATCH_SECONDS = 0.5
SERVER_VERSION_MIN = 15
CONNECT_SECONDS_MAX = 10.0
CLOSE_SECONDS_MAX = 2.0
COMMAND_CONNECTIONS_MAX = 2


class DatabaseRefused(Exception):
    """The database cannot be used: says why, and what would help."""


class DatabaseAway(DatabaseRefused):
    """Nothing that takes writes answers at the database's address for now: waiting may help."""


_AWAY = (*LOSSES, asyncpg.TargetServerAttributeNotMatched)
"""What says that the server is down, starting, in recovery or a standby. Its host's name may not be known yet."""

_MISCONFIGURED = (PermissionError, ssl.SSLCertVerificationError)
"""What looks like a lost connection, and does not go away by waiting."""

_CREDENTIALS = ("user=", "password=", "sslpassword=")

DATABASE_REFUSALS = (DatabaseRefused, EmbeddedPostgresError, MigrationRefused)
"""Why there is no database to work with; each says in a sentence what would help."""


class ProcessBeats(NamedTuple):
    """What a process has while it runs on a database: the beats for its sessions, and the database's clock."""

    heartbeat: Heartbeat
    clock: DatabaseClock


class Database:
    """The PostgreSQL of the service: the one of ORDERLANE_DATABASE_URL, or the embedded one of the data folder."""

    def __init__(self, url: str, server: EmbeddedPostgres | None = None) -> None:
        self._url = url
        self._server = server

    @property
    def dsn(self) -> str:
        """Where it is now."""
        return self._server.dsn if self._server is not None else self._url

    async def run(self, stop: asyncio.Event) -> None:
        """See to it that the embedded server runs, whoever started it: takes over when that program has died.

        Raises:
            EmbeddedPostgresError: it does not start again.
        """
        if self._server is None:
            return
        watching = asyncio.create_task(_keep_server(self._server))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((watching, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _keep_server(server: EmbeddedPostgres) -> None:
    while True:
        if server.is_owner:
            await server.keep_running()
        await asyncio.sleep(WATCH_SECONDS)
        await server.start()


@asynccontextmanager
async def open_database(settings: Settings, *, owns: bool = False) -> AsyncIterator[Database]:
    """Find the database, or start the embedded one for as long as the block lasts.

    Args:
        settings: where it is.
        owns: whether the program owns lanes or migrates: then the advisory locks of the server are proven, which takes
            about 40 ms.

    Raises:
        EmbeddedPostgresError: it does not start.
        DatabaseAway: nothing that takes connections answers at ORDERLANE_DATABASE_URL.
        DatabaseRefused: no PostgreSQL that can be used does.
    """
    if settings.database_url is not None:
        await _check(settings.database_url, owns=owns)
        yield Database(settings.database_url)
        return
    async with EmbeddedPostgres(settings.data_dir, settings.postgres_bin, settings.postgres_user) as server:
        yield Database(server.dsn, server)


@asynccontextmanager
async def open_existing(settings: Settings) -> AsyncIterator[Database]:
    """The database of a command that makes none: it must be there, with whatever schema.

    Raises:
        EmbeddedPostgresError: the embedded one does not start.
        DatabaseRefused: there is none, or it cannot be used.
    """
    if not has_data(settings):
        raise DatabaseRefused(
            f"there is no Orderlane in {settings.data_dir}: name its folder with --data-dir, or start one with"
            " `orderlane serve`"
        )
    async with open_database(settings) as database:
        yield database


@contextmanager
def only_service(settings: Settings) -> Iterator[None]:
    """Be the only whole service on the data folder; with a database of its own address there may be many.

    Raises:
        DatabaseRefused: another one runs there.
        EmbeddedPostgresError: the folder cannot be used.
    """
    if settings.database_url is not None:
        yield
        return
    folder = DataFolder.at(settings.data_dir)
    folder.prepare()
    with folder.open_to_write(folder.path / "service.lock") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatabaseRefused(
                f"another `orderlane serve` runs on {folder.path}: stop that one, or choose another --data-dir"
            ) from None
        yield


def has_data(settings: Settings) -> bool:
    """Whether there is a database to look at: a named one, or one in the data folder.

    Raises:
        EmbeddedPostgresError: this program's account may not look into the folder, or it is no folder.
    """
    return settings.database_url is not None or DataFolder.at(settings.data_dir).has_cluster()


async def _check(url: str, *, owns: bool) -> None:
    """See that the address leads to a PostgreSQL that can be used.

    Raises:
        DatabaseAway: nothing takes connections there.
        DatabaseRefused: it does not; the reason never shows the password.
    """
    shown = _without_credentials(url)
    try:
        async with asyncio.timeout(CONNECT_SECONDS_MAX):
            major = await _server_version(url)
            if owns and major >= SERVER_VERSION_MIN:
                await prove_advisory_locks(url)
    except (*_AWAY, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError, SessionsRefused) as error:
        reason = str(error) or f"no answer within {CONNECT_SECONDS_MAX:.0f} seconds"
        refusal = DatabaseAway if _is_away(error) else DatabaseRefused
        raise refusal(f"ORDERLANE_DATABASE_URL: {shown} cannot be used: {reason}") from error
    if major < SERVER_VERSION_MIN:
        raise DatabaseRefused(
            f"ORDERLANE_DATABASE_URL: {shown} is PostgreSQL {major}, but must be {SERVER_VERSION_MIN} or newer"
        )


def _without_credentials(url: str) -> str:
    """The address as it may be shown: without user and password, which may stand in the query too."""
    parts = urlsplit(url)
    query = "&".join(pair for pair in parts.query.split("&") if not pair.startswith(_CREDENTIALS))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{'?' if query else ''}{query}"


def _is_away(error: Exception) -> bool:
    """Whether waiting may help; a bare ConnectionError is the driver's for a server that offers no TLS."""
    return isinstance(error, _AWAY) and not isinstance(error, _MISCONFIGURED) and type(error) is not ConnectionError


async def _server_version(url: str) -> int:
    connection = await connect(url, "orderlane")
    try:
        return connection.get_server_version().major
    finally:
        await connection.close()


@asynccontextmanager
async def beating(database: Database, sources: Sources) -> AsyncIterator[ProcessBeats]:
    """Beat for the sessions of this process, and keep the database's clock, for as long as the block lasts.

    Raises:
        StoreUnavailable: the database is lost.
    """
    with unavailable_on_loss():
        connection = await connect(database.dsn, "orderlane clock")
        try:
            clock = await DatabaseClock.open(connection)
        finally:
            await connection.close()
    name = ProcessName(sources.ids.new_id(), gethostname())
    heartbeat = Heartbeat(lambda: database.dsn, clock, name)
    heartbeat.start()
    try:
        yield ProcessBeats(heartbeat, clock)
    finally:
        heartbeat.stop()


@asynccontextmanager
async def open_operator(database: Database, *, reads_only: bool) -> AsyncIterator[Operator]:
    """What an operator asks. Raises StoreUnavailable."""
    operator = await PostgresOperator.open(database.dsn, reads_only=reads_only)
    try:
        yield operator
    finally:
        await operator.close()


@asynccontextmanager
async def open_store(database: Database, *, reads_only: bool = False) -> AsyncIterator[Store]:
    """Units of work for a command. Raises StoreUnavailable."""
    async with opened_pool(database, "orderlane command", COMMAND_CONNECTIONS_MAX, reads_only=reads_only) as pool:
        store = await PostgresStore.open(pool)
        yield store
        await store.close()


@asynccontextmanager
async def opened_pool(
    database: Database,
    name: str,
    size_max: int,
    size_min: int = 1,
    statements: StatementCount | None = None,
    *,
    reads_only: bool = False,
) -> AsyncIterator[Pool]:
    """Connections for a while. Raises StoreUnavailable."""
    with unavailable_on_loss():
        pool = await open_pool(
            database.dsn, name, size_max=size_max, size_min=size_min, count=statements, reads_only=reads_only
        )
    try:
        yield pool
    finally:
        await _close(pool)


async def _close(pool: Pool) -> None:
    """Let what runs finish, but not for ever: a lost server's connections are cut."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            await pool.close()
    except (TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        pool.terminate()
