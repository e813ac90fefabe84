"""The gateway with an outbox in memory: fences, turns of lanes, and a venue that does not answer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager

import pytest
from msgspec import structs

from orderlane.domain.ids import OrderId, ParentOrderId, in_slot, parent_of
from orderlane.domain.lane.reporting import OrderAccepted, OrderEnded, VenueReport
from orderlane.ports.errors import StoreUnavailable
from orderlane.ports.venue import ACCEPTED, UNKNOWN, SendResult, VenueOrder
from orderlane.ports.venue_outbox import AnsweredOrder, OutboxKind, OutboxRow, ParentReports
from orderlane.venues.conformance import sample_order
from orderlane.workers import gateway as module
from orderlane.workers.gateway import Gateway, GatewayLimits, messages_of

LANE_COUNT = 4
WAIT_SECONDS_MAX = 10
LIMITS = GatewayLimits(rows_max=2, redistribute_seconds=0.0, poll_seconds=0.01, pace_seconds=0.0)


def order_of(lane: int) -> VenueOrder:
    order = sample_order(lane=lane)
    return sample_order(lane=lane, order_id=OrderId(in_slot(order.order_id, lane)))


class MemoryOutbox:
    """A store that owns what it is told to own."""

    lane_count = LANE_COUNT
    is_hinted = False

    def __init__(self, *orders: VenueOrder, left_at_the_venue: Iterable[VenueOrder] = ()) -> None:
        self.owned = frozenset(range(LANE_COUNT))
        self.sends = list(orders)
        self.left_at_the_venue = list(left_at_the_venue)
        self.reports: list[VenueReport] = []
        self.calls: list[str] = []
        self.read = lambda: None
        self.changed = asyncio.Event()

    async def redistribute(self) -> frozenset[int]:
        return self.owned

    async def confirm(self, lanes: Collection[int]) -> None:
        self.calls.append("confirm")
        if not self.owned.issuperset(lanes):
            raise StoreUnavailable("the lanes are lost")

    async def orders_at_the_venue(self, lanes: Collection[int]) -> AsyncIterator[Sequence[VenueOrder]]:
        self.read()
        yield [order for order in self.left_at_the_venue if order.lane in lanes]

    async def waiting(
        self, lanes: Sequence[int], without: Collection[ParentOrderId], rows_max: int
    ) -> Sequence[OutboxRow]:
        self.read()
        found = [
            OutboxRow(lane=lane, kind=OutboxKind.SEND, orders=(order,))
            for lane in lanes
            for order in self.sends
            if order.lane == lane and parent_of(order.order_id) not in without
        ]
        return found[:rows_max]

    async def record(self, answered: Sequence[AnsweredOrder], reports: Sequence[ParentReports]) -> None:
        gone = {answer.order_id for answer in answered}
        self.sends = [order for order in self.sends if order.order_id not in gone]
        self.reports += [report for parent in reports for report in parent.message.reports]
        self.changed.set()

    async def wait_for_order(self, seconds_max: float) -> None:
        await asyncio.sleep(seconds_max)

    async def close(self) -> None:
        self.calls.append("close")


class Recorder:
    """A venue that notes what it is told, and says what it is made to say."""

    name = "RECORDER"

    def __init__(self, *, answers: bool = True) -> None:
        self.answers = answers
        self.sent: list[VenueOrder] = []
        self.asked: list[VenueOrder] = []
        self.said: asyncio.Queue[VenueReport] = asyncio.Queue()
        self.is_closed = False

    async def send(self, orders: Sequence[VenueOrder]) -> Sequence[SendResult]:
        self.sent += orders
        if not self.answers:
            await asyncio.Event().wait()
        return [ACCEPTED] * len(orders)

    async def cancel(self, orders: Sequence[VenueOrder]) -> Sequence[SendResult]:
        raise AssertionError(f"nobody cancels {orders}")

    async def ask_status(self, orders: Sequence[VenueOrder]) -> None:
        self.asked += orders

    async def forget(self, lanes: Collection[int]) -> None:
        return None

    async def next_reports(self) -> Sequence[VenueReport]:
        return [await self.said.get()]

    async def close(self) -> None:
        self.is_closed = True


class SteppedTime:
    """The monotonic time of a process that is frozen when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def freeze(self) -> None:
        self.now += 40


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> SteppedTime:
    time = SteppedTime()
    monkeypatch.setattr(module, "monotonic", lambda: time.now)
    return time


@asynccontextmanager
async def running(store: MemoryOutbox, venue: Recorder, limits: GatewayLimits = LIMITS) -> AsyncIterator[asyncio.Task]:
    stop = asyncio.Event()
    task = asyncio.create_task(Gateway(store, venue, limits).run(stop))
    try:
        yield task
    finally:
        stop.set()
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            await asyncio.wait({task})


