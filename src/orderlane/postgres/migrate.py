"""Bringing a database to the schema of this version."""

from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

from orderlane.postgres.connection import Connection

_LOCK_NUMBER = 0x6F726465726C616E  # "orderlan": one migration at a time


class MigrationRefused(Exception):
    """The database can't be migrated by this version."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema; its name is its file's, its number the digits in front."""

    name: str
    sql: str


def migrations() -> list[Migration]:
    """Every migration in order."""
    folder = files("orderlane.postgres") / "migrations"
    found = [Migration(one.name, one.read_text("utf-8")) for one in folder.iterdir() if one.name.endswith(".sql")]
    return sorted(found, key=lambda one: one.name)


async def migrate(connection: Connection, lane_count: int, now: datetime) -> list[str]:
    """Apply what is missing, all in one transaction; the names applied. `lane_count` counts on the first time only.

    Raises MigrationRefused when the database has migrations that this version does not know.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK_NUMBER)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL)"
        )
        applied = {row["name"] for row in await connection.fetch("SELECT name FROM schema_migrations")}
        known = migrations()
        _refuse_newer(applied - {one.name for one in known})
        missing = [one for one in known if one.name not in applied]
        for one in missing:
            await connection.execute(one.sql)
            await connection.execute("INSERT INTO schema_migrations VALUES ($1, $2)", one.name, now)
        await _install(connection, lane_count, now)
    return [one.name for one in missing]


def _refuse_newer(unknown: set[str]) -> None:
    if unknown:
        raise MigrationRefused(
            f"the database has migrations of a newer version ({', '.join(sorted(unknown))}): run that version"
        )


async def _install(connection: Connection, lane_count: int, now: datetime) -> None:
    installed = await connection.fetchval(
        "INSERT INTO installation (lane_count, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING lane_count",
        lane_count,
        now,
    )
    if installed is not None:
        await connection.execute("INSERT INTO lanes (lane) SELECT generate_series(0, $1 - 1)", lane_count)
