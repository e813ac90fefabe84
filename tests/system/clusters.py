"""PostgreSQL servers that are replicated, frozen, promoted and restored, and clocks that are wrong.

Everything runs on the programs of the embedded server, on Unix sockets in a folder of its own. The servers stop with
the tests, however these end.
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import asyncpg
import psutil

from orderlane.postgres.embedded import launcher
from orderlane.postgres.embedded.accounts import Account, server_account
from orderlane.postgres.embedded.binaries import Binaries, find_binaries, readable_binaries
from orderlane.postgres.embedded.configuration import initdb_arguments, quoted
from orderlane.postgres.embedded.folders import make_private_folder
from orderlane.postgres.embedded.running import make_dsn
from orderlane.postgres.embedded.supervisor import program_environment, set_up_once
from orderlane.postgres.migrate import migrations

SUPERUSER = "postgres"
PORT = 5432
START_SECONDS_MAX = 60.0
WAIT_SECONDS_MAX = 30.0
POLL_SECONDS = 0.02

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "fsync": "off",  # the machine does not lose its power in a test
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "replica",
    "wal_keep_size": "256MB",
    "hot_standby": "on",
    "timezone": "UTC",
    "log_min_messages": "log",
}


async def until(condition: Callable[[], bool], what: str, seconds_max: float = WAIT_SECONDS_MAX) -> None:
    """Poll until the condition holds."""
    deadline = monotonic() + seconds_max
    while not condition():
        assert monotonic() < deadline, f"not within {seconds_max} seconds: {what}"
        await asyncio.sleep(POLL_SECONDS)


async def until_found(dsn: str, query: str, *arguments: object, seconds_max: float = WAIT_SECONDS_MAX) -> None:
    """Poll until the query's first value is true."""
    deadline = monotonic() + seconds_max
    async with opened(dsn) as connection:
        while not await connection.fetchval(query, *arguments):
            assert monotonic() < deadline, f"not within {seconds_max} seconds: {query}"
            await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A bare connection of the driver, without any setting of the service."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        yield connection
    finally:
        connection.terminate()


@dataclass
class Server:
    """One PostgreSQL server on a folder of its own."""

    machine: "Machine"
    name: str
    process: subprocess.Popen[bytes] | None = None
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.machine.folder / self.name

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def socket(self) -> Path:
        return self.folder / "socket"

    @property
    def dsn(self) -> str:
        """The service's database, as its role."""
        return make_dsn(str(self.socket), PORT)

    @property
    def superuser_dsn(self) -> str:
        """The service's database, as the superuser."""
        return make_dsn(str(self.socket), PORT, SUPERUSER)

    async def start(self) -> None:
        """Start it, and return when it takes connections."""
        settings = SETTINGS | {"cluster_name": self.name, "unix_socket_directories": quoted(self.socket)}
        arguments = [f"--{key}={value}" for key, value in (settings | self.settings).items()]
        self.process = self.machine.launch("postgres", "-D", str(self.data), *arguments, log=self.folder / "log")
        await self._answering()

    async def _answering(self) -> None:
        dsn, deadline = make_dsn(str(self.socket), PORT, SUPERUSER, "postgres"), monotonic() + START_SECONDS_MAX
        while True:
            try:
                async with opened(dsn):
                    return
            except (OSError, asyncpg.CannotConnectNowError):
                assert self.is_running, f"{self.name} ended:\n{self.log_text()}"
                assert monotonic() < deadline, f"{self.name} does not answer:\n{self.log_text()}"
            await asyncio.sleep(POLL_SECONDS)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def log_text(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-5000:]

    async def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Ask the server to stop: by SIGINT cleanly, by SIGQUIT at once and without a checkpoint."""
        process, self.process = self.process, None
        if process is None:
            return
        family = processes_of(process.pid)
        process.send_signal(number)
        send(family, signal.SIGCONT)
        try:
            await asyncio.to_thread(process.wait, WAIT_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            send(family, signal.SIGKILL)
            process.wait()

    async def kill(self) -> None:
        """End every process of it at once; the next start has to recover."""
        assert self.process is not None
        family, process = processes_of(self.process.pid), self.process
        send(family, signal.SIGKILL)
        await asyncio.to_thread(process.wait)
        await until(lambda: not any(one.is_running() for one in family), f"{self.name} is gone")
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        self.process = None

    def freeze(self) -> None:
        """Stop every process of it, as a machine that hangs."""
        assert self.process is not None
        send(processes_of(self.process.pid), signal.SIGSTOP)

    def thaw(self) -> None:
        """Let every process of it go on."""
        assert self.process is not None
        send(processes_of(self.process.pid), signal.SIGCONT)

    async def execute(self, *statements: str) -> None:
        """Run statements as the superuser, each in a transaction of its own."""
        async with opened(self.superuser_dsn) as connection:
            for statement in statements:
                await connection.execute(statement)

    async def install(self, lane_count: int = 4) -> None:
        """Make the schema with its lanes, as the service's role."""
        async with opened(self.dsn) as connection:
            for migration in migrations():
                await connection.execute(migration.sql)
            installation = "INSERT INTO installation (lane_count, currency, development, created_at)"
            await connection.execute(f"{installation} VALUES ($1, 'EUR', true, clock_timestamp())", lane_count)
            await connection.execute("INSERT INTO lanes (lane) SELECT generate_series(0, $1 - 1)", lane_count)

    async def promote(self) -> None:
        """Make the standby a primary of its own timeline."""
        async with opened(self.superuser_dsn) as connection:
            assert await connection.fetchval("SELECT pg_promote(true, 30)")

    async def require(self, standby: "Server | None") -> None:
        """Have every COMMIT wait for the standby from now on, or for none."""
        names = standby.name if standby is not None else ""
        await self.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'", "SELECT pg_reload_conf()")
        wanted = "SELECT current_setting('synchronous_standby_names') = $1"
        await until_found(self.superuser_dsn, wanted, names)
        if standby is not None:
            synchronous = "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')"
            await until_found(self.superuser_dsn, synchronous)


