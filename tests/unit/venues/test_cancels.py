"""Cancels at the simulated venue: what was traded before stands, and a restart contradicts nothing that was said."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from orderlane.domain.lane.reporting import OrderAccepted, OrderEnded, OrderExecuted, VenueReport
from orderlane.ports.venue import ACCEPTED, Answer, VenueOrder
from orderlane.sources import SystemClock
from orderlane.venues.conformance import Heard, sample_order
from orderlane.venues.simulated import Behaviour, SimulatedVenue
from orderlane.venues.simulated import venue as module
from orderlane.venues.simulated.outcome import outcome_of

SLOW = Behaviour(ack_ms=(0, 0), fill_ms=(0, 30_000), split_percent=100)
SOON_SECONDS, LATE_SECONDS = 0.02, 10


def slow_venue() -> SimulatedVenue:
    return SimulatedVenue(SLOW, SystemClock())


def order_that(is_it: Callable[[list[float]], bool]) -> VenueOrder:
    """An order whose fills come after seconds of this kind."""
    orders = (sample_order(lane=1) for _ in range(100_000))
    return next(order for order in orders if is_it([fill.after_seconds for fill in outcome_of(order, SLOW).fills]))


def partly_executed() -> VenueOrder:
    return order_that(lambda seconds: seconds[0] < SOON_SECONDS and seconds[1] > LATE_SECONDS)


def open_for_long() -> VenueOrder:
    return order_that(lambda seconds: seconds[0] > LATE_SECONDS)


async def heard_until_executed(venue: SimulatedVenue) -> list[VenueReport]:
    reports: list[VenueReport] = []
    while not any(isinstance(report, OrderExecuted) for report in reports):
        reports += await venue.next_reports()
    return reports


async def test_what_was_traded_before_stands_and_nothing_follows() -> None:
    venue, order = slow_venue(), partly_executed()
    await venue.send([order])
    before = Heard(await heard_until_executed(venue))

    assert await venue.cancel([order]) == [ACCEPTED]
    said_again = await venue.next_reports()

    traded = before.executed_quantity(order.order_id)
    assert traded > 0
    assert said_again == [*before.reports, OrderEnded(order.order_id, "cancelled on request", traded)]


async def test_an_order_that_nothing_was_said_of_is_acknowledged_and_ended() -> None:
    venue, order = slow_venue(), open_for_long()
    await venue.send([order])

    assert await venue.cancel([order]) == [ACCEPTED]

    ended = OrderEnded(order.order_id, "cancelled on request", Decimal(0))
    assert await venue.next_reports() == [OrderAccepted(order.order_id), ended]


async def test_a_cancelled_order_trades_no_more_however_often_it_is_sent_and_asked_for() -> None:
    venue, order = slow_venue(), open_for_long()
    await venue.send([order])
    await venue.cancel([order])
    said = await venue.next_reports()

    assert await venue.cancel([order]) == [ACCEPTED]
    assert await venue.next_reports() == said
    assert await venue.send([order]) == [ACCEPTED]
    await venue.ask_status([order])
    assert await venue.next_reports() == said


async def test_a_new_process_refuses_to_cancel_what_it_does_not_know_and_trades_it_in_full() -> None:
    before, after = (
        SimulatedVenue(Behaviour.instant(), SystemClock()),
        SimulatedVenue(Behaviour.instant(), SystemClock()),
    )
    order, heard = sample_order(), Heard()
    await before.send([order])
    heard.reports += await before.next_reports()

    [result] = await after.cancel([order])
    assert result.answer is Answer.REFUSED
    assert "taken before" in result.reason
    await heard.listen(after, [order])

    assert not any(isinstance(report, OrderEnded) for report in heard.reports)


async def test_an_order_that_was_taken_anew_cannot_be_cancelled_either() -> None:
    venue, order = slow_venue(), open_for_long()
    await venue.ask_status([order])

    [result] = await venue.cancel([order])

    assert result.answer is Answer.REFUSED


async def test_cancelled_orders_of_a_lane_are_forgotten_with_it() -> None:
    venue, order = slow_venue(), open_for_long()
    await venue.send([order])
    await venue.cancel([order])
    await venue.next_reports()

    await venue.forget({order.lane})
    [result] = await venue.cancel([order])

    assert result.answer is Answer.REFUSED


async def test_the_latest_cancelled_orders_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CANCELLED_ORDERS_MAX", 1)
    venue, orders = slow_venue(), [open_for_long(), open_for_long()]
    await venue.send(orders)
    await venue.cancel(orders)
    await venue.next_reports()

    assert [result.answer for result in await venue.cancel(orders)] == [Answer.REFUSED, Answer.ACCEPTED]
