"""The service under measurement: each role in a process of its own, on one embedded PostgreSQL, with a sink beside."""

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import psutil
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from benchmarks.database import MeasuredDatabase
from benchmarks.load import Answers, Load
from benchmarks.processes import PROGRAM, Running, answer_of, start
from benchmarks.sink import Arrival, Progress
from orderlane_client.client import OrderlaneClient
from orderlane_client.signing import RequestSigner

KEY_ID = "benchmark"
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Shape:
    """How many processes of each role, and what they are told."""

    workers: int = 1
    senders: int = 1
    gateways: int = 1
    venue_split_percent: int = 0
    log_level: str = "info"
    signed: bool = False

    @property
    def roles(self) -> dict[str, int]:
        """How many processes of each role."""
        return {"api": 1, "worker": self.workers, "gateway": self.gateways, "sender": self.senders}

    @property
    def environment(self) -> dict[str, str]:
        """The settings of every process: a venue without latency, webhooks to loopback."""
        return {
            "ORDERLANE_VENUE_SIMULATED_ACK_MS": "0-0",
            "ORDERLANE_VENUE_SIMULATED_FILL_MS": "0-0",
            "ORDERLANE_VENUE_SIMULATED_SPLIT_PERCENT": str(self.venue_split_percent),
            "ORDERLANE_ALLOW_INSECURE_WEBHOOKS": "true",
            "ORDERLANE_LOG_LEVEL": self.log_level,
            "ORDERLANE_TOKEN_REQUESTS_PER_MINUTE": "1000000",
        }


@dataclass(frozen=True, slots=True)
class Credentials:
    """A client of the API, and its key when it signs."""

    client_id: str
    client_secret: str
    key_pem: str = ""

    def open_client(self, url: str) -> OrderlaneClient:
        """The Python client."""
        signer = RequestSigner.from_pem(KEY_ID, self.key_pem) if self.key_pem else None
        return OrderlaneClient(url, self.client_id, self.client_secret, signer=signer)


class Service:
    """The running service, with a load to put on it and a sink to look into."""

    def __init__(
        self, database: MeasuredDatabase, folder: Path, url: str, roles: Mapping[str, Running], sink: Running
    ) -> None:
        self.database, self.url = database, url
        self._folder, self._roles, self._sink = folder, roles, sink
        self.sink_url = ""
        self.credentials = Credentials("", "")

    @property
    def processes(self) -> dict[str, psutil.Process]:
        """Every process that is measured but the database's, by name."""
        return {name: one.measured for name, one in {**self._roles, "sink": self._sink}.items()}

    async def place(self, bodies: list[str], clients: int, rate: float | None = None) -> Answers:
        """Have a process of its own place portfolio orders."""
        load = Load(
            self.url,
            await self._access_token(),
            bodies,
            clients,
            rate,
            key_id=KEY_ID,
            key_pem=self.credentials.key_pem,
        )
        told = msgspec.json.encode(load)
        printed = await answer_of(
            self._folder, sys.executable, "-m", "benchmarks.load", environment={"PYTHONPATH": str(ROOT)}, told=told
        )
        return msgspec.json.decode(printed, type=Answers)

    async def _access_token(self) -> str:
        async with self.credentials.open_client(self.url) as client:
            return await client.access_token()

    async def progress(self) -> Progress:
        """How much has come to the sink."""
        return msgspec.json.decode(await self._ask_sink("GET", "/progress"), type=Progress)

    async def arrivals(self) -> list[Arrival]:
        """All that has come to the sink."""
        return msgspec.json.decode(await self._ask_sink("GET", "/arrivals"), type=list[Arrival])

    async def forget_arrivals(self) -> None:
        """Let the sink begin anew."""
        await self._ask_sink("POST", "/forget")

    async def _ask_sink(self, method: str, path: str) -> bytes:
        async with aiohttp.request(method, self.sink_url + path) as answer:
            return await answer.read()


@asynccontextmanager
async def open_service(shape: Shape, folder: Path) -> AsyncIterator[Service]:
    """Start everything, and end it."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(MeasuredDatabase(folder / "data"))
        to_database = {**shape.environment, "ORDERLANE_DATABASE_URL": database.dsn}
        await answer_of(folder, PROGRAM, "migrate", environment=to_database)
        with as_file(files("orderlane.master_data") / "instruments.csv") as instruments:
            await answer_of(folder, PROGRAM, "instruments", "load", instruments, environment=to_database)
        credentials = await create_client(folder, to_database, signed=shape.signed)
        sink = await start(
            "sink", folder, sys.executable, "-m", "benchmarks.sink", environment={"PYTHONPATH": str(ROOT)}
        )
        stack.push_async_callback(sink.end)
        sink_url = await sink.read_line()
        roles, url = await _start_roles(shape, folder, database, stack)
        service = Service(database, folder, url, roles, sink)
        service.sink_url, service.credentials = sink_url, credentials
        yield service


async def _start_roles(
    shape: Shape, folder: Path, database: MeasuredDatabase, stack: AsyncExitStack
) -> tuple[dict[str, Running], str]:
    roles: dict[str, Running] = {}
    url = ""
    for role, count in shape.roles.items():
        for number in range(1, count + 1):
            name = role if count == 1 else f"{role} {number}"
            environment = {**shape.environment, "ORDERLANE_DATABASE_URL": database.dsn_of(role)}
            port = ("--port", "0") if role == "api" else ()
            running = await start(name, folder, PROGRAM, role, "--json", *port, environment=environment)
            roles[name] = running
            stack.push_async_callback(running.end)
            facts = await running.read_announcement("listening" if role == "api" else "started")
            url = url or facts.get("url", "")
    return roles, url


async def create_client(folder: Path, environment: Mapping[str, str], *, signed: bool) -> Credentials:
    """Add a client of the API, which must sign its requests if `signed`."""
    key = Ed25519PrivateKey.generate()
    options: list[str | Path] = []
    if signed:
        public_key = folder / "public.pem"
        public_key.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        options = ["--require-signatures", "--public-key", public_key, "--key-id", KEY_ID]
    command = [PROGRAM, "client", "create", "--name", "benchmark", "--json", *options]
    facts: dict[str, Any] = msgspec.json.decode(await answer_of(folder, *command, environment=environment))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode() if signed else ""
    return Credentials(facts["client_id"], facts["client_secret"], pem)
