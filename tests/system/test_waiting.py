"""A role that is started before its database waits for it, and is told at once what no waiting cures."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import httpx
import pytest

from orderlane.postgres.embedded.running import make_dsn
from tests.system.clusters import PORT, Machine, Server, machine, until
from tests.system.processes import Program, run_command

ROLES = ("api", "worker", "sender", "gateway", "serve")


@pytest.fixture
def servers(bin_dir: Path | None) -> Iterator[Machine]:
    with machine(bin_dir) as servers:
        yield servers


def arguments_of(role: str) -> tuple[str, ...]:
    return (role, "--port", "0") if role in ("api", "serve") else (role,)


@asynccontextmanager
async def started(folder: Path, dsn: str, roles: Sequence[str] = ROLES) -> AsyncIterator[dict[str, Program]]:
    """Roles apart, and the whole service."""
    settings = {"ORDERLANE_DATABASE_URL": dsn, "ORDERLANE_DATA_DIR": str(folder / "data")}
    programs = {role: Program(arguments_of(role), folder / f"{role}.log", settings) for role in roles}
    try:
        await asyncio.gather(*(program.start() for program in programs.values()))
        yield programs
    finally:
        await asyncio.gather(*(program.stop() for program in programs.values()))


async def test_every_role_waits_for_a_database_that_starts_later(tmp_path: Path, servers: Machine) -> None:
    primary = await servers.primary()
    await primary.stop()
    async with started(tmp_path, primary.dsn) as programs:
        for program in programs.values():
            told = await program.wait_for("waiting_for_database")
            assert "cannot be used: " in told["reason"]
            assert told["waited_seconds"] == 0.0
        assert all(program.running.returncode is None for program in programs.values())

        await primary.start()

        began = monotonic()
        for role, program in programs.items():
            assert (await program.wait_for("database_available"))["waited_seconds"] > 0
            told = await program.wait_for("listening" if role in ("api", "serve") else "started")
            if "url" in told:
                async with httpx.AsyncClient(base_url=told["url"]) as client:
                    assert (await client.get("/health/ready")).status_code == 200
        assert monotonic() - began < 30

        codes = await asyncio.gather(*(program.stop() for program in programs.values()))
        assert codes == [0] * len(ROLES)


async def test_a_role_stops_cleanly_while_it_waits(tmp_path: Path) -> None:
    nowhere = make_dsn(str(tmp_path / "no-socket"), PORT)
    signals = {"worker": signal.SIGTERM, "serve": signal.SIGINT}
    async with started(tmp_path, nowhere, tuple(signals)) as programs:
        for program in programs.values():
            await program.wait_for("waiting_for_database")

        codes = await asyncio.gather(*(programs[role].stop(number) for role, number in signals.items()))

    assert codes == [0, 0]
    assert "Traceback" not in "".join((tmp_path / f"{role}.log").read_text() for role in signals)


async def test_a_host_that_does_not_answer_does_not_keep_a_role_from_stopping(tmp_path: Path) -> None:
    """A server that takes the connection and says nothing, as a frozen host does."""
    held: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    program = Program(
        ("worker",), tmp_path / "log", {"ORDERLANE_DATABASE_URL": f"postgresql://me@127.0.0.1:{port}/orderlane"}
    )
    async with silent:
        await program.start()
        async with asyncio.timeout(30):
            while not held:
                await asyncio.sleep(0.02)
        began = monotonic()
        assert await program.stop() == 0
        assert monotonic() - began < 8, "the program waited for the connection to time out, which takes 10 seconds"
        for writer in held:
            writer.close()


@pytest.mark.thorough
async def test_a_server_that_still_recovers_counts_as_down(tmp_path: Path, servers: Machine) -> None:
    """It answers as one that starts does, until its recovery ends."""
    primary = await servers.primary()
    standby = servers.add("standby")
    await servers.back_up(primary, standby, "--write-recovery-conf")
    options = {"hot_standby": "off", "listen_addresses": "", "unix_socket_directories": str(standby.socket)}
    arguments = [f"--{name}={value}" for name, value in (options | {"port": str(PORT)}).items()]
    standby.process = servers.launch("postgres", "-D", str(standby.data), *arguments, log=standby.folder / "log")
    await until((standby.socket / f".s.PGSQL.{PORT}").exists, "the standby has its socket")
    program = Program(("worker",), tmp_path / "log", {"ORDERLANE_DATABASE_URL": standby.dsn})
    await program.start()
    try:
        told = await program.wait_for("waiting_for_database")
        assert "the database system is" in told["reason"]  # starting up, or not accepting connections

        await servers.run("pg_ctl", "promote", "-w", "-D", str(standby.data), log=standby.folder / "promotion")
        await program.wait_for("started")
    finally:
        assert await program.stop() == 0


@pytest.mark.thorough
async def test_a_standby_counts_as_down_until_it_is_promoted(tmp_path: Path, servers: Machine) -> None:
    primary = await servers.primary()
    standby = await servers.standby(primary, synchronous=False)
    program = Program(("worker",), tmp_path / "log", {"ORDERLANE_DATABASE_URL": standby.dsn})
    await program.start()
    try:
        told = await program.wait_for("waiting_for_database")
        assert "read-only" in told["reason"]

        await primary.stop()
        await standby.promote()
        await program.wait_for("started")
    finally:
        assert await program.stop() == 0


async def test_what_waiting_does_not_cure_ends_a_role_with_a_sentence(tmp_path: Path, servers: Machine) -> None:
    primary = await servers.primary()
    await primary.execute("ALTER ROLE orderlane PASSWORD 'right'")
    await restarted(primary, "local all postgres trust\nlocal nodb orderlane trust\nlocal all all scram-sha-256\n")
    wrong = f"postgresql://orderlane:wrong@/orderlane?host={primary.socket}&port={PORT}"
    await ended_with(wrong, 'password authentication failed for user "orderlane"')
    await ended_with(make_dsn(str(primary.socket), PORT, database="nodb"), 'database "nodb" does not exist')
    await primary.execute("ALTER DATABASE orderlane OWNER TO postgres")
    await restarted(primary, "local all all trust\n")
    await ended_with(primary.dsn, "permission denied for schema public: grant the right to the role, or make")


async def restarted(server: Server, rules: str) -> None:
    """Start the server anew with other rules of who may connect, and how."""
    await server.stop()
    (server.data / "pg_hba.conf").write_text(rules)
    await server.start()


async def ended_with(dsn: str, sentence: str) -> None:
    finished = await run_command("worker", settings={"ORDERLANE_DATABASE_URL": dsn})
    assert (finished.code, finished.out) == (1, "")
    assert finished.err.startswith("orderlane: ")
    assert sentence in finished.err
    assert len(finished.err.splitlines()) == 1
    assert "wrong" not in finished.err