async def until(store: MemoryOutbox, condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while not condition():
            store.changed.clear()
            await store.changed.wait()


async def test_a_gateway_that_was_frozen_after_reading_confirms_its_lanes_before_it_sends(time: SteppedTime) -> None:
    store, venue = MemoryOutbox(order_of(1)), Recorder()
    store.read = time.freeze

    async with running(store, venue):
        await until(store, lambda: not store.sends)

    assert "confirm" in store.calls
    assert len(venue.sent) == 1


async def test_a_gateway_that_lost_its_lanes_while_it_was_frozen_sends_nothing(time: SteppedTime) -> None:
    store, venue = MemoryOutbox(order_of(1)), Recorder()

    def freeze() -> None:
        time.freeze()
        store.owned = frozenset()

    store.read = freeze

    async with running(store, venue) as task:
        with pytest.raises(StoreUnavailable):
            await task

    assert venue.sent == venue.asked == []
    assert venue.is_closed
    assert store.calls[-1] == "close"


async def test_a_gateway_that_lost_its_lanes_while_it_reconciled_asks_for_nothing(time: SteppedTime) -> None:
    store, venue = MemoryOutbox(left_at_the_venue=[order_of(2)]), Recorder()

    def freeze() -> None:
        time.freeze()
        store.owned = frozenset()

    store.read = freeze

    async with running(store, venue) as task:
        with pytest.raises(StoreUnavailable):
            await task

    assert venue.asked == []


async def test_without_a_pause_nothing_is_confirmed_again() -> None:
    store, venue = MemoryOutbox(order_of(1), left_at_the_venue=[order_of(2)]), Recorder()

    async with running(store, venue):
        await until(store, lambda: not store.sends)

    assert "confirm" not in store.calls
    assert venue.asked == store.left_at_the_venue


async def test_a_lane_with_a_backlog_does_not_keep_the_others_waiting() -> None:
    backlog, others = [order_of(0) for _ in range(20)], [order_of(1), order_of(2), order_of(3)]
    store, venue = MemoryOutbox(*backlog, *others), Recorder()

    async with running(store, venue):
        await until(store, lambda: not store.sends)

    first = {order.lane for order in venue.sent[:6]}
    assert first == {0, 1, 2, 3}
    assert len(venue.sent) == len(backlog) + len(others)


async def test_a_venue_that_does_not_answer_in_time_is_asked_and_never_sent_the_order_again() -> None:
    order = order_of(1)
    store, venue = MemoryOutbox(order), Recorder(answers=False)
    limits = GatewayLimits(redistribute_seconds=0.01, poll_seconds=0.01, answer_seconds_max=0.01)

    async with running(store, venue, limits):
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while len(venue.asked) < 3:
                await asyncio.sleep(0)
        assert store.sends == [order]
        venue.said.put_nowait(OrderAccepted(order.order_id))
        await until(store, lambda: not store.sends)

    assert venue.sent == [order]
    assert {sent.order_id for sent in venue.asked} == {order.order_id}
    assert store.reports == [OrderAccepted(order.order_id)]


async def test_what_was_heard_of_a_lost_lane_is_left_to_its_new_gateway() -> None:
    lost, kept = order_of(1), order_of(2)
    gateway = Gateway(MemoryOutbox(), Recorder(), LIMITS)
    gateway._heard.extend([OrderAccepted(lost.order_id), OrderAccepted(kept.order_id)])

    await gateway._leave({1})

    assert list(gateway._heard) == [OrderAccepted(kept.order_id)]


class Absent(Recorder):
    """A venue that is not there: nothing is known of what it was sent, until it comes back."""

    async def send(self, orders: Sequence[VenueOrder]) -> Sequence[SendResult]:
        self.sent += orders
        return [UNKNOWN] * len(orders)


async def test_nothing_more_is_read_while_too_many_orders_are_without_an_answer() -> None:
    store, venue = MemoryOutbox(*(order_of(number % LANE_COUNT) for number in range(9))), Absent()
    async with running(store, venue, structs.replace(LIMITS, unanswered_max=4)):
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while len(venue.asked) < 40:  # it asks again and again
                await asyncio.sleep(0)
        assert len(venue.sent) == 4

        for order in venue.sent[:4]:
            venue.said.put_nowait(OrderAccepted(order.order_id))
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while len(venue.sent) < 8:
                await asyncio.sleep(0)


def test_what_no_text_can_hold_does_not_keep_a_report_from_being_stored() -> None:
    order = order_of(1)
    [parent] = messages_of([OrderEnded(order.order_id, "no\0where")])

    assert parent.message.reports == (OrderEnded(order.order_id, "no\N{REPLACEMENT CHARACTER}where"),)
