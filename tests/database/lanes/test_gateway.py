"""The venue gateway against a real PostgreSQL, with real lane workers on the other side of the inbox."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

import pytest

from orderlane.domain.ids import order_id, parent_of
from orderlane.domain.lane.reporting import OrderAccepted, VenueReport
from orderlane.ports.errors import StoreUnavailable
from orderlane.ports.venue import UNKNOWN, SendResult, VenueOrder
from orderlane.postgres.gateway_session import PostgresGatewaySession
from orderlane.sources import SystemClock
from orderlane.venues.conformance import sample_order
from orderlane.venues.simulated import Behaviour, SimulatedVenue
from orderlane.workers.gateway import Gateway, GatewayLimits, messages_of
from tests.database.lanes.conftest import LANES, Scene
from tests.database.lanes.markets import LIVELY, SEED, Market, Process, running_market


@pytest.fixture
async def market(scene: Scene, dsn: str) -> AsyncIterator[Market]:
    async with running_market(scene, dsn) as market:
        yield market


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

    sold = "SELECT sum(cash_amount) FROM executions WHERE parent_id = $1 AND side = 'SELL'"
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

    async def next_reports(self) -> Sequence[VenueReport]:
        reports = list(await super().next_reports())
        return [*reversed(reports), *reports]


@pytest.mark.parametrize("behaviour", [LIVELY, Behaviour.instant(SEED, split_percent=60)])
async def test_reports_may_come_twice_and_out_of_order(market: Market, behaviour: Behaviour) -> None:
    await market.place(5)

    async with market.gateway(Babbling(behaviour, SystemClock())):
        await market.until_all("FILLED")

    await market.assert_executed_once()


async def test_a_refused_order_is_cancelled_with_the_reason_and_its_cash_is_free_again(market: Market) -> None:
    await market.place(2, each=1)

    async with market.gateway(SimulatedVenue(Behaviour(refuse_percent=100), SystemClock())):
        await market.until_all("CANCELLED")

    reasons = await market.scene.rows("SELECT DISTINCT status, cancellation_reason, cancellation_details FROM orders")
    refused = ("CANCELLED", "CANCELLED_BY_TRADING_PARTNER", "the market is not taking this order")
    assert [tuple(row) for row in reasons] == [refused]
    [parent] = await market.scene.rows("SELECT DISTINCT cancellation_reason, cancellation_details FROM parent_orders")
    assert parent["cancellation_reason"] == "NOT_EXECUTED"
    assert "the market is not taking this order" in parent["cancellation_details"]
    held = await market.scene.rows("SELECT DISTINCT quantity, locked FROM holdings")
    assert [tuple(row) for row in held] == [(Decimal(10000), Decimal(0))]
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
        return [UNKNOWN] * len(orders)

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
        assert await market.scene.value("SELECT sum(cardinality(legs)) FROM venue_outbox") == venue.sent == 3
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
    store = await PostgresGatewaySession.open(market.dsn, "SIMULATED")
    venue = SimulatedVenue(Behaviour.instant(SEED, split_percent=60), SystemClock())
    process = Process(Gateway(store, venue, GatewayLimits(rows_max=2, orders_max=4, reports_max=2)))

    await market.until_all("FILLED")

    await process.stop()
    await market.assert_executed_once()


def test_all_that_is_said_of_a_parent_order_is_one_message_in_its_sequence() -> None:
    first, other = sample_order().order_id, sample_order().order_id
    second = order_id(parent_of(first), 2)

    messages = messages_of(OrderAccepted(order) for order in (first, second, other, first, second))

    assert [message.parent_id for message in messages] == [parent_of(first), parent_of(other)]
    assert [report.order_id for report in messages[0].message.reports] == [first, second] * 2
