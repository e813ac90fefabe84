"""Roles as processes of their own on a server of a test's cluster, investors who order all the time, and a doctor."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from time import monotonic

import httpx

from orderlane_client import OrderlaneClient
from tests.system.investors import Market
from tests.system.mailbox import Mailbox, open_mailbox
from tests.system.processes import Finished, run_command
from tests.system.test_roles import Fleet

INSTRUMENTS = Path(__file__).parents[2] / "src/orderlane/master_data/instruments.csv"
SETTINGS = {"ORDERLANE_LANE_COUNT": "8", "ORDERLANE_LANE_WORKERS": "1", "ORDERLANE_LOG_LEVEL": "info"}
AMOUNT = Decimal("50.01")
MESSAGE_AGE = "orderlane_oldest_inbox_message_age_seconds"


@dataclass
class Service:
    """A fleet with its investors and its subscriber."""

    fleet: Fleet
    credentials: Mapping[str, str]
    market: Market
    mailbox: Mailbox

    def client(self, retry_seconds: float) -> OrderlaneClient:
        """Another connection of the same client."""
        credentials = self.credentials["client_id"], self.credentials["client_secret"]
        return OrderlaneClient(self.fleet.url, *credentials, retry_seconds=retry_seconds)

    def pid(self, role: str) -> int:
        return self.fleet.programs[role].running.pid

    def log_of(self, role: str) -> str:
        return self.fleet.programs[role].log.read_text()

    async def doctor(self) -> dict[str, str]:
        """What the doctor finds wrong, by subject."""
        finished: Finished = await run_command("doctor", "--json", settings=self.fleet.settings)
        assert finished.lines, finished.err
        return {line["subject"]: line["text"] for line in finished.lines if not line["is_well"]}

    async def seconds_until_told(self, words: str, seconds_max: float) -> float:
        """How long the doctor takes to find something with these words."""
        began = monotonic()
        while True:
            wrong = await self.doctor()
            seconds = monotonic() - began
            if any(words in text for text in wrong.values()):
                return seconds
            assert seconds < seconds_max, f"the doctor does not say {words!r}: {wrong}"

    async def metric(self, name: str) -> float:
        async with httpx.AsyncClient(base_url=self.fleet.url, verify=False) as http:  # there is no TLS
            lines = (await http.get("/metrics")).text.splitlines()
        [value] = [line.split()[1] for line in lines if line.startswith(f"{name} ")]
        return float(value)

    @asynccontextmanager
    async def load(self) -> AsyncIterator[None]:
        """Every investor orders, again and again, for as long as the block lasts."""
        stop = asyncio.Event()

        async def order() -> None:
            while not stop.is_set():
                await self.market.place_for_all([AMOUNT])
                await asyncio.sleep(0.2)

        ordering = asyncio.create_task(order())
        try:
            yield
        finally:
            stop.set()
            await ordering


class ApartFleet(Fleet):
    """A fleet of chosen roles, each with settings of its own beside those of all."""

    def __init__(self, folder: Path, settings: dict[str, str], own: Mapping[str, Mapping[str, str]]) -> None:
        super().__init__(folder, settings)
        self.own = own

    async def start(self, name: str) -> None:
        common = self.settings
        self.settings = common | dict(self.own.get(name, {}))
        try:
            await super().start(name)
        finally:
            self.settings = common


@asynccontextmanager
async def running(
    folder: Path,
    dsn: str,
    roles: tuple[str, ...],
    own: Mapping[str, Mapping[str, str]] | None = None,
    investors: int = 8,
) -> AsyncIterator[Service]:
    """An API and these roles, with instruments, funded investors and a subscriber."""
    fleet = ApartFleet(folder, SETTINGS | {"ORDERLANE_DATABASE_URL": dsn}, own or {})
    async with AsyncExitStack() as stack:
        stack.push_async_callback(fleet.stop_all)
        for name in ("api", *roles):
            await fleet.start(name)
        loaded = await run_command("instruments", "load", INSTRUMENTS, settings=fleet.settings)
        assert loaded.code == 0, loaded.err
        made = await run_command("client", "create", "--name", "fleet", "--json", settings=fleet.settings)
        assert made.code == 0, made.err
        [credentials] = made.lines
        client = OrderlaneClient(fleet.url, credentials["client_id"], credentials["client_secret"], retry_seconds=30)
        await stack.enter_async_context(client)
        mailbox = await stack.enter_async_context(open_mailbox())
        market = Market(client)
        await market.open(investors, Decimal(1_000_000))
        await mailbox.subscribe(client)
        yield Service(fleet, credentials, market, mailbox)
