"""Webhook delivery alone: a real sender process, a real sink process, and events that are already there, or come.

Usage: python -m benchmarks.delivery [--events N] [--package-bytes A B] [--rate R] [--json FILE]

For each package size: a backlog of N events is delivered as fast as it goes, then events come at a steady rate. At
last, events come one by one, 200 a second. Beside the speed stands what it costs: processor time by process and the
sender's SQL statements for each request, its looks for what is new included.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import msgspec
from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from benchmarks.database import MeasuredDatabase
from benchmarks.delivered_events import LANES, EventWriter
from benchmarks.figures import Spread, spread
from benchmarks.processes import PROGRAM, Meter, Running, start
from benchmarks.sink import Arrival, Progress
from orderlane.domain.ids import ClientId, SubscriptionId
from orderlane.ports.webhooks import Subscription
from orderlane.postgres.connection import connect
from orderlane.postgres.epochs import ensure_epoch
from orderlane.postgres.migrate import NewInstallation, migrate
from orderlane.postgres.webhooks import PostgresSubscriptions
from orderlane.sources import system_sources
from orderlane.webhooks.signing import new_secret

ROOT = Path(__file__).parents[1]
BACKLOG_TRANSACTION_EVENTS = 4300
PACED_RATE = 200
PACED_SECONDS = 20
STEADY_SECONDS = 10
STEADY_TRANSACTION_EVENTS = 430
POLL_SECONDS = 0.02
SECONDS_MAX = 300


class Load(Struct, frozen=True):
    """One load, and what it took. Processor seconds are for 10,000 events."""

    name: str
    package_bytes: int
    events: int
    requests: int
    seconds: float
    events_per_second: float
    body_megabytes: float
    cpu_seconds_per_10000: dict[str, float]
    statements_per_request: float
    commit_to_receipt_ms: Spread


class Bench:
    """A sender and a sink on a database of their own."""

    def __init__(self, database: MeasuredDatabase, sender: Running, sink: Running, sink_url: str) -> None:
        self._database, self._sender, self._sink = database, sender, sink
        self._url = sink_url
        self._sources = system_sources()
        self._http: aiohttp.ClientSession

    async def prepare(self, http: aiohttp.ClientSession) -> None:
        """Make the client whose events these are."""
        self._http = http
        client_id = ClientId(self._sources.ids.new_id())
        await self._database.connection.execute(
            "INSERT INTO clients (id, name, secret_hash, scopes, created_at) VALUES ($1, 'benchmark', '', '{}', now())",
            client_id,
        )
        self.writer = EventWriter(self._database.connection, client_id)

    async def backlog(self, package_bytes: int, events: int) -> Load:
        """Deliver what is already there."""
        subscription = await self._subscribe(package_bytes, enabled=False)
        for _ in range(0, events, BACKLOG_TRANSACTION_EVENTS):
            await self.writer.write(BACKLOG_TRANSACTION_EVENTS)
        await self._database.connection.execute("VACUUM ANALYZE")
        count = -(-events // BACKLOG_TRANSACTION_EVENTS) * BACKLOG_TRANSACTION_EVENTS

        async def enable() -> int:
            await PostgresSubscriptions(self._database.connection).change(replace(subscription, enabled=True))
            return count

        return await self._measured("backlog", subscription, enable)

    async def steady(self, package_bytes: int, rate: float) -> Load:
        """Deliver what comes at a steady rate, in transactions as large as a busy lane worker's."""
        subscription = await self._subscribe(package_bytes, enabled=True)

        async def write() -> int:
            return await self.writer.write_paced(rate, STEADY_SECONDS, STEADY_TRANSACTION_EVENTS)

        return await self._measured(f"steady, {rate:.0f} events/s", subscription, write)

    async def one_by_one(self) -> Load:
        """Deliver single events as they come."""
        subscription = await self._subscribe(65_536, enabled=True)

        async def write() -> int:
            return await self.writer.write_paced(PACED_RATE, PACED_SECONDS, 1)

        return await self._measured(f"one by one, {PACED_RATE} events/s", subscription, write)

    async def _subscribe(self, package_bytes: int, *, enabled: bool) -> Subscription:
        now = self._sources.clock.now()
        one = Subscription(
            id=SubscriptionId(self._sources.ids.new_id()),
            client_id=self.writer.client_id,
            title="benchmark",
            url=f"{self._url}/webhooks",
            types=("ALL",),
            exclude_types=(),
            enabled=enabled,
            delay_ms=0,
            max_package_bytes=package_bytes,
            secret=new_secret(self._sources.tokens),
            created_at=now,
            updated_at=now,
        )
        await PostgresSubscriptions(self._database.connection).add(one)
        await asyncio.sleep(2)  # let the sender take it, and whatever went before come to rest
        return one

    async def _measured(self, name: str, subscription: Subscription, load: Callable[[], Awaitable[int]]) -> Load:
        await self._ask("POST", "/forget")
        await self._database.forget_statements()
        processes = {one.name: one.measured for one in (self._sender, self._sink)}
        meter = Meter(processes, self._database.postmaster)
        began_at = datetime.now(UTC)
        began = time.time()
        count = await load()
        await self._until(count)
        await meter.stop()
        statements = sum(one.calls for one in await self._database.statements() if one.role == "sender")
        arrivals = msgspec.json.decode(await self._ask("GET", "/arrivals"), type=list[Arrival])
        progress = await self._progress()
        check(arrivals, count)
        committed = await self._committed(began_at)
        delays = [one.received_at - committed[one.event.id] for one in arrivals if one.event.id in committed]
        await PostgresSubscriptions(self._database.connection).delete(subscription.client_id, subscription.id)
        seconds = max(one.received_at for one in arrivals) - began
        return Load(
            name=name,
            package_bytes=subscription.max_package_bytes,
            events=count,
            requests=progress.requests,
            seconds=round(seconds, 3),
            events_per_second=round(count / seconds, 1),
            body_megabytes=round(progress.body_bytes / 1e6, 1),
            cpu_seconds_per_10000={name: round(one / count * 10_000, 4) for name, one in meter.cpu_seconds.items()},
            statements_per_request=round(statements / progress.requests, 3),
            commit_to_receipt_ms=spread(delays or [0.0]),
        )

    async def _committed(self, after: datetime) -> dict[str, float]:
        """When the events of this load were committed, by id; not those that were there before."""
        rows = await self._database.connection.fetch(
            "SELECT unnest(ids) AS id, pg_xact_commit_timestamp(xmin) AS at FROM events WHERE created_at >= $1", after
        )
        return {str(row["id"]): row["at"].timestamp() for row in rows}

    async def _until(self, count: int) -> None:
        async with asyncio.timeout(SECONDS_MAX):
            while (await self._progress()).events < count:  # noqa: ASYNC110 - the sink is another process
                await asyncio.sleep(POLL_SECONDS)

    async def _progress(self) -> Progress:
        return msgspec.json.decode(await self._ask("GET", "/progress"), type=Progress)

    async def _ask(self, method: str, path: str) -> bytes:
        async with self._http.request(method, self._url + path) as response:
            return await response.read()


