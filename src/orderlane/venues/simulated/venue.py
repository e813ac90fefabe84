"""The simulated venue itself: open orders, and a queue of what is to be said of them, by the time when it is due."""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Final

from msgspec import Struct, field

from orderlane.domain.ids import OrderId
from orderlane.domain.lane.reporting import OrderAccepted, OrderEnded, OrderExecuted, VenueReport
from orderlane.domain.money import total
from orderlane.ports.venue import ACCEPTED, SendResult, VenueOrder, refused
from orderlane.sources import Clock
from orderlane.venues.simulated.behaviour import Behaviour
from orderlane.venues.simulated.outcome import Outcome, outcome_of
from orderlane.venues.simulated.settlement import settlement_date
from orderlane.venues.simulated.trades import Trade

DUE_TOGETHER_SECONDS: Final = 0.0005
"""What is due within this time is said at once, rather than by a timer of its own."""
CANCELLED_ORDERS_MAX: Final = 10_000
"""How many cancelled orders are remembered, so that asking for one again does not trade it."""
CANCELLED: Final = "cancelled on request"
SHORT: Final = "the reservation does not cover the whole quantity"
AT_ITS_END: Final = refused("it is at its end already")
TAKEN_BEFORE: Final = refused("it was taken before this venue was started, or is at its end: it takes its course")

Step = OrderAccepted | Trade | OrderEnded


class _OpenOrder(Struct):
    """An order of which something is still to be said: `queued` counts how much, `said` is what was said already.

    `is_retaken` tells that this process may not know all that was said of it: what it trades must not be changed.
    """

    order: VenueOrder
    steps: list[Step]
    total_quantity: Decimal
    is_retaken: bool
    is_cancelled: bool = False
    queued: int = 0
    said: list[VenueReport] = field(default_factory=list)

    def say(self, number: int, now: datetime) -> VenueReport:
        """The report of a step: made when it is due, the same when it is asked for again."""
        if number == len(self.said):
            self.said.append(self._report(number, now))
        return self.said[number]

    def cancel(self) -> None:
        """Let nothing follow on what was said but the end, behind the acknowledgement."""
        traded = total(report.quantity for report in self.said if isinstance(report, OrderExecuted))
        kept = self.steps[: max(len(self.said), 1)]
        self.steps = [*kept, OrderEnded(self.order.order_id, CANCELLED, traded)]
        self.is_cancelled = True

    def _report(self, number: int, now: datetime) -> VenueReport:
        step = self.steps[number]
        if not isinstance(step, Trade):
            return step
        return OrderExecuted(
            order_id=self.order.order_id,
            venue_execution_id=f"{self.order.order_id}-{number}",
            quantity=step.quantity,
            cash_amount=step.cash_amount,
            price=step.price,
            transaction_time=now,
            settlement_date=settlement_date(now.date()),
            total_quantity=self.total_quantity if number == len(self.steps) - 1 else None,
        )


