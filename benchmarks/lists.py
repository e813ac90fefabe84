"""`python -m benchmarks.lists`: one client's largest lists, and what other clients notice of them meanwhile."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from urllib.parse import urlsplit

import aiohttp
import msgspec
import psutil
from cyclopts import App, Parameter
from msgspec import Struct
from rich.console import Console
from rich.table import Table
from stdnum import isin as isin_number

from benchmarks.figures import MEGABYTE, Spread, spread
from benchmarks.polling import Latencies, Polled
from benchmarks.portfolio_orders import Count, until
from benchmarks.processes import PROGRAM, ProcessFailed, Running, answer_of, cpu_seconds, start
from benchmarks.scene import CURRENCY, PERSON, Owner, Scene
from benchmarks.service import ROOT, Credentials, Service, Shape, create_client, open_service

AMOUNT = Decimal("1000.00")
FILL_SECONDS_MAX = 600
SAMPLE_SECONDS = 0.01

app = App(help=__doc__)


class NotFilled(Exception):
    """The account's orders are not as the measurement needs them: says how many have which status."""


class Load(Struct, frozen=True):
    """A list that is asked for, and how many times at once."""

    name: str
    path: str
    at_once: int


class Measured(Struct, frozen=True):
    """What a load has shown: its answers by status, and what others noticed meanwhile."""

    name: str
    at_once: int
    statuses: dict[int, int]
    entries: int
    body_bytes: int
    seconds: Spread
    live: Spread
    other: Spread
    memory_mb: float
    memory_peak_mb: float
    cpu_seconds: float


class Bench:
    """One run against a running service."""

    def __init__(self, service: Service, folder: Path, client: Credentials, other: Credentials) -> None:
        self._service, self._folder = service, folder
        self._client, self._other = client, other
        self._api = service.processes["api"]

    async def measure(self, load: Load, other_path: str) -> Measured:
        """Ask for a list some times at once while others ask for something small."""
        token = await self._token(self._client)
        before = self._api.memory_info().rss
        cpu = -cpu_seconds(self._api)
        async with self._polling("/health/live") as live, self._polling(other_path, self._other) as other:
            await asyncio.sleep(0.3)
            sampling = asyncio.create_task(_memory_peak(self._api))
            answers = await self._answers(load, token)
            sampling.cancel()
            peak = await sampling
        bodies = [body for status, body, _ in answers if status == 200]
        statuses = [status for status, _, _ in answers]
        return Measured(
            name=load.name,
            at_once=load.at_once,
            statuses={status: statuses.count(status) for status in sorted(set(statuses))},
            entries=len(msgspec.json.decode(bodies[0]).get("data", ())) if bodies else 0,
            body_bytes=max(map(len, bodies), default=0),
            seconds=spread([seconds for status, _, seconds in answers if status == 200] or [0]),
            live=spread(live[0].seconds),
            other=spread(other[0].seconds),
            memory_mb=round(before / MEGABYTE, 1),
            memory_peak_mb=round(peak / MEGABYTE, 1),
            cpu_seconds=round(cpu + cpu_seconds(self._api), 3),
        )

    async def _answers(self, load: Load, token: str) -> list[tuple[int, bytes, float]]:
        async with aiohttp.ClientSession(
            self._service.url, connector=aiohttp.TCPConnector(limit=0), headers={"authorization": f"Bearer {token}"}
        ) as session:

            async def ask() -> tuple[int, bytes, float]:
                began = time.perf_counter()
                async with session.get(load.path) as answer:
                    return answer.status, await answer.read(), time.perf_counter() - began

            return await asyncio.gather(*(ask() for _ in range(load.at_once)))

    @asynccontextmanager
    async def _polling(self, path: str, client: Credentials | None = None) -> AsyncIterator[list[Latencies]]:
        """Poll a path for as long as the block lasts; afterwards the list holds the latencies."""
        parts = urlsplit(self._service.url)
        token = "" if client is None else await self._token(client)
        polled = Polled(parts.hostname or "", parts.port or 0, path, token)
        running: Running = await start(
            "polling", self._folder, sys.executable, "-m", "benchmarks.polling", environment={"PYTHONPATH": str(ROOT)}
        )
        assert running.process.stdin is not None
        running.process.stdin.write(msgspec.json.encode(polled) + b"\n")
        latencies: list[Latencies] = []
        yield latencies
        running.process.stdin.close()
        printed, _ = await running.process.communicate()
        latencies.append(msgspec.json.decode(printed, type=Latencies))

    async def _token(self, client: Credentials) -> str:
        async with client.open_client(self._service.url) as opened:
            return await opened.access_token()


async def _memory_peak(process: psutil.Process) -> int:
    """The most memory that the process has until this is cancelled, in bytes."""
    peak = 0
    try:
        while True:
            peak = max(peak, process.memory_info().rss)
            await asyncio.sleep(SAMPLE_SECONDS)
    except asyncio.CancelledError:
        return peak


def made_isins(count: int) -> list[str]:
    """ISINs of instruments that do not exist."""
    bodies = [f"LI{number:09d}" for number in range(count)]
    return [body + isin_number.calc_check_digit(body) for body in bodies]