def check(arrivals: Sequence[Arrival], count: int) -> None:
    """Raise AssertionError unless every event came once, those of each portfolio order in their order."""
    assert len(arrivals) == count, f"{len(arrivals)} of {count} events came"
    last: dict[str, int] = {}
    for one in arrivals:
        sequence = one.event.sequence or 0
        assert sequence == last.get(one.event.portfolio_order_id, 0) + 1, f"{one.event} came out of order"
        last[one.event.portfolio_order_id] = sequence


@asynccontextmanager
async def open_bench(folder: Path) -> AsyncIterator[Bench]:
    """Start everything."""
    environment = {"ORDERLANE_ALLOW_INSECURE_WEBHOOKS": "true", "ORDERLANE_LOG_LEVEL": "info"}
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(MeasuredDatabase(folder / "data"))
        connection = await connect(database.dsn, "benchmark")
        await migrate(connection, NewInstallation(lane_count=LANES), datetime.now(UTC))
        await ensure_epoch(connection)
        await connection.execute("SELECT make_event_partition($1)", datetime.now(UTC).date())
        await connection.close()
        sink = await start(
            "sink", folder, sys.executable, "-m", "benchmarks.sink", environment={"PYTHONPATH": str(ROOT)}
        )
        stack.push_async_callback(sink.end)
        sender = await start(
            "sender", folder, PROGRAM, "sender",
            environment={**environment, "ORDERLANE_DATABASE_URL": database.dsn_of("sender")},
        )  # fmt: skip
        stack.push_async_callback(sender.end)
        bench = Bench(database, sender, sink, await sink.read_line())
        await bench.prepare(await stack.enter_async_context(aiohttp.ClientSession()))
        yield bench


async def run(options: argparse.Namespace) -> list[Load]:
    """Measure everything."""
    loads = []
    with TemporaryDirectory(prefix="orderlane-delivery-") as folder:
        async with open_bench(Path(folder)) as bench:
            await bench.backlog(65_536, BACKLOG_TRANSACTION_EVENTS)  # to warm up
            for package_bytes in options.package_bytes:
                loads.append(await bench.backlog(package_bytes, options.events))
                loads.append(await bench.steady(package_bytes, options.rate))
            loads.append(await bench.one_by_one())
    return loads


def show(loads: Sequence[Load]) -> None:
    """Print everything for a person."""
    table = Table(
        *("load", "package", "events", "requests", "events/s", "MB", "statements/request"),
        *("commit to receipt, ms", "CPU s / 10,000 events"),
    )
    for one in loads:
        delay = one.commit_to_receipt_ms
        cpu = ", ".join(f"{name} {used:.3f}" for name, used in one.cpu_seconds_per_10000.items() if name != "machine")
        table.add_row(
            one.name,
            str(one.package_bytes),
            str(one.events),
            str(one.requests),
            f"{one.events_per_second:,.0f}",
            f"{one.body_megabytes:.1f}",
            f"{one.statements_per_request:.2f}",
            f"p50 {delay.p50:.1f} p99 {delay.p99:.1f}" if delay.max else "",
            cpu,
        )
    Console(highlight=False, width=190).print(table)


def main() -> None:
    """Read the options, measure, show."""
    parser = argparse.ArgumentParser(description="Measure webhook delivery alone.")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument(
        "--package-bytes", type=lambda text: [int(one) for one in text.split(",")], default=[65_536, 1_048_576]
    )
    parser.add_argument("--rate", type=float, default=17_200)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    loads = asyncio.run(run(options))
    show(loads)
    if options.json is not None:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(loads)))


if __name__ == "__main__":
    main()
