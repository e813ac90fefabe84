"""The venue gateway: carries orders from the outbox to one venue, and what the venue says into the inbox.

It keeps nothing that matters. What it hands over leaves the outbox when the venue has answered, so a killed gateway's
orders are sent again, which is harmless; and whoever takes over a lane first asks for the status of all that is at the
venue.

Its sends are fenced: what was read from the outbox is handed over within `proof_seconds_max` of the statement that read
it, which also saw that the lanes are owned, or ownership is confirmed again. So a gateway that was frozen, and whose
lanes another one serves now, sends nothing when it wakes.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from time import monotonic

import structlog
from msgspec import Struct, field, structs

from orderlane.domain.ids import OrderId, ParentOrderId, lane_of, parent_of
from orderlane.domain.lane.reporting import OrderEnded, OrderExecuted, ReceiveVenueReports, VenueReport
from orderlane.ports.venue import UNKNOWN, Answer, SendResult, Venue, VenueOrder
from orderlane.ports.venue_outbox import AnsweredOrder, OutboxKind, OutboxRow, ParentReports, VenueOutbox
from orderlane.workers.running import stopped_within

_log = structlog.get_logger("orderlane.gateway")

_NUL = "\0"
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class GatewayLimits(Struct, frozen=True, kw_only=True):
    """How much a gateway carries at once, and how long it waits, in seconds.

    `pace_seconds` is the least time between two round trips, unless there is too much for one: what the venue says
    meanwhile goes together. `proof_seconds_max` is how old the proof of ownership may be when something is handed over,
    and `answer_seconds_max` how long the venue may take to answer: together less than the silence after which others
    take over the lanes of a frozen process. Nothing more is read while `unanswered_max` orders are without an answer.
    """

    rows_max: int = 200
    orders_max: int = 1000
    reports_max: int = 4000
    unanswered_max: int = 4000
    redistribute_seconds: float = 1.0
    poll_seconds: float = 0.25
    pace_seconds: float = 0.005
    proof_seconds_max: float = 5.0
    answer_seconds_max: float = 5.0


class Gateway:
    """One venue's orders and reports, for a fair share of the lanes."""

    def __init__(self, store: VenueOutbox, venue: Venue, limits: GatewayLimits | None = None) -> None:
        self._store = store
        self._venue = venue
        self._limits = limits or GatewayLimits()
        self._heard: deque[VenueReport] = deque()
        self._listening: asyncio.Task[Sequence[VenueReport]] | None = None
        self._unanswered = _Unanswered()
        self._turn: list[int] = []
        self.lanes: frozenset[int] = frozenset()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set.

        Raises:
            StoreUnavailable: the session, and with it the lanes, are lost.
        """
        try:
            await self._work(stop)
        finally:
            await self._end()

    async def _work(self, stop: asyncio.Event) -> None:
        redistributed_at = float("-inf")
        while not stop.is_set():
            began = monotonic()
            if self._store.is_hinted or began - redistributed_at >= self._limits.redistribute_seconds:
                await self._redistribute()
                redistributed_at = began
            if not await self._round_trip():
                await self._wait_for_work(stop)
            elif not self._heard:
                await stopped_within(stop, began + self._limits.pace_seconds - monotonic())

    async def _end(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait({self._listening})
        try:
            await self._venue.close()
        finally:
            await self._store.close()

    async def _redistribute(self) -> None:
        proved_at = monotonic()
        before, self.lanes = self.lanes, await self._store.redistribute()
        lost, gained = before - self.lanes, self.lanes - before
        if lost:
            await self._leave(lost)
        await self._ask(self._unanswered.orders, proved_at)
        if gained:
            await self._reconcile(gained)
        if lost or gained:
            self._turn = sorted(self.lanes)
            counts = {"owned": len(self.lanes), "gained": len(gained), "lost": len(lost)}
            _log.info("lanes_redistributed", venue=self._venue.name, **counts)

    async def _leave(self, lost: Collection[int]) -> None:
        """Forget all of lanes that another gateway serves: it hears anew what was not recorded here."""
        await self._venue.forget(lost)
        self._unanswered.forget(lost)
        self._collect_heard()
        lane_count = self._store.lane_count
        self._heard = deque(report for report in self._heard if lane_of(report.order_id, lane_count) not in lost)

    async def _reconcile(self, gained: Collection[int]) -> None:
        """Ask for the status of all that another gateway may have left at the venue."""
        asked, proved_at = 0, monotonic()
        async for orders in self._store.orders_at_the_venue(gained):
            await self._ask(orders, proved_at)
            asked, proved_at = asked + len(orders), monotonic()
        if asked:
            _log.info("orders_reconciled", venue=self._venue.name, lanes=len(gained), orders=asked)

    async def _ask(self, orders: Sequence[VenueOrder], proved_at: float) -> None:
        """Ask for the status of orders, by which the venue takes those that it does not know."""
        if orders:
            await self._confirm(proved_at)
            await self._venue.ask_status(orders)

    async def _confirm(self, proved_at: float) -> None:
        """Have ownership proved again if the proof is too old: this process may have been frozen."""
        while monotonic() - proved_at > self._limits.proof_seconds_max:
            _log.warning("ownership_confirmed_again", venue=self._venue.name, age_seconds=monotonic() - proved_at)
            proved_at = monotonic()
            await self._store.confirm(self.lanes)

    async def _round_trip(self) -> bool:
        """Carry what waits there and back; whether there was anything."""
        began = monotonic()
        rows = await self._waiting()
        trip = await self._hand_over(rows, began)
        reports = [*trip.refusals, *self._take_heard()]
        answered = [*trip.answered, *self._unanswered.hear(reports)]
        if not answered and not reports:
            return bool(rows)
        messages = messages_of(reports)
        await self._store.record(answered, messages)
        _log.info(
            "round_trip",
            venue=self._venue.name,
            sent=trip.sent,
            cancelled=trip.cancelled,
            refused=len(trip.refusals),
            unanswered=len(self._unanswered),
            reports=len(reports),
            messages=len(messages),
            latency_ms=round((monotonic() - began) * 1000, 2),
        )
        return True

    async def _waiting(self) -> Sequence[OutboxRow]:
        """What is to be told; nothing while the venue owes answers for so many orders that it may be gone."""
        if len(self._unanswered) >= self._limits.unanswered_max:
            return ()
        return await self._store.waiting(self._turn, self._unanswered.parents, self._limits.rows_max)

    async def _hand_over(self, rows: Sequence[OutboxRow], proved_at: float) -> "_Trip":
        """Send orders, then cancel some; the lane that was served last has its next turn behind the others."""
        trip = _Trip()
        if not rows:
            return trip
        told = _first_orders(rows, self._limits.orders_max)
        trip.sent, trip.cancelled = len(told[OutboxKind.SEND]), len(told[OutboxKind.CANCEL])
        await self._confirm(proved_at)
        await self._send(told[OutboxKind.SEND], trip)
        cancels = [order for order in told[OutboxKind.CANCEL] if not self._unanswered.has(order)]
        if cancels:
            await self._confirm(proved_at)
            await self._cancel(cancels, trip)
        await self._ask(trip.unknown, proved_at)
        behind = self._turn.index(rows[-1].lane) + 1
        self._turn = self._turn[behind:] + self._turn[:behind]
        return trip

    async def _send(self, orders: Sequence[VenueOrder], trip: "_Trip") -> None:
        for order, result in await self._results(OutboxKind.SEND, orders):
            match result.answer:
                case Answer.ACCEPTED:
                    trip.answered.append(AnsweredOrder(OutboxKind.SEND, order.order_id))
                case Answer.REFUSED:
                    trip.answered.append(AnsweredOrder(OutboxKind.SEND, order.order_id))
                    trip.refusals.append(self._refusal(order, result))
                case Answer.UNKNOWN:
                    trip.unknown.append(order)
                    self._unanswered.add(OutboxKind.SEND, order, result.answer)
                case _:
                    raise TypeError(f"no rule for {result!r}")

    async def _cancel(self, orders: Sequence[VenueOrder], trip: "_Trip") -> None:
        """Ask for the end of orders; what the venue accepts stays in the outbox until it reports that end."""
        for order, result in await self._results(OutboxKind.CANCEL, orders):
            match result.answer:
                case Answer.ACCEPTED:
                    self._unanswered.add(OutboxKind.CANCEL, order, result.answer)
                case Answer.REFUSED:
                    trip.answered.append(AnsweredOrder(OutboxKind.CANCEL, order.order_id))
                case Answer.UNKNOWN:
                    trip.unknown.append(order)
                    self._unanswered.add(OutboxKind.CANCEL, order, result.answer)
                case _:
                    raise TypeError(f"no rule for {result!r}")

    async def _results(self, kind: OutboxKind, orders: Sequence[VenueOrder]) -> Iterable[tuple[VenueOrder, SendResult]]:
        """What the venue answers for each order; UNKNOWN for all of them when it does not answer in time."""
        if not orders:
            return ()
        tell = self._venue.send if kind is OutboxKind.SEND else self._venue.cancel
        try:
            async with asyncio.timeout(self._limits.answer_seconds_max):
                results = await tell(orders)
        except TimeoutError:
            _log.warning("venue_answer_missing", venue=self._venue.name, kind=kind, orders=len(orders))
            results = [UNKNOWN] * len(orders)
        return zip(orders, results, strict=True)

    def _refusal(self, order: VenueOrder, result: SendResult) -> VenueReport:
        return OrderEnded(order.order_id, result.reason or f"the venue {self._venue.name} refused the order")

    def _take_heard(self) -> list[VenueReport]:
        """What the venue has said meanwhile, as much as goes at once."""
        self._collect_heard()
        taken = [self._heard.popleft() for _ in range(min(len(self._heard), self._limits.reports_max))]
        if self._listening is None and not self._heard:
            self._listening = asyncio.ensure_future(self._venue.next_reports())
        return taken

    def _collect_heard(self) -> None:
        if self._listening is not None and self._listening.done():
            self._heard.extend(self._listening.result())
            self._listening = None

    async def _wait_for_work(self, stop: asyncio.Event) -> None:
        """Return when the venue has said something, an order may have come, or it is time to stop."""
        waits = {
            asyncio.ensure_future(self._store.wait_for_order(self._limits.poll_seconds)),
            asyncio.ensure_future(stop.wait()),
        }
        listening = {self._listening} if self._listening is not None else set()
        await asyncio.wait(waits | listening, return_when=asyncio.FIRST_COMPLETED)
        for task in waits:
            task.cancel()
        await asyncio.wait(waits)


class _Trip(Struct):
    """What came of handing rows over: orders that leave the outbox, refused ones, and those of unknown fate."""

    sent: int = 0
    cancelled: int = 0
    answered: list[AnsweredOrder] = field(default_factory=list)
    refusals: list[VenueReport] = field(default_factory=list)
    unknown: list[VenueOrder] = field(default_factory=list)


class _UnansweredOrder(Struct, frozen=True):
    kind: OutboxKind
    order: VenueOrder
    answer: Answer


class _Unanswered:
    """Orders that stay in the outbox until the venue says something of them.

    A sent one of unknown fate: anything. One that was cancelled: its end. A cancel of unknown fate is tried again when
    the venue says anything else of the order, which shows that it is still open.
    """

    def __init__(self) -> None:
        self._entries: dict[OrderId, _UnansweredOrder] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def orders(self) -> list[VenueOrder]:
        """All of them."""
        return [entry.order for entry in self._entries.values()]

    @property
    def parents(self) -> set[ParentOrderId]:
        """Their parent orders, whose rows are left alone meanwhile."""
        return {parent_of(order_id) for order_id in self._entries}

    def add(self, kind: OutboxKind, order: VenueOrder, answer: Answer) -> None:
        """Wait for what the venue says of an order that it was told."""
        self._entries[order.order_id] = _UnansweredOrder(kind, order, answer)

    def has(self, order: VenueOrder) -> bool:
        """Whether the venue has to say something of the order first."""
        return order.order_id in self._entries

    def forget(self, lanes: Collection[int]) -> None:
        """Drop the orders of lanes."""
        self._entries = {order_id: entry for order_id, entry in self._entries.items() if entry.order.lane not in lanes}

    def hear(self, reports: Iterable[VenueReport]) -> list[AnsweredOrder]:
        """Those that the venue has answered for by reports."""
        if not self._entries:
            return []
        return [answered for report in reports if (answered := self._hear(report)) is not None]

    def _hear(self, report: VenueReport) -> AnsweredOrder | None:
        entry = self._entries.get(report.order_id)
        if entry is None:
            return None
        if entry.kind is OutboxKind.SEND or _is_end(report):
            del self._entries[report.order_id]
            return AnsweredOrder(entry.kind, report.order_id)
        if entry.answer is Answer.UNKNOWN:
            del self._entries[report.order_id]
        return None


def _is_end(report: VenueReport) -> bool:
    """Whether a report tells that an order is at its end, and how much of it was traded."""
    match report:
        case OrderEnded():
            return True
        case OrderExecuted():
            return report.total_quantity is not None
        case _:
            return False


def _first_orders(rows: Iterable[OutboxRow], orders_max: int) -> dict[OutboxKind, list[VenueOrder]]:
    """The first orders of rows by what the venue is to be told; the others stay in the outbox for the next trip."""
    told: dict[OutboxKind, list[VenueOrder]] = {kind: [] for kind in OutboxKind}
    room = orders_max
    for row in rows:
        told[row.kind] += row.orders[:room]
        room -= len(row.orders[:room])
    return told


def _storable(report: VenueReport) -> VenueReport:
    """The report without the one character that PostgreSQL stores in no text, in what the venue words itself."""
    match report:
        case OrderEnded(detail=detail) if _NUL in detail:
            return structs.replace(report, detail=detail.replace(_NUL, _REPLACEMENT))
        case OrderExecuted(venue_execution_id=name) if _NUL in name:
            return structs.replace(report, venue_execution_id=name.replace(_NUL, _REPLACEMENT))
        case _:
            return report


def messages_of(reports: Iterable[VenueReport]) -> list[ParentReports]:
    """Reports as messages to lanes: one for each parent order, with all that was said of it, in that sequence."""
    grouped: dict[ParentOrderId, list[VenueReport]] = {}
    for report in reports:
        grouped.setdefault(parent_of(report.order_id), []).append(_storable(report))
    return [
        ParentReports(parent_id, ReceiveVenueReports(tuple(parent_reports)))
        for parent_id, parent_reports in grouped.items()
    ]
