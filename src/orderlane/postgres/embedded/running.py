"""Finding the server that runs on a data folder, and what a killed one left behind."""

import asyncio
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import asyncpg
import psutil

from orderlane.postgres.embedded import errors
from orderlane.postgres.embedded.folders import DataFolder

DATABASE = "orderlane"
ROLE = "orderlane"
CONNECT_SECONDS_MAX = 10
LEFTOVER_SECONDS_MAX = 60
POLL_SECONDS = 0.01

PROCESS_NAME = "postgres"


@dataclass(frozen=True, slots=True)
class PidFile:
    """What a server tells of itself in `postmaster.pid`; the lines are PostgreSQL's (see its pidfile.h)."""

    pid: int
    port: int
    socket_folder: str
    status: str

    @property
    def dsn(self) -> str:
        """Where the service's database is."""
        return make_dsn(self.socket_folder, self.port)

    @property
    def is_ready(self) -> bool:
        """Whether the server said that it takes connections."""
        return self.status == "ready"


def make_dsn(socket_folder: str, port: int, role: str = ROLE, database: str = DATABASE) -> str:
    """Return the address of a database behind the socket in this folder."""
    return f"postgresql://{role}@/{database}?host={quote(socket_folder, safe='/')}&port={port}"


def read_pid_file(cluster: Path) -> PidFile | None:
    """Return what the cluster's pid file says, or None if there is none or the server is only beginning."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if len(lines) < 8:
        return None
    return PidFile(int(lines[0]), int(lines[3]), lines[4], lines[7].strip())


async def find_running(data_dir: Path) -> str | None:
    """Return the DSN of the server that runs on the data folder and answers, or None.

    Raises:
        FolderNotOurs: this program's account may not look into the folder, or not connect.
    """
    folder = DataFolder.at(data_dir)
    try:
        pid_file = read_pid_file(folder.cluster)
        if pid_file is None or not pid_file.is_ready:
            return None
        await check_answer(pid_file.dsn)
    except PermissionError as error:
        raise folder.not_usable() from error
    except (OSError, asyncpg.PostgresError):
        return None
    return pid_file.dsn


async def check_answer(dsn: str) -> None:
    """Connect, and let go again.

    Raises:
        OSError: nobody listens, or this account may not connect.
        asyncpg.PostgresError: the server refuses the connection.
    """
    connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS_MAX)
    await connection.close()


async def end_leftovers(folder: DataFolder) -> None:
    """Wait until no process of an earlier server is left on the cluster, and clear away its pid file.

    Only for who holds the owner's lock. A killed program's server is already stopping where the operating
    system tells it of its owner's death; elsewhere it is asked here.

    Raises:
        StillStopping: some are there after a minute.
    """
    leftovers = leftover_processes(folder.cluster)
    ask_to_stop(leftovers, read_pid_file(folder.cluster))
    try:
        async with asyncio.timeout(LEFTOVER_SECONDS_MAX):
            while leftovers:
                await asyncio.sleep(POLL_SECONDS)
                leftovers = [one for one in leftovers if lives_in(folder.cluster, one)]
                leftovers = leftovers or leftover_processes(folder.cluster)
    except TimeoutError as error:
        pids = " ".join(str(process.pid) for process in leftovers)
        raise errors.StillStopping(folder=folder.path, pids=pids) from error
    # PostgreSQL takes the file for true if its number is a zombie's or, after a reboot, someone else's.
    (folder.cluster / "postmaster.pid").unlink(missing_ok=True)


def ask_to_stop(processes: list[psutil.Process], pid_file: PidFile | None) -> None:
    """Ask the server itself, if it is among the processes; its children follow."""
    for process in processes:
        if pid_file is not None and process.pid == pid_file.pid:
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                process.send_signal(signal.SIGINT)


def leftover_processes(cluster: Path) -> list[psutil.Process]:
    """Return the PostgreSQL processes that live in the cluster: each of them has it as its working folder."""
    return [
        process
        for process in psutil.process_iter(["name"])
        if process.info["name"] == PROCESS_NAME and lives_in(cluster, process)
    ]


def lives_in(cluster: Path, process: psutil.Process) -> bool:
    """Whether the process has the cluster as its working folder; a zombie has none any more."""
    try:
        return process.cwd() == str(cluster)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
