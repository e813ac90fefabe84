"""A scene with a lane worker beside the test, and gateways as the test starts them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from msgspec.json import encode

from orderlane.domain.ids import AccountId, OrderId, ParentOrderId
from orderlane.domain.order import Side
from orderlane.ports.venue import Venue, VenueOrder
from orderlane.postgres.connection import NOTIFY_EVENTS, NOTIFY_OUTBOX
from orderlane.postgres.gateway_session import PostgresGatewaySession
from orderlane.postgres.lanes.store import PostgresLaneStore
from orderlane.postgres.wakeups import Wakeup, notify
from orderlane.sources import SystemClock
from orderlane.venues.simulated import Behaviour, SimulatedVenue
from orderlane.venues.simulated.outcome import outcome_of
from orderlane.workers.gateway import Gateway, GatewayLimits
from orderlane.workers.lane import LaneWorker
from tests.conftest import opened
from tests.database.lanes.conftest import Scene

WAIT_SECONDS_MAX = 60
SEED = 7
LIVELY = Behaviour(seed=SEED, ack_ms=(1, 10), fill_ms=(1, 150), split_percent=60)
QUICK = GatewayLimits(redistribute_seconds=0.05, poll_seconds=0.05)


class Process:
    """A part of the service, running beside the test."""

    def __init__(self, part: Gateway | LaneWorker) -> None:
        self.part = part
        self._stop = asyncio.Event()
        self.task = asyncio.create_task(part.run(self._stop))

    async def stop(self) -> None:
        self._stop.set()
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            await self.task

    async def kill(self) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})


class Market:
    """A scene with a lane worker, and gateways as the test starts them."""

    def __init__(self, scene: Scene, dsn: str, wakeup: Wakeup, worker: Process) -> None:
        self.scene, self.dsn, self._wakeup, self.worker = scene, dsn, wakeup, worker

    async def start_gateway(self, venue: Venue | None = None, venue_name: str = "SIMULATED") -> Process:
        store = await PostgresGatewaySession.open(self.dsn, venue_name)
        return Process(Gateway(store, venue or SimulatedVenue(LIVELY, SystemClock()), QUICK))

    @asynccontextmanager
    async def gateway(self, venue: Venue | None = None) -> AsyncIterator[Gateway]:
        process = await self.start_gateway(venue)
        assert isinstance(process.part, Gateway)
        try:
            yield process.part
        except BaseException:
            await process.kill()
            raise
        await process.stop()

    @asynccontextmanager
    async def another_worker(self) -> AsyncIterator[None]:
        """A lane worker in place of the one that the test has stopped."""
        worker = await started_worker(self.scene, self.dsn)
        yield
        await worker.stop()

    async def place(self, account_count: int, each: int = 2) -> list[ParentOrderId]:
        missing = account_count - len(self.scene.accounts)
        await self.scene.build_more_accounts(max(missing, 0))
        accounts = self.scene.accounts[:account_count]
        for account in accounts:
            await self.scene.deposit(account, "10000.00")
        return [await self.scene.place(account, "1000.01") for account in accounts for _ in range(each)]

    async def cancel(self, parent: ParentOrderId) -> None:
        """Tell the gateway to cancel all individual orders, as a rule of the lane will."""
        rows = await self.scene.orders(parent)
        orders = [venue_order_from(row) for row in rows]
        await self.scene.connection.execute(
            "INSERT INTO venue_outbox (lane, venue_number, parent_id, wave, kind, account_id, legs, orders) "
            "SELECT $1, number, $2, 0, 'CANCEL', $3, $4, $5 FROM venues WHERE is_default",
            rows[0]["lane"],
            parent,
            rows[0]["account_id"],
            [row["leg"] for row in rows],
            encode(orders),
        )
        await notify(self.scene.connection, [NOTIFY_OUTBOX])

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Wait for a state of the database; looked at whenever a lane has written events."""
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while not await condition():
                await self._wakeup.wait(0.1)

    async def until_true(self, query: str, *arguments: Any) -> None:
        async def reached() -> bool:
            return bool(await self.scene.value(query, *arguments))

        await self.until(reached)

    async def until_all(self, status: str) -> None:
        await self.until_true("SELECT count(*) = 0 FROM parent_orders WHERE status <> $1", status)

    async def until_executed(self, count: int) -> None:
        await self.until_true("SELECT count(*) >= $1 FROM executions", count)

    async def assert_executed_once(self) -> None:
        """Every order has the executions that the seed decides, each once, and cash and units agree with them."""
        booked: dict[str, dict[str, tuple[Decimal, Decimal]]] = {}
        for row in await self.scene.rows("SELECT * FROM executions"):
            figures = row["share_quantity"], row["cash_amount"]
            booked.setdefault(str(row["order_id"]), {})[row["venue_execution_id"]] = figures
        orders = await self.scene.rows("SELECT * FROM orders")
        assert booked == {str(row["id"]): expected_executions(row) for row in orders}
        assert {row["status"] for row in orders} == {"FILLED"}
        spent = "SELECT (SELECT sum(cash_amount) FROM executions) = (SELECT sum(cash_amount) FROM orders)"
        assert await self.scene.value(spent)
        await self.assert_nothing_left()

    async def assert_nothing_left(self) -> None:
        assert await self.scene.rows("SELECT * FROM quarantine") == []
        assert await self.scene.value("SELECT count(*) FROM venue_outbox") == 0
        assert await self.scene.value("SELECT max(locked) FROM holdings") == 0


@asynccontextmanager
async def running_market(scene: Scene, dsn: str) -> AsyncIterator[Market]:
    """A market whose lane worker stops at the end, unless the test has stopped it."""
    async with opened(dsn) as listener:
        wakeup = await Wakeup.listen(listener, NOTIFY_EVENTS)
        worker = await started_worker(scene, dsn)
        yield Market(scene, dsn, wakeup, worker)
        await worker.stop()


async def started_worker(scene: Scene, dsn: str) -> Process:
    return Process(LaneWorker(await PostgresLaneStore.open(dsn), scene.sources.ids.new_id))


def venue_order_from(row: Any) -> VenueOrder:
    """An individual order as its venue gets it, from the view of plain SQL."""
    return VenueOrder(
        order_id=OrderId(str(row["id"])),
        account_id=AccountId(str(row["account_id"])),
        lane=row["lane"],
        side=Side(row["side"]),
        isin=row["isin"],
        cash_amount=row["cash_amount"],
        quantity=row["quantity"],
        limit=row["locked"],
        currency=row["currency"],
        reference_price=row["reference_price"],
        fractional=True,
    )


def expected_executions(row: Any) -> dict[str, tuple[Decimal, Decimal]]:
    order = venue_order_from(row)
    return {
        f"{order.order_id}-{number}": (fill.trade.quantity, fill.trade.cash_amount)
        for number, fill in enumerate(outcome_of(order, LIVELY).fills, 1)
    }
