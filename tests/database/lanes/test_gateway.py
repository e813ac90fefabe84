"""The venue gateway against a real PostgreSQL, with real lane workers on the other side of the inbox."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from uuid import UUID, uuid4

import asyncpg
import pytest

from orderlane.domain.messages import OrderAccepted
from orderlane.ports.errors import StoreUnavailable
from orderlane.ports.venue import AddressedReport, SendResult, Venue, VenueOrder
from orderlane.postgres.connection import NOTIFY_EVENTS
from orderlane.postgres.lane_store import PostgresLaneStore
from orderlane.postgres.outbox import PostgresVenueOutbox, venue_order_from
from orderlane.postgres.wakeups import Wakeup
from orderlane.sources import Sources, SystemClock
from orderlane.venues.simulated import Behaviour, SimulatedVenue
from orderlane.venues.simulated.outcome import outcome_of
from orderlane.workers.gateway import Gateway, GatewayLimits, messages_of
from orderlane.workers.lane import LaneWorker
from tests.database.lanes.conftest import LANES, Scene
from tests.unit.venues.venue_conformance import venue_order

WAIT_SECONDS_MAX = 60
SEED = 7
LIVELY = Behaviour(seed=SEED, ack_ms_max=10, fill_ms_min=1, fill_ms_max=150, split_percent=60)
QUICK = GatewayLimits(rebalance_seconds=0.05, poll_seconds=0.05)


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


class Market:
    """A scene with a lane worker, and gateways as the test starts them."""

    def __init__(self, scene: Scene, dsn: str, wakeup: Wakeup) -> None:
        self.scene, self.dsn, self._wakeup = scene, dsn, wakeup

    async def start_gateway(self, venue: Venue | None = None) -> Process:
        store = await PostgresVenueOutbox.open(self.dsn)
        return Process(Gateway(store, venue or SimulatedVenue(LIVELY, SystemClock()), QUICK))

    @asynccontextmanager
    async def gateway(self, venue: Venue | None = None) -> AsyncIterator[Gateway]:
        process = await self.start_gateway(venue)
        assert isinstance(process.part, Gateway)
        yield process.part
        await process.stop()

    async def place(self, account_count: int, each: int = 2) -> list[UUID]:
        missing = account_count - len(self.scene.accounts)
        await self.scene.build_more_accounts(max(missing, 0))
        accounts = self.scene.accounts[:account_count]
        for account in accounts:
            await self.scene.deposit(account, "10000.00")
        return [await self.scene.place(account, "1000.01") for account in accounts for _ in range(each)]

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Wait for a state of the database; looked at whenever a lane has written events."""
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while not await condition():
                await self._wakeup.wait(0.1)

    async def until_all(self, status: str) -> None:
        async def reached() -> bool:
            others = "SELECT count(*) FROM portfolio_orders WHERE status <> $1"
            return bool(await self.scene.value(others, status) == 0)

        await self.until(reached)

    async def until_executed(self, count: int) -> None:
        async def reached() -> bool:
            return bool(await self.scene.value("SELECT count(*) FROM executions") >= count)

        await self.until(reached)

    async def assert_executed_once(self) -> None:
        """Every order has the executions that the seed decides, each once, and cash and units agree with them."""
        booked: dict[UUID, dict[str, tuple[Decimal, Decimal]]] = {}
        for one in await self.scene.rows("SELECT * FROM executions"):
            figures = one["share_quantity"], one["cash_amount"]
            booked.setdefault(one["order_id"], {})[one["venue_execution_id"]] = figures
        orders = await self.scene.rows("SELECT * FROM orders")
        assert booked == {one["id"]: expected_executions(one) for one in orders}
        assert {one["status"] for one in orders} == {"FILLED"}
        assert await self.scene.value("SELECT count(*) FROM quarantine") == 0
        assert await self.scene.value("SELECT count(*) FROM venue_outbox") == 0
        spent = "SELECT (SELECT sum(cash_amount) FROM executions) = (SELECT sum(cash_amount) FROM orders)"
        assert await self.scene.value(spent)
        assert await self.scene.value("SELECT max(locked) FROM holdings") == 0