async def load_instruments(service: Service, folder: Path, isins: Sequence[str]) -> None:
    """Add instruments to the master data."""
    lines = ["isin,wkn,name,currency,minimum_amount,fractional,trading_status,price"]
    lines += [f"{isin},,Instrument {number},{CURRENCY},0.01,true,ACTIVE,10.00" for number, isin in enumerate(isins)]
    file = folder / "made.csv"
    file.write_text("\n".join(lines))
    environment = {"ORDERLANE_DATABASE_URL": service.database.dsn}
    await answer_of(folder, PROGRAM, "instruments", "load", file, environment=environment)


async def filled(service: Service, folder: Path, credentials: Credentials, legs: int, orders: int) -> Owner:
    """One account with filled portfolio orders of some legs each."""
    isins = made_isins(legs)
    await load_instruments(service, folder, isins)
    async with credentials.open_client(service.url) as client:
        share = (Decimal(1) / legs).quantize(Decimal("0.00001"))
        weights = dict.fromkeys(isins, share)
        weights[isins[0]] += 1 - share * legs
        allocation = await client.create_allocation("made", weights)
        user = await client.create_user(**PERSON)
        group = await client.create_account_group(user.id)
        account = await client.create_account(user.id, group.id)
        await client.deposit(account.id, 2 * AMOUNT * orders, CURRENCY)
        await client.configure(account.id, allocation.id)
    owner = Owner(user.id, account.id)
    service.credentials = credentials
    await service.place(Scene([owner]).bodies(orders), 4)

    async def statuses() -> dict[str, int]:
        query = "SELECT status, count(*) FROM parent_orders WHERE account_id = $1 GROUP BY 1"
        return dict(await service.database.connection.fetch(query, owner.account_id))

    async def reached() -> bool:
        return not (await statuses()).keys() & {"NEW", "PROCESSING"}

    await until(reached, FILL_SECONDS_MAX)
    if (found := await statuses()) != {"FILLED": orders}:
        raise NotFilled(f"of {orders} portfolio orders, these are not all filled: {found}")
    return owner


async def measure(orders: int, legs: int, at_once: int) -> list[Measured]:
    """Start the service, fill it, ask it for lists."""
    with TemporaryDirectory(prefix="orderlane-benchmark-") as folder_name:
        folder = Path(folder_name)
        async with open_service(Shape(senders=0), folder) as service:
            mine = service.credentials
            owner = await filled(service, folder, mine, legs, orders)
            environment = {"ORDERLANE_DATABASE_URL": service.database.dsn}
            other = await create_client(folder, environment, signed=False)
            others = await filled(service, folder, other, 10, 1)
            async with other.open_client(service.url) as client:
                page = await client.portfolio_orders(account_id=others.account_id)
            bench = Bench(service, folder, mine, other)
            loads = [
                Load("nothing", "/health/live", 1),
                *(
                    Load(name, path, count)
                    for name, path in {
                        "portfolio orders": "/portfolios/orders?limit=200",
                        "an account's orders": f"/accounts/{owner.account_id}/orders?limit=1000",
                        "an account's orders by change": (
                            f"/accounts/{owner.account_id}/orders?limit=1000&sort=updated_at&order=DESC"
                        ),
                    }.items()
                    for count in (1, at_once)
                ),
            ]
            return [await bench.measure(load, f"/portfolios/orders/{page[0].id}") for load in loads]


def show(figures: Sequence[Measured]) -> None:
    """Print everything for a person."""
    table = Table(
        *("list", "at once", "answers", "entries", "MB", "p50 s", "max s", "live p99 ms", "live max ms"),
        *("other p99 ms", "other max ms", "RSS MB", "peak MB", "CPU s"),
    )
    for load in figures:
        table.add_row(
            load.name,
            str(load.at_once),
            ", ".join(f"{count} x {status}" for status, count in load.statuses.items()),
            str(load.entries),
            f"{load.body_bytes / MEGABYTE:.2f}",
            f"{load.seconds.p50 / 1000:.2f}",
            f"{load.seconds.max / 1000:.2f}",
            *(f"{value:.0f}" for value in (load.live.p99, load.live.max, load.other.p99, load.other.max)),
            *(f"{value:.0f}" for value in (load.memory_mb, load.memory_peak_mb)),
            f"{load.cpu_seconds:.2f}",
        )
    Console(highlight=False, width=170).print(table)


@app.default
def main(
    *,
    portfolio_orders: Annotated[Count, Parameter(help="How many the account has.")] = 220,
    legs: Annotated[Count, Parameter(help="How many individual orders each of them has.")] = 200,
    at_once: Annotated[Count, Parameter(help="How many lists the client asks for at once.")] = 60,
    json: Annotated[Path | None, Parameter(help="Write the figures to this file as well.")] = None,
) -> None:
    """Start the real processes, fill an account, ask for its lists, and time what another client asks meanwhile."""
    try:
        figures = asyncio.run(measure(portfolio_orders, legs, at_once))
    except (NotFilled, ProcessFailed) as error:
        sys.exit(f"benchmark: {error}")
    show(figures)
    if json is not None:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(figures)))


if __name__ == "__main__":
    app()
