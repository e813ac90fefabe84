"""A client whose receivers never answer takes no connections from others: real processes with few descriptors."""

import asyncio
import resource
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import aiohttp
import asyncpg
import pytest

from orderlane.sources import Sources, system_sources
from tests.database.webhooks.events import EventWriter
from tests.database.webhooks.receivers import Receiver, receiving
from tests.database.webhooks.subscriptions import add_subscription, new_client
from tests.system.processes import Program, run_command

WAIT_SECONDS_MAX = 60
BACKLOG = 2048
PROBES = 4
PROBE_SECONDS = 0.25


@pytest.fixture(autouse=True)
def enough_descriptors() -> Iterator[None]:
    """The other end of every connection is in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@dataclass
class Hanging:
    """A receiver that takes every connection, and never answers."""

    url: str = ""
    open: int = 0
    open_max: int = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.open_max = max(self.open_max, self.open)
        try:
            with suppress(OSError):
                while await reader.read(65_536):
                    continue
        finally:
            self.open -= 1
            writer.close()

    async def until_open(self, count: int) -> None:
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while self.open < count:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def hanging() -> AsyncIterator[Hanging]:
    receiver = Hanging()
    server = await asyncio.start_server(receiver.take, "127.0.0.1", 0, backlog=BACKLOG)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield receiver
    finally:
        server.close()


async def new_writer(connection: asyncpg.Connection, sources: Sources) -> EventWriter:
    """Who writes the events of a new client."""
    return EventWriter(connection, sources, await new_client(connection, sources))


PACKED = "SELECT count(*) FROM webhook_cursors WHERE package_id IS NOT NULL OR attempts > 0"


async def until_packed(connection: asyncpg.Connection, count: int) -> None:
    """Wait until so many packages are in flight, or wait for their turn."""
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while await connection.fetchval(PACKED) < count:
            await asyncio.sleep(0.02)


async def seconds_until_told(writer: EventWriter, receiver: Receiver) -> float:
    """How long an event takes to its receiver."""
    began = monotonic()
    await writer.write(0)
    await receiver.until_accepted(len(writer.written))
    return monotonic() - began


@dataclass(frozen=True)
class Measured:
    """What became of the others: how long each event took, and what was stored of attempts."""

    seconds: list[float]
    open_max: int
    errors: dict[str | None, int]


async def measure_deliveries(
    dsn: str, connection: asyncpg.Connection, folder: Path, *, hanging_count: int, descriptors: tuple[int, int]
) -> Measured:
    """Deliver to a client with hanging receivers, and meanwhile to another with one that answers."""
    sources = system_sources()
    greedy, other = [await new_writer(connection, sources) for _ in range(2)]
    async with hanging() as silent, receiving() as receiver:
        for _ in range(hanging_count):
            await add_subscription(connection, sources, greedy.client_id, silent.url)
        await add_subscription(connection, sources, other.client_id, receiver.url)
        arguments = ("sender", "--allow-insecure-webhooks")
        program = Program(arguments, folder / "sender.log", {"ORDERLANE_DATABASE_URL": dsn}, descriptors)
        try:
            await program.start()
            await program.wait_for("started")
            await greedy.write(1)
            await until_packed(connection, hanging_count)
            seconds = [await seconds_until_told(other, receiver) for _ in range(5)]
        finally:
            await program.kill()
    rows = await connection.fetch("SELECT error_code, count(*) FROM webhook_attempts GROUP BY error_code")
    return Measured(seconds, silent.open_max, {row["error_code"]: row["count"] for row in rows})


async def test_hanging_receivers_delay_no_other_client(
    dsn: str, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    measured = await measure_deliveries(dsn, connection, tmp_path, hanging_count=150, descriptors=(128, 128))

    assert max(measured.seconds) < 3
    assert not set(measured.errors) & {"no_network", "no_descriptors", "no_memory"}


@pytest.mark.thorough
@pytest.mark.parametrize("hard", [1024, 20_000])
async def test_1200_hanging_receivers_delay_no_other_client(
    dsn: str, connection: asyncpg.Connection, tmp_path: Path, hard: int
) -> None:
    measured = await measure_deliveries(dsn, connection, tmp_path, hanging_count=1200, descriptors=(1024, hard))

    assert max(measured.seconds) < 3
    assert hard == 1024 or measured.open_max == 1200
    assert not set(measured.errors) & {"no_network", "no_descriptors", "no_memory"}


@dataclass(frozen=True)
class Called:
    """The statuses of the test calls, and how long new connections took that were answered meanwhile."""

    statuses: Counter[int | str]
    retry_after: set[str]
    seconds: list[float]
    dropped: int


async def new_session(folder: Path, url: str, settings: dict[str, str]) -> aiohttp.ClientSession:
    """A client of the API with a token, and as many connections as it likes."""
    made = await run_command("client", "create", "--name", "tests", "--json", "--data-dir", folder, settings=settings)
    assert made.code == 0, made.err
    [facts] = made.lines
    form = {name: facts[name] for name in ("client_id", "client_secret")} | {"grant_type": "client_credentials"}
    async with aiohttp.ClientSession(url) as session, session.post("/auth/token", data=form) as answer:
        token = (await answer.json())["access_token"]
    connector = aiohttp.TCPConnector(limit=0)
    return aiohttp.ClientSession(url, connector=connector, headers={"authorization": f"Bearer {token}"})


async def seconds_of_new_connection(url: str) -> float:
    """How long it takes to connect and to get an answer."""
    began = monotonic()
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(url, timeout=timeout) as session, session.get("/health/live") as answer:
        assert answer.status == 200
    return monotonic() - began


async def call_and_measure(session: aiohttp.ClientSession, url: str, webhook_id: str, count: int) -> Called:
    """Make test calls all at once, and meanwhile new connections; the calls that wait for the receiver are given up."""
    statuses: Counter[int | str] = Counter()
    waits: set[str] = set()

    async def call() -> None:
        try:
            async with session.post(f"/webhooks/{webhook_id}/test") as answer:
                await answer.read()
                statuses[answer.status] += 1
                waits.update(answer.headers.getall("retry-after", []))
        except aiohttp.ClientError as error:
            statuses[type(error).__name__] += 1

    calls = [asyncio.create_task(call()) for _ in range(count)]
    seconds, dropped = [], 0
    for _ in range(PROBES):
        try:
            seconds.append(await seconds_of_new_connection(url))
        except (aiohttp.ClientError, TimeoutError):
            dropped += 1
        await asyncio.sleep(PROBE_SECONDS)
    _, hanging_calls = await asyncio.wait(calls, timeout=0)
    for task in hanging_calls:
        task.cancel()
    await asyncio.wait(calls)
    statuses["hanging"] = len(hanging_calls)
    return Called(statuses, waits, seconds, dropped)


async def measure_test_calls(dsn: str, folder: Path, *, call_count: int, descriptors: tuple[int, int]) -> Called:
    settings = {"ORDERLANE_DATABASE_URL": dsn, "ORDERLANE_DATABASE_CONNECTIONS": "2"}
    arguments = ("api", "--port", "0", "--allow-insecure-webhooks")
    program = Program(arguments, folder / "api.log", settings, descriptors)
    try:
        await program.start()
        url = (await program.wait_for("listening"))["url"]
        async with hanging() as silent, await new_session(folder, url, settings) as session:
            body = {"title": "hanging", "url": silent.url}
            async with session.post("/webhooks", json=body) as answer:
                webhook_id = (await answer.json())["id"]
            return await call_and_measure(session, url, webhook_id, call_count)
    finally:
        await program.kill()


async def test_test_calls_drop_no_new_connections(dsn: str, tmp_path: Path) -> None:
    called = await measure_test_calls(dsn, tmp_path, call_count=80, descriptors=(192, 192))

    assert called.dropped == 0
    assert called.statuses == {429: 76, "hanging": 4}
    assert all(1 <= int(seconds) <= 15 for seconds in called.retry_after)


async def answer_to_new_connection(url: str) -> int:
    async with aiohttp.ClientSession(url) as session, session.get("/health/live") as answer:
        return answer.status


async def test_more_connections_than_descriptors_keep_no_caller_out(dsn: str, tmp_path: Path) -> None:
    settings = {"ORDERLANE_DATABASE_URL": dsn, "ORDERLANE_DATABASE_CONNECTIONS": "2"}
    program = Program(("api", "--port", "0"), tmp_path / "api.log", settings, (192, 192))
    unfinished: list[asyncio.StreamWriter] = []
    try:
        await program.start()
        url = (await program.wait_for("listening"))["url"]
        for _ in range(400):
            _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
            unfinished.append(writer)
            writer.write(b"GET /health/live HTTP/1.1\r\n")

        assert [await answer_to_new_connection(url) for _ in range(5)] == [200] * 5
    finally:
        await program.stop()
        for writer in unfinished:
            writer.close()


@pytest.mark.thorough
@pytest.mark.parametrize("hard", [1024, 20_000])
async def test_700_test_calls_drop_no_new_connections(dsn: str, tmp_path: Path, hard: int) -> None:
    called = await measure_test_calls(dsn, tmp_path, call_count=700, descriptors=(1024, hard))

    assert called.dropped == 0
    assert called.statuses == {429: 696, "hanging": 4}
