"""The simulated venue itself: open orders, and a queue of what is to be said of them, by the time when it is due."""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from heapq import heapify, heappop, heappush
from itertools import count
from uuid import UUID

from orderlane.domain.messages import OrderAccepted, OrderEnded, OrderExecuted, VenueReport
from orderlane.ports.venue import AddressedReport, SendResult, VenueOrder
from orderlane.sources import Clock
from orderlane.venues.simulated.behaviour import Behaviour
from orderlane.venues.simulated.outcome import Outcome, outcome_of
from orderlane.venues.simulated.settlement import settlement_date
from orderlane.venues.simulated.trades import Trade

VENUE_ID = "SIMULATED"
DUE_TOGETHER_SECONDS = 0.0005
"""What is due within this time is said at once, rather than by a timer of its own."""

Step = OrderAccepted | Trade | OrderEnded


@dataclass(slots=True)
class _OpenOrder:
    """An order of which something is still to be said: `queued` counts how much, `said` is what was said already."""

    order: VenueOrder
    steps: Sequence[Step]
    total_quantity: Decimal
    queued: int = 0
    said: list[VenueReport] = field(default_factory=list)

    def say(self, number: int, now: datetime) -> VenueReport:
        """The report of a step: made when it is due, the same when it is asked for again."""
        if number == len(self.said):
            self.said.append(self._report(number, now))
        return self.said[number]

    def _report(self, number: int, now: datetime) -> VenueReport:
        step = self.steps[number]
        if not isinstance(step, Trade):
            return step
        return OrderExecuted(
            order_id=self.order.order_id,
            venue_id=VENUE_ID,
            venue_execution_id=f"{self.order.order_id}-{number}",
            quantity=step.quantity,
            cash_amount=step.cash_amount,
            price=step.price,
            transaction_time=now,
            settlement_date=settlement_date(now.date()),
            total_quantity=self.total_quantity if number == len(self.steps) - 1 else None,
        )


class SimulatedVenue:
    """A market in memory, on the running loop's time; trades are dated by `clock`."""

    def __init__(self, behaviour: Behaviour, clock: Clock) -> None:
        self._behaviour = behaviour
        self._clock = clock
        self._open: dict[UUID, _OpenOrder] = {}
        self._due: list[tuple[float, int, UUID, int]] = []
        self._numbers = count()
        self._changed = asyncio.Event()

    @property
    def id(self) -> str:
        """The venue's name in executions."""
        return VENUE_ID

    async def send(self, orders: Sequence[VenueOrder]) -> Sequence[SendResult]:
        """Take orders into the book, those that are there already once only."""
        now = asyncio.get_running_loop().time()
        return [SendResult.REFUSED if self._take(order, now) else SendResult.ACCEPTED for order in orders]

    async def ask_status(self, orders: Sequence[VenueOrder]) -> None:
        """Say again what was said of open orders. Any other is traded anew, which leads to the same executions."""
        now = asyncio.get_running_loop().time()
        for order in orders:
            known = self._open.get(order.order_id)
            if known is not None:
                self._queue(known, enumerate([now] * len(known.said)))
            elif refusal := self._take(order, now):
                self._open_order(order, [(now, OrderEnded(order.order_id, refusal))])

    async def forget(self, lanes: Collection[int]) -> None:
        """Drop the orders of these lanes and all that was still to be said of them."""
        self._open = {one: known for one, known in self._open.items() if known.order.lane not in lanes}
        self._due = [entry for entry in self._due if entry[2] in self._open]
        heapify(self._due)

    async def next_reports(self) -> Sequence[AddressedReport]:
        """Wait until something is due; all that is."""
        while not (reports := self._say_due()):
            self._changed.clear()
            await self._wait_until_due()
        return reports

    async def _wait_until_due(self) -> None:
        when = self._due[0][0] if self._due else None
        try:
            async with asyncio.timeout_at(when):
                await self._changed.wait()
        except TimeoutError:
            return

    def _say_due(self) -> list[AddressedReport]:
        until, now = asyncio.get_running_loop().time() + DUE_TOGETHER_SECONDS, self._clock.now()
        reports = []
        while self._due and self._due[0][0] <= until:
            _, _, order_id, number = heappop(self._due)
            known = self._open[order_id]
            reports.append(AddressedReport(known.order, known.say(number, now)))
            known.queued -= 1
            if not known.queued:
                del self._open[order_id]
        return reports

    def _take(self, order: VenueOrder, now: float) -> str | None:
        """Open an order, unless it is open; the reason when it is refused."""
        if order.order_id in self._open:
            return None
        outcome = outcome_of(order, self._behaviour)
        if outcome.refusal is None:
            self._open_order(order, list(_steps(order, outcome, now)), outcome.total_quantity)
        return outcome.refusal

    def _open_order(self, order: VenueOrder, steps: Sequence[tuple[float, Step]], total: Decimal = Decimal(0)) -> None:
        known = self._open[order.order_id] = _OpenOrder(order, [step for _, step in steps], total)
        self._queue(known, enumerate(due for due, _ in steps))

    def _queue(self, known: _OpenOrder, due_steps: Iterable[tuple[int, float]]) -> None:
        for number, due in due_steps:
            heappush(self._due, (due, next(self._numbers), known.order.order_id, number))
            known.queued += 1
        self._changed.set()


def _steps(order: VenueOrder, outcome: Outcome, now: float) -> Iterator[tuple[float, Step]]:
    """What is to be said of an order, each at its time of the loop."""
    yield now + outcome.ack_after_seconds, OrderAccepted(order.order_id)
    for fill in outcome.fills:
        yield now + fill.after_seconds, fill.trade
    if outcome.is_short:
        detail = "the reservation does not reach for the whole quantity"
        yield now + outcome.fills[-1].after_seconds, OrderEnded(order.order_id, detail, outcome.total_quantity)
