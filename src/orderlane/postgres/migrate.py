"""Bringing a database to the schema of this version."""

from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

from orderlane.postgres.connection import Connection
from orderlane.postgres.queries import queries

_SQL = queries("migrate")
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


async def migrate(connection: Connection, lane_count: int, now: datetime, currency: str = "EUR") -> list[str]:
    """Apply what is missing, all in one transaction; the names applied.

    `lane_count` and `currency` count on the first time only.

    Raises MigrationRefused when the database has migrations that this version does not know.
    """
    async with connection.transaction():
        await connection.execute(_SQL["one_at_a_time"], _LOCK_NUMBER)
        await connection.execute(_SQL["ensure_history"])
        applied = {row["name"] for row in await connection.fetch(_SQL["applied"])}
        known = migrations()
        _refuse_newer(applied - {one.name for one in known})
        missing = [one for one in known if one.name not in applied]
        for one in missing:
            await connection.execute(one.sql)
            await connection.execute(_SQL["note_applied"], one.name, now)
        await _install(connection, lane_count, currency, now)
    return [one.name for one in missing]


def _refuse_newer(unknown: set[str]) -> None:
    if unknown:
        raise MigrationRefused(
            f"the database has migrations of a newer version ({', '.join(sorted(unknown))}): run that version"
        )


async def _install(connection: Connection, lane_count: int, currency: str, now: datetime) -> None:
    if await connection.fetchval(_SQL["install"], lane_count, currency, now) is not None:
        await connection.execute(_SQL["make_lanes"], lane_count)