class SimulatedVenue:
    """A market in memory, on the running loop's time; trades are dated by `clock`.

    An order that a former process took is traded again from its beginning, the very same way. How much of it was said
    before is not known here, so a cancel of it is refused.
    """

    def __init__(self, behaviour: Behaviour, clock: Clock, name: str = "SIMULATED") -> None:
        self._behaviour = behaviour
        self._clock = clock
        self._name = name
        self._open: dict[OrderId, _OpenOrder] = {}
        self._cancelled: dict[OrderId, _OpenOrder] = {}
        self._due: list[tuple[float, int, OrderId, int]] = []
        self._numbers = count()
        self._changed = asyncio.Event()

    @property
    def name(self) -> str:
        """The venue's name in the table of venues."""
        return self._name

    async def send(self, orders: Sequence[VenueOrder]) -> Sequence[SendResult]:
        """Take orders into the book, those that are there already once only."""
        now = asyncio.get_running_loop().time()
        return [self._send(order, now) for order in orders]

    def _send(self, order: VenueOrder, now: float) -> SendResult:
        if self._known(order) is not None:
            return ACCEPTED
        refusal = self._take(order, now)
        return ACCEPTED if refusal is None else refused(refusal)

    async def cancel(self, orders: Sequence[VenueOrder]) -> Sequence[SendResult]:
        """End orders of which not everything was said yet; what was traded before stands."""
        now = asyncio.get_running_loop().time()
        results, ended = [], []
        for order in orders:
            known = self._known(order)
            if known is None or known.is_retaken:
                results.append(TAKEN_BEFORE)
                self._repeat(order, now)
            elif len(known.said) == len(known.steps) and not known.is_cancelled:
                results.append(AT_ITS_END)
            else:
                results.append(ACCEPTED)
                ended.append(known)
        self._end(ended, now)
        return results

    def _end(self, ended: Sequence[_OpenOrder], now: float) -> None:
        """Cancel open orders, and have everything of them said at once."""
        ids = {known.order.order_id for known in ended}
        self._due = [entry for entry in self._due if entry[2] not in ids]
        heapify(self._due)
        for known in ended:
            if not known.is_cancelled:
                known.cancel()
            known.queued = 0
            self._open[known.order.order_id] = known
            self._queue(known, ((number, now) for number in range(len(known.steps))))

    async def ask_status(self, orders: Sequence[VenueOrder]) -> None:
        """Say again what was said of orders. An order that is not known is traded anew: the same executions."""
        now = asyncio.get_running_loop().time()
        for order in orders:
            self._repeat(order, now)

    def _repeat(self, order: VenueOrder, now: float) -> None:
        known = self._known(order)
        if known is not None:
            self._open[order.order_id] = known
            self._queue(known, ((number, now) for number in range(len(known.said))))
        elif refusal := self._take(order, now, is_retaken=True):
            self._open_order(order, [(now, OrderEnded(order.order_id, refusal))], is_retaken=True)

    async def forget(self, lanes: Collection[int]) -> None:
        """Drop the orders of these lanes and all that was still to be said of them."""
        self._open = {order_id: known for order_id, known in self._open.items() if known.order.lane not in lanes}
        self._cancelled = {
            order_id: known for order_id, known in self._cancelled.items() if known.order.lane not in lanes
        }
        self._due = [entry for entry in self._due if entry[2] in self._open]
        heapify(self._due)

    async def close(self) -> None:
        """Drop everything."""
        self._open, self._cancelled, self._due = {}, {}, []

    async def next_reports(self) -> Sequence[VenueReport]:
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

    def _say_due(self) -> list[VenueReport]:
        until, now = asyncio.get_running_loop().time() + DUE_TOGETHER_SECONDS, self._clock.now()
        reports = []
        while self._due and self._due[0][0] <= until:
            _, _, order_id, number = heappop(self._due)
            known = self._open[order_id]
            reports.append(known.say(number, now))
            known.queued -= 1
            if not known.queued:
                self._put_away(order_id)
        return reports

    def _put_away(self, order_id: OrderId) -> None:
        """Drop an order of which everything was said; of the cancelled ones, remember the latest."""
        known = self._open.pop(order_id)
        if known.is_cancelled:
            self._cancelled[order_id] = known
            if len(self._cancelled) > CANCELLED_ORDERS_MAX:
                del self._cancelled[next(iter(self._cancelled))]

    def _known(self, order: VenueOrder) -> _OpenOrder | None:
        return self._open.get(order.order_id) or self._cancelled.get(order.order_id)

    def _take(self, order: VenueOrder, now: float, *, is_retaken: bool = False) -> str | None:
        """Open an order that is not known; the reason when it is refused."""
        outcome = outcome_of(order, self._behaviour)
        if outcome.refusal is None:
            steps = list(_steps(order, outcome, now))
            self._open_order(order, steps, outcome.total_quantity, is_retaken=is_retaken)
        return outcome.refusal

    def _open_order(
        self,
        order: VenueOrder,
        steps: Sequence[tuple[float, Step]],
        total_quantity: Decimal = Decimal(0),
        *,
        is_retaken: bool,
    ) -> None:
        known = _OpenOrder(order, [step for _, step in steps], total_quantity, is_retaken)
        self._open[order.order_id] = known
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
        yield now + outcome.fills[-1].after_seconds, OrderEnded(order.order_id, SHORT, outcome.total_quantity)
