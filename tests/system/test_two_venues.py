"""Two venues side by side: each instrument at its own, a gateway for each, and one of them killed."""

import asyncio
import csv
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from orderlane.master_data import instruments as shipped
from orderlane.postgres.embedded import EmbeddedPostgres
from orderlane_client import OrderlaneClient
from orderlane_client.resources import Order
from tests.system.auditor import audit
from tests.system.investors import WEIGHTS, Market
from tests.system.processes import Finished, Program, run_command, running_service
from tests.venue_packages import install_paper_venue

AT_SECOND = frozenset({"DE0007164600", "NL0010273215"})
AT_SIMULATED = WEIGHTS.keys() - AT_SECOND
WAIT_SECONDS_MAX = 60
SETTINGS = {
    "ORDERLANE_VENUES": "SIMULATED,SECOND=simulated",
    "ORDERLANE_VENUE_SECOND_SEED": "2",
    "ORDERLANE_VENUE_SECOND_FILL_MS": "3000-4000",
}
"""Fills at the second venue take so long that it can be killed before they are there."""
PROGRAMS = {
    "api": ("api", "--port", "0"),
    "worker": ("worker",),
    "SIMULATED": ("gateway", "--venue", "SIMULATED"),
    "SECOND": ("gateway", "--venue", "SECOND"),
}


