"""The venue gateway: carries orders from the outbox to the venue, and what the venue says into the inbox.

It keeps nothing that matters. Orders leave the outbox when the venue has answered, so a killed gateway's are sent
again, which is harmless; and whoever takes over a lane first asks for the status of all that is at the venue.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter
from uuid import UUID

import structlog

from orderlane.domain.messages import OrderEnded, ReceiveVenueReports
from orderlane.ports.venue import AddressedReport, SendResult, Venue
from orderlane.ports.venue_outbox import AccountReports, VenueOutbox, WaitingOrder
from orderlane.workers.running import stopped_within

_log = structlog.get_logger("orderlane.gateway")


@dataclass(frozen=True, slots=True)
class GatewayLimits:
    """How much a gateway carries at once, and how long it waits, in seconds.

    `pace_seconds` is the least time between two round trips, unless there is too much for one: what the venue says
    meanwhile goes together.
    """

    orders_max: int = 1000
    reports_max: int = 4000
    rebalance_seconds: float = 1.0
    poll_seconds: float = 0.25
    pace_seconds: float = 0.005


class Gateway:
    """One venue's orders and reports, for a fair share of the lanes."""

    def __init__(self, store: VenueOutbox, venue: Venue, limits: GatewayLimits | None = None) -> None:
        self._store = store
        self._venue = venue
        self._limits = limits or GatewayLimits()
        self._heard: deque[AddressedReport] = deque()
        self._listening: asyncio.Task[Sequence[AddressedReport]] | None = None
        self._unknown: dict[UUID, WaitingOrder] = {}
        self.lanes: frozenset[int] = frozenset()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set. Raises StoreUnavailable when the session, and with it the lanes, are lost."""
        try:
            await self._work(stop)
        finally:
            await self._end()

    async def _work(self, stop: asyncio.Event) -> None:
        rebalanced_at = float("-inf")
        while not stop.is_set():
            began = perf_counter()
            if self._store.is_rebalance_hinted or began - rebalanced_at >= self._limits.rebalance_seconds:
                await self._rebalance()
                rebalanced_at = began
            if not await self._round_trip():
                await self._wait_for_work(stop)
            elif not self._heard:
                await stopped_within(stop, began + self._limits.pace_seconds - perf_counter())

    async def _end(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait({self._listening})
        await self._venue.forget(self.lanes)
        await self._store.close()

    async def _rebalance(self) -> None:
        before, self.lanes = self.lanes, await self._store.rebalance()
        lost, gained = before - self.lanes, self.lanes - before
        if lost:
            await self._venue.forget(lost)
            self._unknown = {key: one for key, one in self._unknown.items() if one.order.lane not in lost}
        if self._unknown:
            await self._venue.ask_status([one.order for one in self._unknown.values()])
        if gained:
            await self._reconcile(gained)
        if lost or gained:
            _log.info("lanes rebalanced", owned=len(self.lanes), gained=len(gained), lost=len(lost))

    async def _reconcile(self, gained: Collection[int]) -> None:
        """Ask for the status of all that another gateway may have left at the venue."""
        asked = 0
        for lane in sorted(gained):
            orders = await self._store.orders_at_the_venue(lane)
            await self._venue.ask_status(orders)
            asked += len(orders)
        if asked:
            _log.info("orders at the venue reconciled", lanes=len(gained), orders=asked)

    async def _round_trip(self) -> bool:
        """Carry what waits there and back; whether there was anything."""
        began = perf_counter()
        unknown = [one.id for one in self._unknown.values()]
        waiting = await self._store.waiting_orders(self.lanes, unknown, self._limits.orders_max)
        answered, refused = await self._send(waiting)
        reports = [*refused, *self._take_heard()]
        answered += self._found(reports)
        if not answered and not reports:
            return bool(waiting)
        messages = messages_of(reports)
        await self._store.record(answered, messages)
        _log.info(
            "round trip",
            orders=len(waiting),
            refused=len(refused),
            unknown=len(self._unknown),
            reports=len(reports),
            messages=len(messages),
            latency_ms=round((perf_counter() - began) * 1000, 2),
        )
        return True

    async def _send(self, waiting: Sequence[WaitingOrder]) -> tuple[list[int], list[AddressedReport]]:
        """Send orders; the places of those that the venue answered for, and the ends of those that it refused."""
        if not waiting:
            return [], []
        results = await self._venue.send([one.order for one in waiting])
        answered: list[int] = []
        refused: list[AddressedReport] = []
        unknown: list[WaitingOrder] = []
        for one, result in zip(waiting, results, strict=True):
            match result:
                case SendResult.ACCEPTED:
                    answered.append(one.id)
                case SendResult.REFUSED:
                    answered.append(one.id)
                    refused.append(self._refusal(one))
                case SendResult.UNKNOWN:
                    unknown.append(one)
                case _:
                    raise TypeError(f"no rule for {result!r}")
        await self._ask(unknown)
        return answered, refused

    async def _ask(self, unknown: Sequence[WaitingOrder]) -> None:
        """Keep orders in the outbox until the venue says something of them."""
        if unknown:
            self._unknown.update((one.order.order_id, one) for one in unknown)
            await self._venue.ask_status([one.order for one in unknown])

    def _refusal(self, refused: WaitingOrder) -> AddressedReport:
        detail = f"the venue {self._venue.id} refused the order"
        return AddressedReport(refused.order, OrderEnded(refused.order.order_id, detail))

    def _take_heard(self) -> list[AddressedReport]:
        """What the venue has said meanwhile, as much as goes at once."""
        if self._listening is not None and self._listening.done():
            self._heard.extend(self._listening.result())
            self._listening = None
        taken = [self._heard.popleft() for _ in range(min(len(self._heard), self._limits.reports_max))]
        if self._listening is None and not self._heard:
            self._listening = asyncio.ensure_future(self._venue.next_reports())
        return taken

    def _found(self, reports: Iterable[AddressedReport]) -> list[int]:
        """The places of orders of which nothing was known until these reports."""
        if not self._unknown:
            return []
        found = (self._unknown.pop(one.report.order_id, None) for one in reports)
        return [one.id for one in found if one is not None]

    async def _wait_for_work(self, stop: asyncio.Event) -> None:
        """Return when the venue has said something, an order may have come, or it is time to stop."""
        waits = {
            asyncio.ensure_future(self._store.wait_for_order(self._limits.poll_seconds)),
            asyncio.ensure_future(stop.wait()),
        }
        listening = {self._listening} if self._listening is not None else set()
        await asyncio.wait(waits | listening, return_when=asyncio.FIRST_COMPLETED)
        for one in waits:
            one.cancel()
        await asyncio.wait(waits)


def messages_of(reports: Iterable[AddressedReport]) -> list[AccountReports]:
    """Reports as messages to lanes: one for each portfolio order, with all that was said of it, in that sequence."""
    grouped: dict[UUID, list[AddressedReport]] = {}
    for one in reports:
        grouped.setdefault(one.order.portfolio_order_id, []).append(one)
    return [
        AccountReports(
            group[0].order.lane,
            group[0].order.account_id,
            ReceiveVenueReports(tuple(one.report for one in group)),
        )
        for group in grouped.values()
    ]
