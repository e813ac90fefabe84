"""The roles as processes of their own on one database, and each of them killed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from orderlane.postgres.embedded import EmbeddedPostgres
from orderlane_client import OrderlaneClient
from tests.system.auditor import audit
from tests.system.investors import Market
from tests.system.mailbox import open_mailbox
from tests.system.processes import Program, nothing_left, run_command

ROLES = ("worker", "worker-2", "gateway", "sender")
SLOW_MARKET = {"ORDERLANE_VENUE_SIMULATED_ACK_MS": "5-200", "ORDERLANE_VENUE_SIMULATED_FILL_MS": "20-800"}


class Fleet:
    """Every role apart: an API, two workers, a gateway and a sender."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder = folder
        self.settings = settings | SLOW_MARKET
        self.programs: dict[str, Program] = {}
        self.url = ""

    async def start(self, name: str) -> None:
        arguments = [name.partition("-")[0], "--data-dir", str(self.folder / "data")]
        if name in ("api", "sender"):
            arguments.append("--allow-insecure-webhooks")
        if name == "api":
            arguments += ["--port", self.url.rpartition(":")[2] or "0"]
        program = self.programs[name] = Program(tuple(arguments), self.folder / f"{name}.log", self.settings)
        await program.start()
        told = await program.wait_for("listening" if name == "api" else "started")
        self.url = told.get("url", self.url)

    async def start_all(self) -> None:
        for name in ("api", *ROLES):
            await self.start(name)

    async def stop_all(self) -> None:
        await asyncio.gather(*(program.stop() for program in self.programs.values()))

    async def client(self) -> OrderlaneClient:
        command = ("client", "create", "--name", "fleet", "--json", "--data-dir", self.folder / "data")
        made = await run_command(*command, settings=self.settings)
        assert made.code == 0, made.err
        [facts] = made.lines
        return OrderlaneClient(self.url, facts["client_id"], facts["client_secret"], retry_seconds=30)


@asynccontextmanager
async def running_fleet(folder: Path, **settings: str) -> AsyncIterator[Fleet]:
    fleet = Fleet(folder, settings)
    try:
        await fleet.start_all()
        instruments = Path(__file__).parents[2] / "src/orderlane/master_data/instruments.csv"
        loaded = await run_command(
            "instruments", "load", instruments, "--data-dir", folder / "data", settings=fleet.settings
        )
        assert loaded.code == 0, loaded.err
        yield fleet
    finally:
        await fleet.stop_all()


@pytest.fixture
async def database(tmp_path: Path, bin_dir: Path | None) -> AsyncIterator[str]:
    """A PostgreSQL that none of the roles owns."""
    async with EmbeddedPostgres(tmp_path / "postgresql", bin_dir) as server:
        yield server.dsn


async def test_roles_apart_do_the_main_job_and_each_may_be_killed(tmp_path: Path, database: str) -> None:
    async with AsyncExitStack() as stack:
        fleet = await stack.enter_async_context(running_fleet(tmp_path, ORDERLANE_DATABASE_URL=database))
        client = await stack.enter_async_context(await fleet.client())
        mailbox = await stack.enter_async_context(open_mailbox())
        market = Market(client)
        await market.open(4)
        await mailbox.subscribe(client)

        for name in (*ROLES, "api"):
            placing = asyncio.create_task(market.place_for_all([Decimal("50.01"), Decimal("99.99")]))
            await mailbox.until_count(len(mailbox.received) + 15)
            await fleet.programs[name].kill()
            await fleet.start(name)
            await placing

        await mailbox.until_final(market.accepted_ids)
        await audit(database, market.accepted_ids, mailbox.received)


async def test_roles_share_the_database_of_a_data_folder_and_take_it_over(tmp_path: Path) -> None:
    async with running_fleet(tmp_path) as fleet, await fleet.client() as client, open_mailbox() as mailbox:
        market = Market(client)
        await market.open(2)
        await mailbox.subscribe(client)
        await market.place_for_all([Decimal("100.00")])

        await fleet.programs["api"].kill()  # it was the first, so the database has died with it
        await fleet.start("api")
        await market.place_for_all([Decimal("123.45")])

        await mailbox.until_final(market.accepted_ids)
        sane = await run_command("doctor", "--data-dir", tmp_path / "data")
        assert sane.code == 0, sane.out
        await fleet.programs["worker"].stop()
        await fleet.programs["worker-2"].stop()
        ill = await run_command("doctor", "--data-dir", tmp_path / "data")
        assert ill.code == 1
        assert "64 of 64 lanes have no worker" in ill.out
    await nothing_left(tmp_path)
