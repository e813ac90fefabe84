"""Starts, watches and stops the server of a data folder."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg
import structlog

from orderlane.postgres.embedded import errors, launcher
from orderlane.postgres.embedded.access import write_access_rules
from orderlane.postgres.embedded.accounts import OWN_ACCOUNT, Account, server_account
from orderlane.postgres.embedded.binaries import Binaries, find_binaries, readable_binaries
from orderlane.postgres.embedded.configuration import (
    PORT,
    STATISTICS_LIBRARY,
    initdb_arguments,
    server_arguments,
)
from orderlane.postgres.embedded.diagnosis import StartLog, start_error
from orderlane.postgres.embedded.folders import DataFolder, OwnerLock, make_private_folder, make_socket_folder
from orderlane.postgres.embedded.leftovers import end_leftovers
from orderlane.postgres.embedded.running import (
    CONNECT_SECONDS_MAX,
    POLL_SECONDS,
    check_answer,
    find_running,
    make_dsn,
    read_pid_file,
)

log = structlog.get_logger(__name__)

SUPERUSER = "postgres"
SETUP = Path(__file__).parent / "setup"
START_SECONDS_MAX = 300
START_TRIES = 3
WATCH_SECONDS = 0.05
# Each signal asks more firmly: finish what is committed, leave it to recovery, die.
STOPS = ((signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 10))
# What is raised when a server ends while it is set up.
LOST = (OSError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError, asyncpg.InterfaceError)
NOT_SET_UP = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)


class EmbeddedPostgres:
    """The PostgreSQL server of one data folder.

    The first program on a data folder owns the server: it starts it, and the server stops with it, however it
    ends. Every later program joins: it gets the same DSN, and leaves the server alone.

    Args:
        data_dir: the data folder; made if missing.
        bin_dir: the bin folder of the server's programs; None takes those of the wheel.
        account: the account that the server of a new data folder runs as if this program runs as root.

    Start it from a thread that lives as long as the program (the main one): the operating system counts the
    end of that thread as the owner's death.
    """

    def __init__(self, data_dir: Path, bin_dir: Path | None = None, account: str = OWN_ACCOUNT) -> None:
        self._folder = DataFolder.at(data_dir)
        self._bin_dir = bin_dir
        self._account = account
        self._lock = OwnerLock(self._folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_folder: Path | None = None
        self.dsn = ""

    @property
    def is_owner(self) -> bool:
        """Whether this program started the server, and not another one that it joined."""
        return self._process is not None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the server or join the running one; afterwards `dsn` answers.

        Raises:
            EmbeddedPostgresError: one of its kinds, saying what to do.
        """
        self._folder.prepare()
        async with answer_in_time(self._folder):
            while not self._lock.acquire():
                if dsn := await find_running(self._folder.path):
                    self.dsn = dsn
                    return
                await asyncio.sleep(POLL_SECONDS)
        try:
            await self._start_server()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the server if this program owns it; every committed transaction is on the disk anyway."""
        try:
            await self._end_server()
            if self._socket_folder is not None and self._socket_folder.exists():
                shutil.rmtree(self._socket_folder)
        finally:
            self._lock.release()

    async def keep_running(self) -> None:
        """Start the server again whenever it ends unasked; runs until cancelled.

        Returns at once if another program owns the server: that is its task.

        Raises:
            EmbeddedPostgresError: it does not start again.
        """
        while self._process is not None:
            status = self._process.poll()
            if status is not None:
                log.warning("embedded_postgres_ended", exit_status=status, decision="start it again")
                await self._start_server()
            await asyncio.sleep(WATCH_SECONDS)

    async def _end_server(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await end_process(process)
            await end_leftovers(self._folder)

    async def _start_server(self) -> None:
        """Start the server, again if it ends meanwhile without a cause that a person has to remove.

        Raises:
            EmbeddedPostgresError: it does not start.
        """
        for tries_left in reversed(range(START_TRIES)):
            try:
                await self._start_once()
            except errors.StartFailed as error:
                if not tries_left:
                    raise
                log.warning("embedded_postgres_start_failed", error=str(error), decision="start it again")
                await self._end_server()
            else:
                return

    async def _start_once(self) -> None:
        await end_leftovers(self._folder)
        account = server_account(self._folder.cluster, self._account)
        binaries = readable_binaries(find_binaries(self._bin_dir), account)
        if not self._folder.cluster.exists():
            await make_cluster(self._folder, account, binaries)
        write_access_rules(self._folder.cluster, account)
        self._socket_folder = socket_folder = make_socket_folder(self._folder, account)
        start_log = StartLog(self._folder)
        with reachable_as(self._folder.cluster, account) as (cluster, descriptors):
            arguments = server_arguments(binaries, cluster, socket_folder)
            self._process = launch(self._folder, account, [binaries.postgres, *arguments], descriptors)
        if not await ready(self._process, self._folder):
            await end_leftovers(self._folder)  # its log is complete when the last of its processes is gone
            raise start_error(start_log, binaries.folder, socket_folder)
        self.dsn = make_dsn(str(socket_folder), PORT)
        try:
            await set_up_once(self.dsn, socket_folder, binaries)
        except LOST as error:
            raise start_error(start_log, binaries.folder, socket_folder) from error


async def make_cluster(folder: DataFolder, account: Account, binaries: Binaries) -> None:
    """Make an empty cluster; it appears under its name when it is whole."""
    unfinished = folder.unfinished_cluster
    if unfinished.exists():
        shutil.rmtree(unfinished)
    make_private_folder(unfinished, account)
    start_log = StartLog(folder)
    with reachable_as(unfinished, account) as (cluster, descriptors):
        arguments = initdb_arguments(cluster, SUPERUSER)
        process = launch(folder, account, [binaries.initdb, *arguments], descriptors)
    if await asyncio.to_thread(process.wait) != 0:
        raise start_error(start_log, binaries.folder)
    unfinished.rename(folder.cluster)


@contextmanager
def reachable_as(cluster: Path, account: Account) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Give the path by which the account reaches the cluster, and the open descriptors that it needs for that.

    Another account may be unable to go through the folders above (root's home, a data folder of mode 0700).
    Opening them to everyone would be wrong; instead the server inherits the open folder, and its path leads
    through that.
    """
    if account.is_ours or account.may_enter(cluster.parent):
        yield str(cluster), ()
        return
    if not Path("/proc/self/fd").exists():
        raise errors.FolderNotReachable(folder=cluster, account=account.name)
    descriptor = os.open(cluster, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}", (descriptor,)
    finally:
        os.close(descriptor)


