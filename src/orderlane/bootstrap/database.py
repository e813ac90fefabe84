"""The database: found or started, brought up to date, and opened for commands."""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from urllib.parse import urlsplit

import asyncpg

from orderlane.ports.operations import Operations
from orderlane.ports.store import Store
from orderlane.postgres.connection import Pool, StatementCount, connect, open_pool
from orderlane.postgres.embedded import EmbeddedPostgres, EmbeddedPostgresError
from orderlane.postgres.embedded.folders import DataFolder
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.migrate import MigrationRefused, migrate
from orderlane.postgres.operations import PostgresOperations
from orderlane.postgres.store import PostgresStore
from orderlane.settings import Settings
from orderlane.sources import Sources

WATCH_SECONDS = 0.5
SERVER_VERSION_MIN = 15
CONNECT_SECONDS_MAX = 10.0
CLOSE_SECONDS_MAX = 5.0
COMMAND_CONNECTIONS_MAX = 2


class DatabaseRefused(Exception):
    """The database can't be used: says why, and what would help."""


DATABASE_REFUSALS = (DatabaseRefused, EmbeddedPostgresError, MigrationRefused)
"""Why there is no database to work with; each says in a sentence what would help."""


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
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """Find the database, or start the embedded one for as long as the block lasts.

    Raises:
        EmbeddedPostgresError: it does not start.
        DatabaseRefused: nothing answers at ORDERLANE_DATABASE_URL, or no PostgreSQL that can be used.
    """
    if settings.database_url is not None:
        await _check(settings.database_url)
        yield Database(settings.database_url)
        return
    async with EmbeddedPostgres(settings.data_dir, settings.postgres_bin) as server:
        yield Database(server.dsn, server)


@contextmanager
def only_service(settings: Settings) -> Iterator[None]:
    """Be the only whole service on the data folder; with a database of its own address there may be many.

    Raises:
        DatabaseRefused: another one runs there.
        EmbeddedPostgresError: the folder can't be used.
    """
    if settings.database_url is not None:
        yield
        return
    folder = DataFolder.at(settings.data_dir)
    folder.prepare()
    with (folder.path / "service.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatabaseRefused(
                f"another `orderlane serve` runs on {folder.path}: stop that one, or choose another --data-dir"
            ) from None
        yield


def has_data(settings: Settings) -> bool:
    """Whether there is a database to look at: a named one, or one in the data folder."""
    return settings.database_url is not None or (settings.data_dir.expanduser() / "postgresql").exists()


async def _check(url: str) -> None:
    shown = urlsplit(url)._replace(netloc=urlsplit(url).netloc.rpartition("@")[2]).geturl()
    try:
        async with asyncio.timeout(CONNECT_SECONDS_MAX):
            connection = await connect(url, "orderlane")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        reason = str(error) or f"no answer within {CONNECT_SECONDS_MAX:.0f} seconds"
        raise DatabaseRefused(f"ORDERLANE_DATABASE_URL: {shown} can't be used: {reason}") from error
    version = connection.get_server_version()
    await connection.close()
    if version.major < SERVER_VERSION_MIN:
        raise DatabaseRefused(
            f"ORDERLANE_DATABASE_URL: {shown} is PostgreSQL {version.major}, but must be {SERVER_VERSION_MIN} or newer"
        )


async def bring_up_to_date(database: Database, settings: Settings, sources: Sources) -> list[str]:
    """Apply the migrations that are missing; their names.

    Raises:
        MigrationRefused: the database belongs to a newer version.
        StoreUnavailable: it is gone.
    """
    with unavailable_on_loss():
        connection = await connect(database.dsn, "orderlane migrate")
        try:
            return await migrate(connection, settings.lane_count, sources.clock.now(), settings.currency)
        finally:
            await connection.close()


async def operations(database: Database) -> Operations:
    """What an operator asks. Raises StoreUnavailable."""
    return await PostgresOperations.open(database.dsn)


@asynccontextmanager
async def open_store(database: Database) -> AsyncIterator[Store]:
    """Units of work for a command. Raises StoreUnavailable."""
    async with opened_pool(database, "orderlane command", COMMAND_CONNECTIONS_MAX) as pool:
        yield PostgresStore(pool)


@asynccontextmanager
async def opened_pool(
    database: Database, name: str, size_max: int, size_min: int = 1, statements: StatementCount | None = None
) -> AsyncIterator[Pool]:
    """Connections for a while. Raises StoreUnavailable."""
    with unavailable_on_loss():
        pool = await open_pool(database.dsn, name, size_max=size_max, size_min=size_min, count=statements)
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
