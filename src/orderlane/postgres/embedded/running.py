"""Finding the server that runs on a data folder."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import asyncpg
import psutil

from orderlane.postgres.embedded.folders import DataFolder
from orderlane.postgres.embedded.processes import lives_in

DATABASE = "orderlane"
ROLE = "orderlane"
CONNECT_SECONDS_MAX = 10
POLL_SECONDS = 0.01


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
    """Return what the cluster's pid file says, or None if there is none, or none that a running server wrote."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        return PidFile(int(lines[0]), int(lines[3]), lines[4], lines[7].strip())
    except (FileNotFoundError, NotADirectoryError, ValueError, IndexError):
        return None


async def find_running(data_dir: Path) -> str | None:
    """Return the DSN of the server that runs on the data folder and answers, or None.

    Raises:
        FolderNotOurs: this program's account may not look into the folder, or not connect.
    """
    folder = DataFolder.at(data_dir)
    try:
        pid_file = read_pid_file(folder.cluster)
        if pid_file is None or not pid_file.is_ready or not runs_on(folder.cluster, pid_file.pid):
            return None
        await check_answer(pid_file.dsn)
    except PermissionError as error:
        raise folder.not_usable() from error
    except (OSError, asyncpg.PostgresError):
        return None
    return pid_file.dsn


def runs_on(cluster: Path, pid: int) -> bool:
    """Whether the process of this number is the cluster's, and not one that has got the number since."""
    try:
        return lives_in(cluster, psutil.Process(pid))
    except psutil.NoSuchProcess:
        return False


async def check_answer(dsn: str) -> None:
    """Connect, and let go again.

    Raises:
        OSError: nobody listens, or this account may not connect.
        asyncpg.PostgresError: the server refuses the connection.
    """
    connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS_MAX)
    await connection.close()
