"""Cancels on their way to the venue: what was traded stands, over kills too; nothing trades after a recorded end."""

from collections.abc import AsyncIterator, Sequence

import pytest

from orderlane.domain.lane.reporting import VenueReport
from orderlane.ports.venue import UNKNOWN, Answer, SendResult, VenueOrder
from orderlane.sources import SystemClock
from orderlane.venues.simulated import Behaviour, SimulatedVenue
from tests.database.lanes.conftest import LANES, Scene
from tests.database.lanes.markets import SEED, Market, running_market

SLOW = Behaviour(seed=SEED, ack_ms=(0, 0), fill_ms=(0, 20_000), split_percent=100)
"""Fills that come at any time within 20 seconds: whenever the test cancels, some are there and some are not."""
PROMPT = Behaviour.instant(SEED, split_percent=100)
"""The same executions, at once."""


class Watched(SimulatedVenue):
    """A venue that counts what is asked of it."""

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(behaviour, SystemClock())
        self.answers: list[Answer] = []
        self.asked = 0

    async def cancel(self, orders: Sequence[VenueOrder]) -> Sequence[SendResult]:
        results = await super().cancel(orders)
        self.answers += [result.answer for result in results]
        return results

    async def ask_status(self, orders: Sequence[VenueOrder]) -> None:
        self.asked += len(orders)
        await super().ask_status(orders)


@pytest.fixture
async def market(scene: Scene, dsn: str) -> AsyncIterator[Market]:
    async with running_market(scene, dsn) as market:
        yield market


async def assert_all_agrees(market: Market) -> None:
    """Every order is final with what was executed of it, and cash agrees."""
    await market.assert_nothing_left()
    wrong = "SELECT * FROM orders WHERE status NOT IN ('FILLED', 'CANCELLED') OR reported_quantity <> ("
    executed = "SELECT coalesce(sum(share_quantity), 0) FROM executions WHERE order_id = orders.id)"
    assert await market.scene.rows(wrong + executed) == []
    spent = "SELECT 10000 - coalesce(sum(cash_amount), 0) FROM executions"
    assert await market.scene.value("SELECT quantity FROM holdings WHERE asset = 'EUR'") == await market.scene.value(
        spent
    )


FINAL = "SELECT bool_and(status IN ('FILLED', 'CANCELLED')) FROM parent_orders"


async def test_cancelled_orders_end_with_what_was_traded_before(market: Market) -> None:
    [parent] = await market.place(1, each=1)

    async with market.gateway(venue := Watched(SLOW)):
        await market.until_executed(1)
        await market.cancel(parent)
        await market.until_true(FINAL)

    await assert_all_agrees(market)
    assert Answer.ACCEPTED in venue.answers
    details = await market.scene.value("SELECT cancellation_details FROM orders WHERE status = 'CANCELLED' LIMIT 1")
    assert details == "cancelled on request"


async def test_a_cancel_that_comes_too_late_changes_nothing(market: Market) -> None:
    [parent] = await market.place(1, each=1)

    async with market.gateway(venue := Watched(PROMPT)):
        await market.until_all("FILLED")
        await market.cancel(parent)
        await market.until_true("SELECT count(*) = 0 FROM venue_outbox")

    assert venue.answers == [Answer.REFUSED] * 3
    await assert_all_agrees(market)
    assert await market.scene.value("SELECT status FROM parent_orders") == "FILLED"


async def test_an_order_that_waits_to_be_sent_is_sent_before_it_is_cancelled(market: Market) -> None:
    [parent] = await market.place(1, each=1)
    await market.until_true("SELECT count(*) = 1 FROM venue_outbox")
    await market.cancel(parent)

    async with market.gateway(venue := Watched(SLOW)):
        await market.until_all("CANCELLED")

    assert venue.answers == [Answer.ACCEPTED] * 3
    await assert_all_agrees(market)


class Mute(Watched):
    """Says nothing any more when it is told to: the gateway is killed before it records what the venue says."""

    is_mute = False

    async def next_reports(self) -> Sequence[VenueReport]:
        reports = await super().next_reports()
        return [] if self.is_mute else reports


async def test_a_cancel_whose_end_was_not_recorded_stays_in_the_outbox_and_contradicts_nothing(market: Market) -> None:
    [parent] = await market.place(1, each=1)
    killed = await market.start_gateway(mute := Mute(SLOW))
    await market.until_executed(1)

    mute.is_mute = True
    await market.cancel(parent)

    async def answered() -> bool:
        return Answer.ACCEPTED in mute.answers

    await market.until(answered)
    await killed.kill()
    assert await market.scene.value("SELECT count(*) FROM venue_outbox") == 1
    async with market.gateway(venue := Watched(PROMPT)):
        await market.until_true(FINAL)
        await market.until_true("SELECT count(*) = 0 FROM venue_outbox")

    assert set(venue.answers) == {Answer.REFUSED}
    await assert_all_agrees(market)
    assert await market.scene.value("SELECT status FROM parent_orders") == "FILLED"


async def test_an_order_whose_end_is_recorded_trades_no_more_after_a_kill(market: Market) -> None:
    [parent] = await market.place(1, each=1)
    killed = await market.start_gateway(Watched(SLOW))
    await market.until_executed(1)
    await market.worker.stop()

    await market.cancel(parent)
    await market.until_true("SELECT count(*) = 0 FROM venue_outbox")
    await killed.kill()
    assert await market.scene.value("SELECT count(*) FROM inbox") > 0
    async with market.gateway(venue := Watched(PROMPT)) as gateway:

        async def reconciled() -> bool:
            return len(gateway._turn) == len(LANES)

        await market.until(reconciled)
        async with market.another_worker():
            await market.until_true(FINAL)

    open_before = await market.scene.value("SELECT count(*) FROM orders WHERE status = 'CANCELLED'")
    assert open_before > 0
    assert venue.asked + open_before <= 3
    await assert_all_agrees(market)


class Doubtful(Watched):
    """Takes cancels, but does not say so at first."""

    async def cancel(self, orders: Sequence[VenueOrder]) -> Sequence[SendResult]:
        if not self.answers:
            self.answers += [Answer.UNKNOWN] * len(orders)
            return [UNKNOWN] * len(orders)
        return await super().cancel(orders)


async def test_a_cancel_of_unknown_fate_is_tried_again_when_the_venue_speaks_of_the_order(market: Market) -> None:
    [parent] = await market.place(1, each=1)

    async with market.gateway(venue := Doubtful(SLOW)):
        await market.until_executed(1)
        await market.cancel(parent)
        await market.until_true(FINAL)

    assert venue.answers[:3] == [Answer.UNKNOWN] * 3
    assert Answer.ACCEPTED in venue.answers
    assert venue.asked >= 3
    await assert_all_agrees(market)
