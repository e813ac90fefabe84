"""A service whose database answers reads but takes no writes is not ready."""

import asyncio
import errno
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from orderlane.api.options import ApiOptions
from orderlane.postgres import write_probe
from orderlane.postgres.embedded import EmbeddedPostgres
from orderlane.postgres.migrate import NewInstallation, migrate
from tests.conftest import INSTALLED_AT, LANE_COUNT, NewDatabase, administer, opened
from tests.database.conftest import Api, running_api
from tests.database.http.onboarding import USER

OPTIONS = ApiOptions(token_requests_per_minute=10_000)
CHANGE_SECONDS_MAX = 30
DISK = "160m"
STATEMENTS_OF_A_PROBE = 4


async def readiness(api: Any) -> tuple[int, str]:
    answer = await api.http.get("/health/ready")
    return answer.status_code, answer.json().get("detail", "")


async def becomes(api: Any, status: int) -> str:
    """Wait until the service is ready, or is not; what it says then."""
    async with asyncio.timeout(CHANGE_SECONDS_MAX):
        while (found := await readiness(api))[0] != status:
            await asyncio.sleep(0.1)
    return found[1]


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own in memory."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(file: Path) -> None:
    """Write until there is no room left."""
    with file.open("wb", buffering=0) as filling, until_full():
        while True:
            filling.write(bytes(65_536))


@contextmanager
def until_full() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


@pytest.fixture
async def on_a_small_disk(tmp_path: Path, bin_dir: Path | None) -> AsyncIterator[tuple[Api, Path]]:
    """An API on a server of its own, whose files are on a small disk."""
    with small_disk(tmp_path / "disk") as disk:
        server = EmbeddedPostgres(disk / "data", bin_dir)
        await server.start()
        try:
            async with opened(server.dsn) as connection:
                await migrate(connection, NewInstallation(lane_count=LANE_COUNT), INSTALLED_AT)
            async with running_api(server.dsn, OPTIONS) as api:
                yield api, disk
        finally:
            await server.stop()


async def test_a_full_disk_is_told_and_room_is_noticed(on_a_small_disk: tuple[Api, Path]) -> None:
    api, disk = on_a_small_disk
    assert await readiness(api) == (200, "")

    fill(disk / "filling")
    told = await becomes(api, 503)
    reading = await api.http.get("/users")
    live = await api.http.get("/health/live")
    (disk / "filling").unlink()
    await becomes(api, 200)

    assert told == f"the database takes no writes: {write_probe.DISK_FULL}"
    assert (reading.status_code, live.status_code) == (200, 200)
    assert (await api.post("/users", USER)).status_code == 200


async def test_a_read_only_database_is_told(new_database: NewDatabase, server_dsn: str) -> None:
    dsn = await new_database()
    name = urlsplit(dsn).path.removeprefix("/")
    async with running_api(dsn, OPTIONS) as api:
        assert await readiness(api) == (200, "")
        await administer(server_dsn, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await end_sessions(server_dsn, name)
        told = await becomes_told(api, write_probe.READ_ONLY)
        await administer(server_dsn, f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await end_sessions(server_dsn, name)
        await becomes(api, 200)

    assert told == f"the database takes no writes: {write_probe.READ_ONLY}"


async def end_sessions(server_dsn: str, database: str) -> None:
    await administer(server_dsn, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")


async def becomes_told(api: Any, cause: str) -> str:
    async with asyncio.timeout(CHANGE_SECONDS_MAX):
        while cause not in (found := await readiness(api))[1]:
            await asyncio.sleep(0.1)
    return found[1]


async def test_a_write_that_hangs_is_told_and_not_tried_again(
    new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_probe, "ANSWER_SECONDS_MAX", 0.3)
    monkeypatch.setattr(write_probe, "FRESH_SECONDS", 0.0)
    dsn = await new_database()
    async with running_api(dsn, OPTIONS) as api, opened(dsn) as connection:
        figures = api.services.figures
        assert await figures.write_refusal() is None
        with frozen(await sessions_of_the_api(connection)):
            told = [await figures.write_refusal() for _ in range(3)]
            begun = figures.statement_count
        async with asyncio.timeout(CHANGE_SECONDS_MAX):
            while await figures.write_refusal() is not None:
                await asyncio.sleep(0.05)

    assert told == [write_probe.UNCOMMITTED] * 3
    assert figures.statement_count == begun + STATEMENTS_OF_A_PROBE


async def sessions_of_the_api(connection: Any) -> list[int]:
    rows = await connection.fetch("SELECT pid FROM pg_stat_activity WHERE application_name = 'api under test'")
    return [row["pid"] for row in rows]


@contextmanager
def frozen(processes: Sequence[int]) -> Iterator[None]:
    """Stop processes of the server, as a machine that hangs does."""
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


async def test_however_many_ask_the_database_is_written_to_once(
    new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_probe, "FRESH_SECONDS", 3600.0)
    async with running_api(await new_database(), OPTIONS) as api:
        figures = api.services.figures
        assert await figures.write_refusal() is None
        before = figures.statement_count
        refusals = await asyncio.gather(*(figures.write_refusal() for _ in range(200)))

    assert set(refusals) == {None}
    assert figures.statement_count == before