def launch(
    folder: DataFolder, account: Account, command: list[Path | str], descriptors: tuple[int, ...]
) -> subprocess.Popen[bytes]:
    """Start a server program as the account, away from the terminal's Ctrl-C, its life tied to ours."""
    script = [sys.executable, "-I", "-S", launcher.__file__, *map(str, (os.getpid(), account.uid, account.gid))]
    folder.start_log.unlink(missing_ok=True)
    with folder.open_to_write(folder.start_log) as output:
        return subprocess.Popen(
            [*script, *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=program_environment(),
            pass_fds=descriptors,
            start_new_session=True,
        )


def program_environment() -> dict[str, str]:
    """Return the environment of the server's programs: none of our settings, no PGDATA or PGPORT."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


async def ready(process: subprocess.Popen[bytes], folder: DataFolder) -> bool:
    """Wait until the server takes connections, or return False if it ends.

    Raises:
        StartTooSlow: neither happened within five minutes.
    """
    async with answer_in_time(folder):
        while process.poll() is None:
            pid_file = read_pid_file(folder.cluster)
            if pid_file is not None and pid_file.pid == process.pid and pid_file.is_ready:
                return True
            await asyncio.sleep(POLL_SECONDS)
    return False


@asynccontextmanager
async def answer_in_time(folder: DataFolder) -> AsyncIterator[None]:
    """Bound a wait for the server; recovery after a crash may take minutes.

    Raises:
        StartTooSlow: the wait took more than five minutes.
    """
    try:
        async with asyncio.timeout(START_SECONDS_MAX):
            yield
    except TimeoutError as error:
        raise errors.StartTooSlow(
            folder=folder.path, seconds=START_SECONDS_MAX, log_folder=folder.server_logs
        ) from error


async def set_up_once(dsn: str, socket_folder: Path, binaries: Binaries) -> None:
    """Make the service's role and database, unless they are there; a crash in between is made good here."""
    try:
        await check_answer(dsn)
    except NOT_SET_UP:
        await run_setup(socket_folder, "postgres", "1_role.sql")
        try:
            await run_setup(socket_folder, "postgres", "2_database.sql")
        except asyncpg.DuplicateDatabaseError:
            log.info("embedded_postgres_setup_resumed")
        if binaries.have_library(STATISTICS_LIBRARY):
            await run_setup(socket_folder, "orderlane", "3_statistics.sql")
        await run_setup(socket_folder, "postgres", "4_login.sql")


async def run_setup(socket_folder: Path, database: str, script: str) -> None:
    """Run one step of the set-up as the superuser."""
    dsn = make_dsn(str(socket_folder), PORT, SUPERUSER, database)
    connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS_MAX)
    try:
        await connection.execute((SETUP / script).read_text())
    finally:
        await connection.close()


async def end_process(process: subprocess.Popen[bytes]) -> None:
    """Stop the server, asking more firmly if it does not; a frozen one is continued, to hear it."""
    for signal_number, seconds in STOPS:
        process.send_signal(signal_number)
        process.send_signal(signal.SIGCONT)
        try:
            await asyncio.to_thread(process.wait, seconds)
        except subprocess.TimeoutExpired:
            log.warning("embedded_postgres_stop_slow", signal=signal_number.name, seconds=seconds)
        else:
            return
