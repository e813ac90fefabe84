"""`make bench`: portfolio orders through the whole service, from the POST to the receipt of the last webhook."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from uuid import UUID

import msgspec
from cyclopts import App, Parameter
from cyclopts.validators import Number

from benchmarks.checks import arrival_faults, database_faults, expected_events
from benchmarks.figures import MEGABYTE, Figures, Phase, per_portfolio_order, phase, show, this_machine
from benchmarks.floor import measure_floor
from benchmarks.load import ACCEPTED, Answers
from benchmarks.processes import Meter, ProcessFailed
from benchmarks.scene import CURRENCY, Scene, SceneRefused, build_scene
from benchmarks.service import Service, Shape, open_service
from orderlane_client.errors import Problem

TOPICS = ("PORTFOLIO_ORDER", "ORDER", "EXECUTION")
ACCOUNTS_MAX = 1000
WARM_UP_MIN = 50
POLL_SECONDS = 0.2
QUIET_SECONDS_MAX = 120
COMPLETE_SECONDS_MAX = 1800

Count = Annotated[int, Parameter(validator=Number(gte=1))]

app = App(help=__doc__)


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure."""

    portfolio_orders: int
    instruments: int
    clients: int
    accounts: int
    paced_seconds: float
    paced_events_per_second: float
    shape: Shape

    @property
    def warm_up(self) -> int:
        """How many portfolio orders go first, unmeasured."""
        return max(self.portfolio_orders // 10, WARM_UP_MIN)

    @property
    def paced_rate(self) -> float:
        """Portfolio orders a second of the quiet phase: each makes three events, and four for every instrument."""
        return self.paced_events_per_second / (3 + 4 * self.instruments)

    @property
    def paced(self) -> int:
        """How many portfolio orders the quiet phase has."""
        return round(self.paced_rate * self.paced_seconds)


class Refused(Exception):
    """The service refused a portfolio order, so that there is nothing to measure."""


class Benchmark:
    """One run."""

    def __init__(self, options: Options, service: Service, scene: Scene) -> None:
        self._options, self._service, self._scene = options, service, scene
        self.faults: list[str] = []

    async def run(self) -> Figures:
        """Warm up, measure the full load, then a quiet one, then the floor."""
        options, database = self._options, self._service.database
        await self._measure(options.warm_up)
        await self._quiet()
        before = await database.size_bytes()
        await database.forget_statements()
        meter = Meter(self._service.processes, database.postmaster)
        full_load, answers = await self._measure(options.portfolio_orders, meter=meter)
        cpu = meter.cpu_seconds | {"load": answers.cpu_seconds}
        others = max(cpu.pop("machine") - sum(cpu.values()), 0)
        statements = await database.statements()
        after = await database.size_bytes()
        paced = (await self._measure(options.paced, rate=options.paced_rate))[0] if options.paced else None
        await self._quiet()
        self.faults += await database_faults(database)
        floor = await measure_floor(database, ids_of(answers), CURRENCY)
        sender_calls = sum(one.calls for one in statements if one.role == "sender")
        return Figures(
            machine=this_machine(await database.version()),
            options={name: one for name, one in asdict(options).items() if name != "shape"} | asdict(options.shape),
            warm_up_portfolio_orders=options.warm_up,
            database_mb_before=round(before / MEGABYTE, 1),
            database_mb_after=round(after / MEGABYTE, 1),
            full_load=full_load,
            paced=paced,
            statements_per_portfolio_order=per_portfolio_order(statements, options.portfolio_orders),
            sender_statements_per_request=round(sender_calls / full_load.requests, 2),
            cpu_seconds_per_1000={name: round(one * 1000 / options.portfolio_orders, 3) for name, one in cpu.items()},
            others_share=round(others / meter.seconds / (os.cpu_count() or 1), 3),
            cpu_bound_per_second=round((os.cpu_count() or 1) * options.portfolio_orders / sum(cpu.values()), 1),
            memory_peak_mb={name: round(one / MEGABYTE, 1) for name, one in meter.memory_peak_bytes.items()},
            floor=floor,
            floor_ratio=round(full_load.completed_per_second / floor.portfolio_orders_per_second, 4),
            faults=self.faults,
            statements=statements,
        )

    async def _measure(
        self, count: int, *, rate: float | None = None, meter: Meter | None = None
    ) -> tuple[Phase, Answers]:
        """Place portfolio orders and wait until every event of them has arrived, which ends what `meter` measures."""
        await self._service.forget_arrivals()
        answers = await self._service.place(self._scene.bodies(count), self._options.clients, rate)
        refused = [one for one in answers.answers if one.status != ACCEPTED]
        if refused:
            raise Refused(f"{len(refused)} of {count}; the first: {refused[0].status} {refused[0].portfolio_order_id}")
        await self._until_filled()
        expected = await expected_events(self._service.database, ids_of(answers))
        await self._until_arrived(len(expected))
        if meter is not None:
            await meter.stop()
        arrivals = await self._service.arrivals()
        self.faults += arrival_faults(arrivals, expected)
        committed = await self._service.database.committed_at(ids_of(answers))
        return phase(answers, arrivals, committed), answers

    async def _until_filled(self) -> None:
        await until(self._service.database.has_no_open_portfolio_order, COMPLETE_SECONDS_MAX)

    async def _until_arrived(self, count: int) -> None:
        async def reached() -> bool:
            return (await self._service.progress()).events >= count

        await until(reached, QUIET_SECONDS_MAX)

    async def _quiet(self) -> None:
        """Wait until nothing is left to do."""

        async def reached() -> bool:
            return not await self._service.database.connection.fetchval("SELECT count(*) FROM inbox")

        await until(reached, QUIET_SECONDS_MAX)


async def until(condition: Callable[[], Awaitable[bool]], seconds_max: float) -> None:
    """Look again and again until the condition holds. Raises TimeoutError when it takes too long."""
    async with asyncio.timeout(seconds_max):
        while True:
            if await condition():
                return
            await asyncio.sleep(POLL_SECONDS)


def ids_of(answers: Answers) -> Sequence[UUID]:
    """The portfolio orders that were accepted."""
    return [UUID(one.portfolio_order_id) for one in answers.answers]


async def measure(options: Options) -> Figures:
    """Start the service, measure it, end it."""
    with TemporaryDirectory(prefix="orderlane-benchmark-") as folder:
        async with open_service(options.shape, Path(folder)) as service:
            async with service.credentials.open_client(service.url) as client:
                await client.create_webhook("benchmark", f"{service.sink_url}/webhooks", TOPICS)
                placed = options.portfolio_orders + options.warm_up + options.paced
                orders_each = -(-placed // options.accounts) + 3
                scene = await build_scene(client, options.accounts, options.instruments, orders_each)
            return await Benchmark(options, service, scene).run()


@app.default
def main(
    *,
    portfolio_orders: Annotated[Count, Parameter(help="How many to place under full load.")] = 2000,
    instruments: Annotated[Count, Parameter(help="How many individual orders each makes.")] = 10,
    clients: Annotated[Count, Parameter(help="How many requests are under way at once.")] = 16,
    accounts: Annotated[Count | None, Parameter(help="How many accounts they are for.")] = None,
    workers: Annotated[Count, Parameter(help="How many lane workers run.")] = 1,
    senders: Annotated[Count, Parameter(help="How many webhook senders run.")] = 1,
    gateways: Annotated[Count, Parameter(help="How many venue gateways run.")] = 1,
    split_percent: Annotated[int, Parameter(help="How many of 100 orders execute in several parts.")] = 0,
    paced_seconds: Annotated[float, Parameter(help="How long the quiet phase is; 0: none.")] = 10,
    paced_events_per_second: Annotated[float, Parameter(help="How many events a second it makes.")] = 200,
    log_level: Annotated[str, Parameter(help="What the processes log.")] = "info",
    signed: Annotated[bool, Parameter(help="Sign every request.", negative="")] = False,
    json: Annotated[Path | None, Parameter(help="Write the figures to this file as well.")] = None,
) -> None:
    """Start the real processes, place portfolio orders over HTTP, receive every webhook, check and print."""
    shape = Shape(workers, senders, gateways, split_percent, log_level, signed)
    chosen = accounts or min(portfolio_orders, ACCOUNTS_MAX)
    options = Options(portfolio_orders, instruments, clients, chosen, paced_seconds, paced_events_per_second, shape)
    try:
        figures = asyncio.run(measure(options))
    except (Refused, SceneRefused, ProcessFailed, Problem) as error:
        sys.exit(f"benchmark: {error}")
    show(figures)
    if json is not None:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(figures)))
    if figures.faults:
        sys.exit(1)


if __name__ == "__main__":
    app()
