"""Roles migrate, and `orderlane migrate` does. Every other command refuses another schema, and changes nothing."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

import orderlane
from orderlane.postgres.embedded import EmbeddedPostgres
from tests.system.processes import Finished, run_command

SOME_ID = str(UUID(int=1))
INSTRUMENTS = Path(orderlane.__file__).parent / "master_data/instruments.csv"
READING = (
    ("client", "list"),
    ("client", "key", "list", SOME_ID),
    ("portfolio-order", "show", SOME_ID),
    ("portfolio-order", "watch", SOME_ID),
    ("events", "show", SOME_ID),
    ("quarantine", "list"),
    ("doctor",),
)
WRITING = (
    ("client", "create", "--name", "x"),
    ("client", "revoke", SOME_ID),
    ("client", "key", "revoke", SOME_ID, "key"),
    ("quarantine", "release", "1"),
    ("instruments", "load", str(INSTRUMENTS)),
)
SOME = (READING[0], READING[-1], WRITING[0])
DUE = "0001_orderlane.sql is due: back it up, then apply what is due with `orderlane migrate`"


@pytest.fixture
async def dsn(tmp_path: Path, bin_dir: Path | None) -> AsyncIterator[str]:
    """An empty database of a PostgreSQL that no command starts."""
    async with EmbeddedPostgres(tmp_path / "server", bin_dir) as server:
        yield server.dsn


async def run_all(commands: tuple[tuple[str, ...], ...], settings: dict[str, str]) -> list[Finished]:
    at_once = asyncio.Semaphore(2)

    async def run(command: tuple[str, ...]) -> Finished:
        async with at_once:
            return await run_command(*command, settings=settings)

    return await asyncio.gather(*map(run, commands))


async def tables(dsn: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        return [row[0] for row in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    finally:
        await connection.close()


def refused(finished: Finished, sentence: str) -> None:
    assert (finished.code, finished.out) == (1, ""), finished
    assert sentence in finished.err
    assert len(finished.err.splitlines()) == 1


@pytest.mark.thorough
async def test_on_an_empty_database_every_command_but_migrate_refuses(dsn: str) -> None:
    for finished in await run_all((*READING, *WRITING), {"ORDERLANE_DATABASE_URL": dsn}):
        refused(finished, DUE)
    assert await tables(dsn) == []


async def test_a_database_is_migrated_by_migrate_and_by_no_other_command(dsn: str) -> None:
    settings = {"ORDERLANE_DATABASE_URL": dsn}
    for finished in await run_all(SOME, settings):
        refused(finished, DUE)
    check = await run_command("migrate", "--check", settings=settings)
    assert (check.code, check.out, check.err) == (1, "due: 0001_orderlane.sql\n", "")
    assert await tables(dsn) == []

    assert (await run_command("migrate", settings=settings)).out == "applied 0001_orderlane.sql\n"

    again = await run_command("migrate", "--check", settings=settings)
    assert (again.code, again.out) == (0, "the database is up to date\n")
    assert (await run_command("client", "create", "--name", "x", settings=settings)).code == 0
    await newer_than_the_program(dsn, settings)


async def newer_than_the_program(dsn: str, settings: dict[str, str]) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("INSERT INTO schema_migrations VALUES ('0099_later.sql', '', now())")
    await connection.close()
    commands = (("client", "list"), ("migrate",), ("migrate", "--check"), ("worker",))
    for finished in await run_all(commands, settings):
        refused(finished, "the database has migrations of a newer version (0099_later.sql): run that version")


async def test_a_database_of_an_unreleased_state_is_refused(dsn: str) -> None:
    settings = {"ORDERLANE_DATABASE_URL": dsn}
    assert (await run_command("migrate", settings=settings)).code == 0
    connection = await asyncpg.connect(dsn)
    sentence = (
        "the database was made by an unreleased state of the program, with another 0001_orderlane.sql: run that state,"
        " or begin with a new database"
    )
    for change in (
        "UPDATE schema_migrations SET sha256 = 'another'",
        "ALTER TABLE schema_migrations DROP COLUMN sha256",
    ):
        await connection.execute(change)
        for finished in await run_all((("client", "list"), ("migrate", "--check"), ("migrate",)), settings):
            refused(finished, sentence)
    await connection.close()


async def test_where_there_is_no_database_no_command_makes_one(tmp_path: Path) -> None:
    folder = tmp_path / "typo"
    commands = (("client", "create", "--name", "x"), ("instruments", "load", str(INSTRUMENTS)), ("migrate", "--check"))
    for finished in await run_all(commands, {"ORDERLANE_DATA_DIR": str(folder)}):
        refused(finished, f"there is no Orderlane in {folder}: name its folder with --data-dir, or start one with")
    assert not folder.exists()


@pytest.mark.thorough
async def test_a_data_folder_of_one_version_is_migrated_by_the_next_only_when_told(tmp_path: Path) -> None:
    settings = {"ORDERLANE_DATA_DIR": str(tmp_path / "data")}
    later = settings | {"PYTHONPATH": str(next_version(tmp_path))}
    assert (await run_command("migrate", settings=settings)).code == 0

    for command in (("client", "list"), ("doctor",), ("client", "create", "--name", "x")):
        refused(await run_command(*command, settings=later), "0002_notes.sql is due")
    check = await run_command("migrate", "--check", "--json", settings=later)
    assert (check.code, check.lines) == (1, [{"due": ["0002_notes.sql"]}])
    assert (await run_command("client", "list", settings=settings)).code == 0

    assert (await run_command("migrate", settings=later)).out == "applied 0002_notes.sql\n"

    assert (await run_command("migrate", "--check", settings=later)).code == 0
    assert (await run_command("client", "list", settings=later)).code == 0
    for command in (("client", "list"), ("serve", "--port", "0")):
        refused(await run_command(*command, settings=settings), "migrations of a newer version (0002_notes.sql)")


def next_version(folder: Path) -> Path:
    """This program with one migration more."""
    source = folder / "next"
    shutil.copytree(Path(orderlane.__file__).parent, source / "orderlane", ignore=shutil.ignore_patterns("__pycache__"))
    migration = source / "orderlane/postgres/migrations/0002_notes.sql"
    migration.write_text("CREATE TABLE notes (note text NOT NULL);\n")
    return source
