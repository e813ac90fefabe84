"""The schema of the database: the one place that decides who migrates it, and who refuses another one.

What serves, and `orderlane migrate`, opens the database by `open_migrated`. Every other command opens it by
`open_up_to_date`, which creates and changes nothing.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from orderlane.bootstrap.database import Database, DatabaseRefused, open_database, open_existing
from orderlane.postgres.connection import Connection, close_session, connect
from orderlane.postgres.epochs import ensure_epoch
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.migrate import NewInstallation, migrate, migrations_due
from orderlane.postgres.venues import register_venues
from orderlane.settings import Settings
from orderlane.sources import Sources


@asynccontextmanager
async def open_migrated(settings: Settings, sources: Sources) -> AsyncIterator[tuple[Database, list[str]]]:
    """The database with the schema of this version, which is created or migrated; and the migrations applied for it.

    Raises:
        EmbeddedPostgresError: the embedded one does not start.
        DatabaseAway: nothing that takes connections answers at ORDERLANE_DATABASE_URL.
        DatabaseRefused: no PostgreSQL that can be used does.
        MigrationRefused: the database belongs to a newer version.
        StoreUnavailable: the database is lost meanwhile, or is a standby.
    """
    async with open_database(settings, owns=True) as database:
        yield database, await _bring_up_to_date(database, settings, sources)


@asynccontextmanager
async def open_up_to_date(settings: Settings) -> AsyncIterator[Database]:
    """The database of a command that does not migrate: it must be there and have the schema of this version.

    Raises:
        EmbeddedPostgresError: the embedded one does not start.
        DatabaseRefused: there is none, it cannot be used, or migrations are due.
        MigrationRefused: the database belongs to a newer version.
        StoreUnavailable: it is lost meanwhile.
    """
    async with open_existing(settings) as database:
        if due := await names_due(database):
            raise DatabaseRefused(
                f"the database does not have the schema of this version, {', '.join(due)} is due: back it up, then"
                " apply what is due with `orderlane migrate`"
            )
        yield database


async def names_due(database: Database) -> list[str]:
    """The names of the migrations that the database lacks; changes nothing.

    Raises:
        MigrationRefused: the database belongs to a newer version.
        DatabaseRefused: the role may not look.
        StoreUnavailable: the database is lost.
    """
    async with _session(database, reads_only=True) as connection:
        return [migration.name for migration in await migrations_due(connection)]


async def _bring_up_to_date(database: Database, settings: Settings, sources: Sources) -> list[str]:
    """Apply the migrations that are missing, and add the venues that are; the names of the migrations.

    Raises:
        MigrationRefused: the database belongs to a newer version.
        DatabaseRefused: the role may not create tables.
        StoreUnavailable: it is gone.
    """
    async with _session(database) as connection:
        installation = NewInstallation(
            lane_count=settings.lane_count,
            currency=settings.currency,
            is_development=settings.development,
        )
        applied = await migrate(connection, installation, sources.clock.now())
        venues = [choice.name for choice in settings.venues]
        await register_venues(connection, venues, sources.ids.new_id, sources.clock.now())
        await ensure_epoch(connection)
        return applied


@asynccontextmanager
async def _session(database: Database, *, reads_only: bool = False) -> AsyncIterator[Connection]:
    """A session to look at the schema, or to migrate it.

    Raises:
        DatabaseRefused: the role lacks a right.
        StoreUnavailable: the database is lost.
    """
    with unavailable_on_loss():
        connection = await connect(database.dsn, "orderlane migrate", reads_only=reads_only)
        try:
            yield connection
        except asyncpg.InsufficientPrivilegeError as error:
            raise DatabaseRefused(
                f"{error}: grant the right to the role, or make it the owner of the database"
            ) from error
        finally:
            await close_session(connection)