def expected_executions(row: asyncpg.Record) -> dict[str, tuple[Decimal, Decimal]]:
    order = venue_order_from({**row, "fractional": True})
    fills = outcome_of(order, LIVELY).fills
    return {
        f"{order.order_id}-{number}": (fill.trade.quantity, fill.trade.cash_amount)
        for number, fill in enumerate(fills, 1)
    }


@pytest.fixture
async def market(scene: Scene, dsn: str, sources: Sources) -> AsyncIterator[Market]:
    listener = await asyncpg.connect(dsn)
    market = Market(scene, dsn, await Wakeup.listen(listener, NOTIFY_EVENTS))
    worker = Process(LaneWorker(await PostgresLaneStore.open(dsn), sources))
    yield market
    await worker.stop()
    await listener.close()


async def test_orders_go_to_the_venue_and_come_back_executed(market: Market) -> None:
    await market.place(3)

    async with market.gateway():
        await market.until_all("FILLED")

    await market.assert_executed_once()


async def test_a_sale_goes_the_same_way(market: Market) -> None:
    await market.place(1)
    async with market.gateway():
        await market.until_all("FILLED")
        sale = await market.scene.place(market.scene.accounts[0], "900.00", "SELL")
        await market.until_all("FILLED")

    sold = "SELECT sum(cash_amount) FROM executions WHERE portfolio_order_id = $1 AND side = 'SELL'"
    assert await market.scene.value(sold, sale) == Decimal("900.00")


@pytest.mark.parametrize("executed_before", [0, 1, 30, 70])
async def test_a_killed_gateway_loses_and_doubles_nothing(market: Market, executed_before: int) -> None:
    await market.place(10, each=3)
    killed = await market.start_gateway()
    await market.until_executed(executed_before)

    killed.task.cancel()
    await asyncio.wait({killed.task})
    async with market.gateway():
        await market.until_all("FILLED")

    await market.assert_executed_once()


async def test_a_gateway_whose_session_dies_says_so_and_another_goes_on(market: Market) -> None:
    await market.place(10)
    lost = await market.start_gateway()
    await market.until_executed(5)

    await market.scene.value(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE application_name = 'orderlane gateway' AND datname = current_database()"
    )
    with pytest.raises(StoreUnavailable):
        await lost.task
    async with market.gateway():
        await market.until_all("FILLED")

    await market.assert_executed_once()


async def test_an_order_that_was_sent_but_not_taken_out_is_sent_again_without_harm(market: Market) -> None:
    class DiesAfterSending(SimulatedVenue):
        async def send(self, orders: Sequence[VenueOrder]) -> Sequence[SendResult]:
            await super().send(orders)
            raise ConnectionAbortedError

    await market.place(2)
    dead = await market.start_gateway(DiesAfterSending(LIVELY, SystemClock()))
    with pytest.raises(ConnectionAbortedError):
        await dead.task

    async with market.gateway():
        await market.until_all("FILLED")

    await market.assert_executed_once()


async def test_two_gateways_share_the_lanes_and_one_takes_over_from_the_other(market: Market) -> None:
    first = await market.start_gateway()
    async with market.gateway() as second:

        async def shared() -> bool:
            return len(second.lanes) == len(LANES) // 2 == len(first.part.lanes)

        await market.until(shared)
        assert first.part.lanes | second.lanes == set(LANES)
        await market.place(12)
        await market.until_executed(10)
        first.task.cancel()
        await market.until_all("FILLED")

        async def taken_over() -> bool:
            return second.lanes == set(LANES)

        await market.until(taken_over)

    await market.assert_executed_once()


async def test_a_lane_that_is_given_back_is_no_longer_served(market: Market) -> None:
    async with market.gateway() as first:
        await market.place(12)
        await market.until_executed(5)
        async with market.gateway() as second:

            async def shared() -> bool:
                return len(second.lanes) == len(first.lanes)

            await market.until(shared)
            assert not first.lanes & second.lanes
            await market.until_all("FILLED")

    await market.assert_executed_once()


class Babbling(SimulatedVenue):
    """Says everything twice, the latest first."""

    async def next_reports(self) -> Sequence[AddressedReport]:
        reports = list(await super().next_reports())
        return [*reversed(reports), *reports]


@pytest.mark.parametrize("behaviour", [LIVELY, Behaviour(SEED, 0, 0, 0, 0, split_percent=60)])
async def test_reports_may_come_twice_and_out_of_order(market: Market, behaviour: Behaviour) -> None:
    await market.place(5)

    async with market.gateway(Babbling(behaviour, SystemClock())):
        await market.until_all("FILLED")

    await market.assert_executed_once()


