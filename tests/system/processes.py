"""Real processes of the command line, as a stranger starts them."""

import asyncio
import os
import resource
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import psutil

from orderlane.postgres.embedded import find_running
from orderlane_client import OrderlaneClient

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 30
LINE_BYTES_MAX = 1024 * 1024


def environment(**more: str) -> dict[str, str]:
    """The tests' environment without anybody's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ORDERLANE_")}
    if binaries := os.environ.get("ORDERLANE_POSTGRES_BIN"):
        kept["ORDERLANE_POSTGRES_BIN"] = binaries
    return kept | {"NO_COLOR": "1", "COLUMNS": "200"} | more


@dataclass
class Program:
    """One running `orderlane …` that speaks JSON lines, and stops with the tests, however they end.

    `descriptors` are the soft and the hard limit of its open files, unless they are those of the tests.
    """

    arguments: tuple[str, ...]
    log: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    descriptors: tuple[int, int] | None = None
    process: Process | None = None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "orderlane", *self.arguments, "--json", "--stop-with-stdin"),
                stdin=PIPE,
                stdout=PIPE,
                stderr=log,
                env=environment(**self.settings),
                limit=LINE_BYTES_MAX,
                preexec_fn=self._limit_descriptors,
            )

    def _limit_descriptors(self) -> None:
        if self.descriptors is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, self.descriptors)

    async def wait_for(self, event: str) -> dict[str, Any]:
        """The next announcement of this kind."""
        async with asyncio.timeout(START_SECONDS_MAX):
            while line := await self.running.stdout.readline():  # type: ignore[union-attr]
                told: dict[str, Any] = msgspec.json.decode(line)
                if told["event"] == event:
                    return told
        raise AssertionError(f"{self.arguments} ended before it said {event}:\n{self.log.read_text()[-3000:]}")

    @property
    def running(self) -> Process:
        assert self.process is not None, "it is not started"
        return self.process

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; its exit code."""
        if self.process is None:
            return 0
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(STOP_SECONDS_MAX):
            await self.process.communicate()
        code = self.process.returncode
        self.process = None
        assert code is not None
        return code

    async def kill(self) -> None:
        """End it at once, without any chance to tidy up."""
        if self.running.returncode is None:
            self.running.kill()
        await self.running.communicate()
        self.process = None


class Service:
    """`orderlane serve` on a data folder; the port and the client stay over restarts."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.data_dir = folder / "data"
        self.log = folder / "service.log"
        self.settings = settings
        self.port = 0
        self.url = ""
        self.credentials: dict[str, str] = {}
        self.program: Program | None = None

    async def start(self) -> None:
        arguments = ("serve", "--port", str(self.port), "--data-dir", str(self.data_dir), "--allow-insecure-webhooks")
        self.program = Program(arguments, self.log, self.settings)
        await self.program.start()
        if not self.credentials:
            created = await self.program.wait_for("client_created")
            self.credentials = msgspec.json.decode(Path(created["credentials_file"]).read_bytes())
        self.url = (await self.program.wait_for("listening"))["url"]
        self.port = int(self.url.rpartition(":")[2])

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        code = await self.program.stop(number) if self.program else 0
        self.program = None
        return code

    async def kill(self, *, with_database: bool = False) -> None:
        """End it at once; PostgreSQL notices and stops, or is killed too, every process of it, and has to recover."""
        assert self.program is not None
        if with_database:
            for process in processes_of(self.data_dir):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        await self.program.kill()
        self.program = None

    def kill_database(self) -> None:
        """End PostgreSQL's first process at once; the others notice."""
        os.kill(int((self.data_dir / "postgresql" / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)

    def client(self, **options: Any) -> OrderlaneClient:
        return OrderlaneClient(
            self.url, self.credentials["client_id"], self.credentials["client_secret"], retry_seconds=30, **options
        )

    async def dsn(self) -> str:
        """Where its PostgreSQL is now."""
        found = await find_running(self.data_dir)
        assert found is not None, "no server runs on the data folder"
        return found


@asynccontextmanager
async def running_service(folder: Path, **settings: str) -> AsyncIterator[Service]:
    service = Service(folder, **settings)
    try:
        await service.start()
        yield service
    finally:
        await service.stop()


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(line) for line in self.out.splitlines()]


async def run_command(*arguments: str | Path, settings: Mapping[str, str] | None = None) -> Finished:
    """Run a command to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "orderlane", *map(str, arguments)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env=environment(**(settings or {})),
    )
    async with asyncio.timeout(START_SECONDS_MAX):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Finished(process.returncode, out.decode(), err.decode())


def processes_of(folder: Path) -> list[psutil.Process]:
    """Every process that has something of the folder open or in its command line."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), process.cwd()]
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        if any(str(folder) in word for word in words):
            found.append(process)
    return found


async def nothing_left(folder: Path) -> None:
    """Wait until no process of the folder is left."""
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes_of(folder), STOP_SECONDS_MAX)
    assert alive == []
