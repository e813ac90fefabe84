"""Bringing a database to the schema of this version."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from importlib.resources import files

from msgspec import Struct

from orderlane.postgres.connection import Connection, committed
from orderlane.postgres.queries import queries

_SQL = queries("migrate")
_LOCK_NUMBER = 0x6F726465726C616E  # "orderlan": one migration at a time


class MigrationRefused(Exception):
    """The database cannot be migrated by this version."""


class NewInstallation(Struct, frozen=True, kw_only=True):
    """What is fixed when a database is created: its lanes, the currency of accounts, whether its clock may move."""

    lane_count: int
    currency: str = "EUR"
    is_development: bool = False


class Migration(Struct, frozen=True):
    """One step of the schema; its name is its file's, its number the digits in front."""

    name: str
    sql: str

    @property
    def digest(self) -> str:
        """The SHA-256 of its text: what a database was made by, when a migration is not what it was."""
        return sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """Every migration in order."""
    folder = files("orderlane.postgres") / "migrations"
    steps = [Migration(file.name, file.read_text("utf-8")) for file in folder.iterdir() if file.name.endswith(".sql")]
    return sorted(steps, key=lambda step: step.name)


async def migrations_due(connection: Connection) -> list[Migration]:
    """The migrations that the database lacks, in order; changes nothing.

    Raises:
        MigrationRefused: the database has migrations that this version does not know, or has them with another text.
        asyncpg.PostgresError: the server refuses.
    """
    has_history = await connection.fetchval(_SQL["has_history"])
    applied = {row["name"]: row["sha256"] for row in await connection.fetch(_SQL["applied"])} if has_history else {}
    known = migrations()
    _refuse_newer(applied.keys() - {migration.name for migration in known})
    _refuse_other(applied, known)
    return [migration for migration in known if migration.name not in applied]


async def migrate(connection: Connection, installation: NewInstallation, now: datetime) -> list[str]:
    """Migrate the database schema to this version, in one transaction; the names of what was applied.

    A database that lacks nothing is only read: that needs no right to create tables, and waits for nobody.
    `installation` counts on the first time only.

    Raises:
        MigrationRefused: the database has migrations that this version does not know, or has them with another text.
        asyncpg.InsufficientPrivilegeError: the role may not create tables.
    """
    if not await migrations_due(connection):
        return []
    async with committed(connection):
        await connection.execute(_SQL["one_at_a_time"], _LOCK_NUMBER)
        await connection.execute(_SQL["ensure_history"])
        missing = await migrations_due(connection)
        for migration in missing:
            await connection.execute(migration.sql)
            await connection.execute(_SQL["note_applied"], migration.name, migration.digest, now)
        await _install(connection, installation, now)
    return [migration.name for migration in missing]


def _refuse_newer(unknown: set[str]) -> None:
    if unknown:
        raise MigrationRefused(
            f"the database has migrations of a newer version ({', '.join(sorted(unknown))}): run that version"
        )


def _refuse_other(applied: Mapping[str, str | None], known: Sequence[Migration]) -> None:
    """Refuse a database that a migration made whose text was another one: nothing would bring it up to date."""
    others = [step.name for step in known if step.name in applied and applied[step.name] != step.digest]
    if others:
        raise MigrationRefused(
            f"the database was made by an unreleased state of the program, with another {', '.join(others)}: run that"
            " state, or begin with a new database"
        )


async def _install(connection: Connection, new: NewInstallation, now: datetime) -> None:
    columns = (new.lane_count, new.currency, new.is_development, now)
    if await connection.fetchval(_SQL["install"], *columns) is not None:
        await connection.execute(_SQL["make_lanes"], new.lane_count)
