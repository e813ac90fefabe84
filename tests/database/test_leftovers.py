"""What killed programs leave behind: their servers are ended whatever state they are in, and nobody else's is."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic

import asyncpg
import psutil
import pytest

from orderlane.postgres.embedded import EmbeddedPostgres, errors, find_running, leftovers
from orderlane.postgres.embedded.folders import DataFolder
from orderlane.postgres.embedded.processes import cluster_processes
from tests.database.embedded import (
    RESTARTING_IN_PLACE,
    ask,
    cluster_of,
    connected,
    kill,
    postmaster_of,
    program,
    started,
)

WAIT_SECONDS_MAX = 60
# Ten seconds are promised; the machine that runs the tests may be busy.
START_SECONDS_MAX = 30
SEEN_SECONDS_MAX = 2
POLL_SECONDS = 0.01
KEEP = "CREATE TABLE IF NOT EXISTS kept AS SELECT 1 AS value"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all: every test leaves a server behind there, and ends it."""
    return tmp_path_factory.mktemp("data")


async def starts_again(data_dir: Path, bin_dir: Path | None) -> None:
    """The next start ends what is left, has the data, and leaves nothing of the earlier server."""
    earlier = cluster_processes(cluster_of(data_dir))
    numbers = {process.pid for process in earlier}
    began = monotonic()
    async with EmbeddedPostgres(data_dir, bin_dir) as server:
        assert monotonic() - began < START_SECONDS_MAX
        assert server.is_owner
        assert await ask(server.dsn, "SELECT value FROM kept") == 1
        assert set(earlier).isdisjoint(cluster_processes(cluster_of(data_dir)))
        assert numbers.isdisjoint(makers_of_shared_memory())


def makers_of_shared_memory() -> set[int]:
    """The processes that made the segments which the operating system still keeps."""
    return {int(line.split()[4]) for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]}


@asynccontextmanager
async def owned(data_dir: Path, bin_dir: Path | None, prelude: str = "") -> AsyncIterator[subprocess.Popen[str]]:
    """A program that owns a server with some data."""
    with program(data_dir, bin_dir, prelude) as owner:
        dsn, is_owner = await asyncio.to_thread(started, owner)
        assert is_owner
        await ask(dsn, KEEP)
        yield owner


async def recovery_after_a_crash(dsn: str, postmaster: psutil.Process) -> psutil.Process | None:
    """Kill a backend; the process that then recovers the database, or None if it was too quick to be seen."""
    connection = await asyncpg.connect(dsn)
    psutil.Process(connection.get_server_pid()).kill()
    connection.terminate()
    began = monotonic()
    while monotonic() - began < SEEN_SECONDS_MAX:
        for process in postmaster.children():
            with suppress(psutil.NoSuchProcess):
                if "startup" in " ".join(process.cmdline()):
                    process.suspend()
                    return process
        await asyncio.sleep(0)
    return None


async def until_stopping(data_dir: Path) -> None:
    """Wait until the server has been told to stop."""
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while "stopping" not in (cluster_of(data_dir) / "postmaster.pid").read_text():
            await asyncio.sleep(POLL_SECONDS)


async def wedge(data_dir: Path, owner: subprocess.Popen[str]) -> None:
    """Let the server start itself anew in place, and kill its owner in the midst of that: it never ends by itself."""
    postmaster, recovery = postmaster_of(data_dir), None
    dsn = await find_running(data_dir)
    while recovery is None:
        dsn = await find_running(data_dir) or dsn
        assert dsn is not None
        with suppress(asyncpg.CannotConnectNowError):
            recovery = await recovery_after_a_crash(dsn, postmaster)
    kill(owner)
    await until_stopping(data_dir)
    recovery.resume()
    await asyncio.to_thread(recovery.wait, WAIT_SECONDS_MAX)


async def test_a_server_that_was_stopped_while_it_started_itself_anew_is_ended(
    data_dir: Path, bin_dir: Path | None
) -> None:
    async with owned(data_dir, bin_dir, RESTARTING_IN_PLACE) as owner:
        await wedge(data_dir, owner)

        await starts_again(data_dir, bin_dir)