async def test_a_refused_order_is_cancelled_and_its_cash_is_free_again(market: Market) -> None:
    await market.place(2, each=1)

    async with market.gateway(SimulatedVenue(Behaviour(refuse_percent=100), SystemClock())):
        await market.until_all("CANCELLED")

    reasons = await market.scene.rows("SELECT DISTINCT status, cancellation_reason FROM orders")
    assert [tuple(one) for one in reasons] == [("CANCELLED", "CANCELLED_BY_TRADING_PARTNER")]
    assert await market.scene.value("SELECT DISTINCT cancellation_reason FROM portfolio_orders") == "NOT_EXECUTED"
    held = await market.scene.rows("SELECT DISTINCT quantity, locked FROM holdings")
    assert [tuple(one) for one in held] == [(Decimal(10000), Decimal(0))]
    assert await market.scene.value("SELECT count(*) FROM venue_outbox") == 0


class Silent(SimulatedVenue):
    """Never knows what became of a sent order; `takes` says whether it got there, `deaf` how often asking fails."""

    takes = True
    deaf = 0
    asked = 0
    sent = 0

    async def send(self, orders: Sequence[VenueOrder]) -> Sequence[SendResult]:
        self.sent += len(orders)
        if self.takes:
            await super().send(orders)
        return [SendResult.UNKNOWN] * len(orders)

    async def ask_status(self, orders: Sequence[VenueOrder]) -> None:
        self.asked += 1
        if self.asked > self.deaf:
            await super().ask_status(orders)


@pytest.mark.parametrize("takes", [True, False])
async def test_an_order_of_unknown_fate_is_asked_for_and_never_sent_again(market: Market, takes: bool) -> None:
    await market.place(2)
    venue = Silent(LIVELY, SystemClock())
    venue.takes = takes

    async with market.gateway(venue):
        await market.until_all("FILLED")

    await market.assert_executed_once()
    assert venue.sent == await market.scene.value("SELECT count(*) FROM orders")


async def test_an_order_of_unknown_fate_stays_in_the_outbox_until_the_venue_says_something(market: Market) -> None:
    await market.place(1, each=1)
    venue = Silent(LIVELY, SystemClock())
    venue.takes, venue.deaf = False, 10**9

    async with market.gateway(venue):

        async def asked_often() -> bool:
            return venue.sent > 0 and venue.asked > 3 + len(LANES)

        await market.until(asked_often)
        assert await market.scene.value("SELECT count(*) FROM venue_outbox") == venue.sent == 3
        venue.deaf = 0
        await market.until_all("FILLED")

    await market.assert_executed_once()


async def test_a_waiting_gateway_stops_at_once_and_leaves_no_session(market: Market) -> None:
    process = await market.start_gateway()
    await process.stop()

    sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'orderlane gateway' AND datname = $1"

    async def gone() -> bool:
        return bool(await market.scene.value(sessions, await market.scene.value("SELECT current_database()")) == 0)

    await market.until(gone)


async def test_more_than_goes_at_once_goes_in_several_round_trips(market: Market) -> None:
    await market.place(8)
    store = await PostgresVenueOutbox.open(market.dsn)
    venue = SimulatedVenue(Behaviour(SEED, 0, 0, 0, 0, split_percent=60), SystemClock())
    process = Process(Gateway(store, venue, GatewayLimits(orders_max=3, reports_max=2)))

    await market.until_all("FILLED")

    await process.stop()
    await market.assert_executed_once()


def test_all_that_is_said_of_a_portfolio_order_is_one_message_in_its_sequence() -> None:
    portfolio_order, account = uuid4(), uuid4()
    orders = [venue_order(lane=3, portfolio_order_id=portfolio_order, account_id=account) for _ in range(2)]
    other = venue_order(lane=1)

    reports = [AddressedReport(one, OrderAccepted(one.order_id)) for one in (*orders, other, *orders)]
    messages = messages_of(reports)

    assert [(one.lane, one.account_id) for one in messages] == [(3, account), (1, other.account_id)]
    first = [one.order_id for one in messages[0].message.reports]
    assert first == [orders[0].order_id, orders[1].order_id] * 2