class Machine:
    """Where the servers of one test live, and the account that they run as."""

    def __init__(self, folder: Path, account: Account, binaries: Binaries) -> None:
        self.folder = folder
        self.account = account
        self.binaries = binaries
        self.servers: list[Server] = []

    def launch(self, program: str, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
        """Start a program of PostgreSQL as the account, its life tied to this process."""
        owner = (os.getpid(), self.account.uid, self.account.gid)
        script = [sys.executable, "-I", "-S", launcher.__file__, *map(str, owner)]
        with log.open("ab") as output:
            return subprocess.Popen(
                [*script, str(self.binaries.folder / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=program_environment(),
                cwd="/",
                start_new_session=True,
            )

    async def run(self, program: str, *arguments: str, log: Path) -> None:
        """Run a program of PostgreSQL to its end."""
        process = self.launch(program, *arguments, log=log)
        assert await asyncio.to_thread(process.wait, START_SECONDS_MAX) == 0, log.read_text()

    def add(self, name: str, **settings: str) -> Server:
        """A server with empty folders."""
        server = Server(self, name, settings=settings)
        for folder in (server.folder, server.data, server.socket):
            make_private_folder(folder, self.account)
        self.servers.append(server)
        return server

    async def primary(self, name: str = "primary", **settings: str) -> Server:
        """A running server with the service's role and its empty database."""
        server = self.add(name, **settings)
        trusting = ("--auth-local", "trust")  # its sockets lie in a folder that only the account enters
        await self.run("initdb", *initdb_arguments(str(server.data), SUPERUSER), *trusting, log=server.folder / "log")
        await server.start()
        await set_up_once(server.dsn, server.socket, self.binaries)
        return server

    async def standby(self, primary: Server, name: str = "standby", *, synchronous: bool = True) -> Server:
        """A running standby of the primary, which waits for it from now on if it is synchronous."""
        server = self.add(name)
        await self.back_up(primary, server, "--write-recovery-conf")
        await server.start()
        if synchronous:
            await primary.require(server)
        return server

    async def back_up(self, source: Server, target: Server, *options: str) -> None:
        """Copy a running server into the folder of one that does not run."""
        await self.run(
            "pg_basebackup",
            *("--pgdata", str(target.data), "--host", str(source.socket), "--username", SUPERUSER),
            *("--wal-method", "stream", "--checkpoint", "fast", "--no-sync", *options),
            log=target.folder / "log",
        )

    async def backup(self, source: Server, name: str = "restored") -> Server:
        """A copy of the server as it is now, for `restore`."""
        server = self.add(name)
        await self.back_up(source, server)
        return server

    async def restore(self, copy: Server) -> Server:
        """Start a copy as an operator restores one: recovered to its own end, on a timeline of its own."""
        (copy.data / "recovery.signal").touch()
        copy.settings |= {
            "restore_command": "false",
            "recovery_target": "immediate",
            "recovery_target_action": "promote",
        }
        await copy.start()
        await until_found(copy.superuser_dsn, "SELECT NOT pg_is_in_recovery()")
        return copy

    def end(self) -> None:
        """End every server at once: nobody needs its data any more."""
        for server in reversed(self.servers):
            if server.process is not None:
                send(processes_of(server.process.pid), signal.SIGKILL)
                server.process.wait()


@contextmanager
def machine(bin_dir: Path | None) -> Iterator[Machine]:
    """A folder for servers, which are ended and removed with it."""
    with tempfile.TemporaryDirectory(prefix="orderlane-clusters-") as name:
        folder = Path(name)
        account = server_account(folder / "primary")
        folder.chmod(0o711)
        servers = Machine(folder, account, readable_binaries(find_binaries(bin_dir), account))
        try:
            yield servers
        finally:
            servers.end()


def processes_of(pid: int) -> list[psutil.Process]:
    """A process and all that it started."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def send(processes: list[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to whichever of the processes are still there."""
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Freeze a process and all that it started for as long as the block lasts."""
    family = processes_of(pid)
    send(family, signal.SIGSTOP)
    try:
        yield
    finally:
        send(family, signal.SIGCONT)


@dataclass(frozen=True, slots=True)
class WrongClock:
    """The clock of one process, by libfaketime; it can jump while the process runs.

    Its monotonic clock stays right: so it does where somebody sets a machine's time.
    """

    file: Path

    @classmethod
    def at(cls, folder: Path, offset: str) -> "WrongClock":
        """A clock with an offset such as `+90s`, `-400d` or `+0`."""
        clock = cls(folder / "faketime")
        clock.jump(offset)
        return clock

    def jump(self, offset: str) -> None:
        """Move the clock: from now on it has this offset."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{offset}\n")
        new.rename(self.file)

    @property
    def environment(self) -> dict[str, str]:
        """What the process is started with."""
        library = faketime_library()
        assert library is not None, "libfaketime is not installed: apt-get install faketime"
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


def faketime_library() -> Path | None:
    """The library for programs with threads, where Debian puts it."""
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