@pytest.mark.thorough
async def test_what_outlives_every_signal_is_named(
    data_dir: Path, bin_dir: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with owned(data_dir, bin_dir, RESTARTING_IN_PLACE) as owner:
        await wedge(data_dir, owner)
        monkeypatch.setattr(leftovers, "STOPS", leftovers.STOPS[:1])

        with pytest.raises(errors.StillStopping) as caught:
            await leftovers.end_leftovers(DataFolder.at(data_dir))

        assert str(postmaster_of(data_dir).pid) in str(caught.value)
        assert "kill -INT" not in str(caught.value)
        monkeypatch.undo()
        await starts_again(data_dir, bin_dir)


async def test_a_server_that_loses_a_process_ends_and_does_not_start_itself_anew(
    data_dir: Path, bin_dir: Path | None
) -> None:
    async with owned(data_dir, bin_dir):
        postmaster = postmaster_of(data_dir)
        dsn = await find_running(data_dir)
        assert dsn is not None
        connection = await asyncpg.connect(dsn)
        psutil.Process(connection.get_server_pid()).kill()
        connection.terminate()
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while postmaster in cluster_processes(cluster_of(data_dir)):
                await asyncio.sleep(POLL_SECONDS)


@pytest.mark.parametrize("frozen", ["server", "backend"])
async def test_a_frozen_process_is_ended(data_dir: Path, bin_dir: Path | None, frozen: str) -> None:
    async with owned(data_dir, bin_dir) as owner:
        dsn = await find_running(data_dir)
        assert dsn is not None
        async with connected(dsn) as connection:
            backend = psutil.Process(connection.get_server_pid())
            (backend if frozen == "backend" else postmaster_of(data_dir)).suspend()
            kill(owner)

            await starts_again(data_dir, bin_dir)


async def test_backends_whose_server_is_dead_are_ended(data_dir: Path, bin_dir: Path | None) -> None:
    async with owned(data_dir, bin_dir) as owner:
        dsn = await find_running(data_dir)
        assert dsn is not None
        async with connected(dsn) as connection:
            backend = psutil.Process(connection.get_server_pid())
            backend.suspend()
            kill(owner)
            postmaster_of(data_dir).kill()

            await starts_again(data_dir, bin_dir)
            assert not backend.is_running() or backend.status() == psutil.STATUS_ZOMBIE


async def test_a_pid_file_with_the_number_of_another_program_harms_nobody(
    data_dir: Path, tmp_path: Path, bin_dir: Path | None
) -> None:
    """As after a reboot, when the number has gone to somebody else: here another data folder's server, in use."""
    async with EmbeddedPostgres(tmp_path, bin_dir) as other:
        async with EmbeddedPostgres(data_dir, bin_dir) as server:
            await ask(server.dsn, KEEP)
        text = (cluster_of(tmp_path) / "postmaster.pid").read_text()
        for stale in (text, text.splitlines()[0], "\0" * 8 + "\n" * 9):
            (cluster_of(data_dir) / "postmaster.pid").write_text(stale)

            assert await find_running(data_dir) is None
            await starts_again(data_dir, bin_dir)

            assert await ask(other.dsn, "SELECT 1") == 1


async def test_a_server_whose_owner_lives_is_left_alone(
    data_dir: Path, bin_dir: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while the owner is frozen and the server is silent: whoever comes later waits, and does not end it."""
    monkeypatch.setattr(leftovers, "STOPS", [(number, 0.2) for number, _ in leftovers.STOPS])
    async with owned(data_dir, bin_dir) as owner:
        postmaster = postmaster_of(data_dir)
        psutil.Process(owner.pid).suspend()
        postmaster.suspend()
        later = asyncio.create_task(EmbeddedPostgres(data_dir, bin_dir).start())
        done, _ = await asyncio.wait((later,), timeout=1)
        assert not done
        assert postmaster.status() == psutil.STATUS_STOPPED

        postmaster.resume()
        psutil.Process(owner.pid).resume()
        await asyncio.wait_for(later, WAIT_SECONDS_MAX)
        assert postmaster_of(data_dir) == postmaster
