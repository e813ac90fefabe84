"""Programs that own an embedded PostgreSQL and are killed, and what is asked of their servers."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import psutil

from orderlane.postgres.embedded.running import read_pid_file

IS_ROOT = os.geteuid() == 0

# As servers were started before they were told to end when they lose a process.
RESTARTING_IN_PLACE = """
from orderlane.postgres.embedded import configuration
configuration.SETTINGS["restart_after_crash"] = "on"
"""

# A program that uses the server of a data folder until it is killed or its input ends.
PROGRAM = """
import asyncio, sys
from pathlib import Path
from orderlane.postgres.embedded import EmbeddedPostgres

async def main():
    bin_dir = Path(sys.argv[2]) if sys.argv[2] else None
    async with EmbeddedPostgres(Path(sys.argv[1]), bin_dir) as server:
        print(server.dsn, server.is_owner, flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


@contextmanager
def program(data_dir: Path, bin_dir: Path | None, prelude: str = "") -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", prelude + PROGRAM, str(data_dir), str(bin_dir or "")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()


def started(process: subprocess.Popen[str]) -> tuple[str, bool]:
    assert process.stdout is not None
    dsn, is_owner = process.stdout.readline().split()
    return dsn, is_owner == "True"


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def ask(dsn: str, query: str) -> object:
    async with connected(dsn) as connection:
        return await connection.fetchval(query)


def cluster_of(data_dir: Path) -> Path:
    return data_dir.resolve() / "postgresql"


def postmaster_of(data_dir: Path) -> psutil.Process:
    pid_file = read_pid_file(cluster_of(data_dir))
    assert pid_file is not None
    return psutil.Process(pid_file.pid)