class Exchange:
    """The service with a gateway for each venue, every role a process of its own."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder, self.settings = folder, settings
        self.programs: dict[str, Program] = {}
        self.url = ""

    async def start(self, name: str) -> None:
        program = self.programs[name] = Program(PROGRAMS[name], self.folder / f"{name}.log", self.settings)
        await program.start()
        told = await program.wait_for("listening" if name == "api" else "started")
        self.url = told.get("url", self.url)

    async def command(self, *arguments: str | Path) -> Finished:
        finished = await run_command(*arguments, settings=self.settings)
        assert finished.code == 0, finished.err
        return finished

    async def client(self) -> OrderlaneClient:
        [facts] = (await self.command("client", "create", "--name", "exchange", "--json")).lines
        return OrderlaneClient(self.url, facts["client_id"], facts["client_secret"], retry_seconds=30)


@pytest.fixture
async def database(tmp_path: Path, bin_dir: Path | None) -> AsyncIterator[str]:
    """A PostgreSQL that none of the roles owns."""
    async with EmbeddedPostgres(tmp_path / "postgresql", bin_dir) as server:
        yield server.dsn


@asynccontextmanager
async def running_exchange(folder: Path, database: str) -> AsyncIterator[Exchange]:
    exchange = Exchange(folder, SETTINGS | {"ORDERLANE_DATABASE_URL": database})
    try:
        for name in PROGRAMS:
            await exchange.start(name)
        await exchange.command("instruments", "load", instruments_at_two_venues(folder))
        yield exchange
    finally:
        await asyncio.gather(*(program.stop() for program in exchange.programs.values()))


def instruments_at_two_venues(folder: Path) -> Path:
    """The shipped list with a column more; most instruments name no venue, so the default one is theirs."""
    with Path(shipped.__file__).with_name("instruments.csv").open() as file:
        rows = [row | {"venue": "SECOND" if row["isin"] in AT_SECOND else ""} for row in csv.DictReader(file)]
    path = folder / "instruments.csv"
    with path.open("w") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


async def orders_when(
    client: OrderlaneClient, account_id: UUID, isins: Iterable[str], is_reached: Callable[[Order], bool]
) -> dict[str, Order]:
    """All orders of the account by ISIN, as soon as those of `isins` have reached what is asked."""
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while True:
            orders = {order.instrument_id: order for order in await client.account_orders(account_id)}
            if orders.keys() >= set(isins) and all(is_reached(orders[isin]) for isin in isins):
                return orders
            await asyncio.sleep(0.05)


def is_filled(order: Order) -> bool:
    return order.status == "FILLED"


def is_at_the_venue(order: Order) -> bool:
    return order.status == "PROCESSING"


async def test_one_portfolio_order_fills_at_both_venues_and_outlives_the_gateway_of_one(
    tmp_path: Path, database: str
) -> None:
    async with running_exchange(tmp_path, database) as exchange, await exchange.client() as client:
        market = Market(client)
        await market.open(1)
        [investor] = market.investors
        assert (await client.instrument("DE0007164600")).venue == "SECOND"

        placed = await market.place(investor, Decimal("1000.00"))
        await orders_when(client, investor.account_id, AT_SECOND, is_at_the_venue)
        await exchange.programs["SECOND"].kill()

        orders = await orders_when(client, investor.account_id, AT_SIMULATED, is_filled)
        assert {orders[isin].status for isin in AT_SECOND} == {"PROCESSING"}
        assert not any(orders[isin].executions for isin in AT_SECOND)
        assert (await client.portfolio_order(placed.id)).status == "PROCESSING"

        await exchange.start("SECOND")
        orders = await orders_when(client, investor.account_id, WEIGHTS, is_filled)
        await market.until_filled(placed.id)
        assert_executed_at_their_venues(orders)
        await audit(database, market.accepted_ids)
        await a_whole_gateway_and_the_operator(exchange)


def assert_executed_at_their_venues(orders: dict[str, Order]) -> None:
    venues = {
        isin: {(execution.venue, execution.venue_id) for execution in order.executions}
        for isin, order in orders.items()
    }
    for isin, found in venues.items():
        assert {name for name, _ in found} == {"SECOND" if isin in AT_SECOND else "SIMULATED"}
    assert len(set().union(*venues.values())) == 2, "each venue has one id"


async def a_whole_gateway_and_the_operator(exchange: Exchange) -> None:
    """One process without a name serves both venues; `doctor` tells of each."""
    for name in ("SIMULATED", "SECOND"):
        await exchange.programs.pop(name).stop()
    ill = await run_command("doctor", settings=exchange.settings)
    assert "gateways of SECOND: 64 of 64 lanes have no gateway" in ill.out
    both = exchange.programs["both"] = Program(("gateway",), exchange.folder / "both.log", exchange.settings)
    await both.start()
    assert (await both.wait_for("started"))["venues"] == ["SIMULATED", "SECOND"]
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while "have no gateway" in (await run_command("doctor", settings=exchange.settings)).out:
            continue


@pytest.mark.parametrize(
    ("arguments", "settings", "sentence"),
    [
        (("--venue", "THIRD"), {}, "--venue is 'THIRD', but must be one of ORDERLANE_VENUES (SIMULATED)"),
        ((), {"ORDERLANE_VENUES": "A=moon"}, "ORDERLANE_VENUES is 'A=moon', but must be of a kind that is installed"),
        ((), {"ORDERLANE_VENUE_SIMULATED_SEED": "x"}, "ORDERLANE_VENUE_SIMULATED_SEED is 'x', but must be a whole"),
    ],
)
async def test_a_wrong_venue_is_refused_in_a_sentence_before_anything_starts(
    tmp_path: Path, arguments: tuple[str, ...], settings: dict[str, str], sentence: str
) -> None:
    refused = await run_command("gateway", *arguments, "--data-dir", tmp_path / "data", settings=settings)

    assert refused.code == 2
    assert refused.err.startswith(f"orderlane: {sentence}")
    assert not (tmp_path / "data").exists()


async def test_a_venue_from_another_package_executes_orders_of_the_service(tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    install_paper_venue(packages)
    settings = {"ORDERLANE_VENUES": "PAPER", "PYTHONPATH": str(packages)}

    async with running_service(tmp_path, **settings) as service, service.client() as client:
        market = Market(client)
        await market.open(1)
        placed = await market.place(market.investors[0], Decimal("1000.00"))
        await market.until_filled(placed.id)
        orders = await client.account_orders(market.investors[0].account_id)

    assert {execution.venue for order in orders for execution in order.executions} == {"PAPER"}
