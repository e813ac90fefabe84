"""The webhook sender: owns a fair share of the subscriptions and runs one delivery for each."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

import structlog
from msgspec import Struct

from orderlane.ports.deliveries import DeliveryStore, Wake
from orderlane.ports.errors import StoreUnavailable
from orderlane.ports.webhooks import Subscription
from orderlane.webhooks.delivery import Deliveries, Delivery

_log = structlog.get_logger("orderlane.sender")


class SenderLimits(Struct, frozen=True, kw_only=True):
    """How often a sender looks, and how long it waits, in seconds.

    `end_seconds_max` is how long a request in flight may go on when its delivery is to end; one that is cut off is sent
    again by whoever owns the subscription next. After `rest_seconds` a delivery that failed is started again.
    """

    poll_seconds: float = 0.25
    redistribute_seconds: float = 1.0
    keys_seconds: float = 30.0
    end_seconds: float = 0.05
    end_seconds_max: float = 3.0
    rest_seconds: float = 10.0


@dataclass(slots=True)
class _Running:
    changed_at: datetime
    delivery: Delivery
    task: asyncio.Task[None]
    cut_off_at: float | None = None


class Sender:
    """One of any number of processes that deliver webhooks."""

    def __init__(self, store: DeliveryStore, deliveries: Deliveries, limits: SenderLimits | None = None) -> None:
        self._store = store
        self._deliveries = deliveries
        self._limits = limits or SenderLimits()
        self._running: dict[int, _Running] = {}
        self._resting: dict[int, float] = {}

    @property
    def subscriptions(self) -> frozenset[int]:
        """The numbers of those that are delivered to."""
        return frozenset(self._running)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set.

        Raises:
            StoreUnavailable: the session is lost, and with it the subscriptions.
        """
        try:
            await self._work(stop)
        finally:
            try:
                await self._end_all()
            finally:
                await self._store.close()

    async def _work(self, stop: asyncio.Event) -> None:
        keys_at = redistribute_at = perf_counter()
        wake = Wake(events=False, subscriptions=True)
        while not stop.is_set():
            if perf_counter() >= keys_at:
                await self._deliveries.refresh_keys()
                keys_at = perf_counter() + self._limits.keys_seconds
            if wake.subscriptions or perf_counter() >= redistribute_at:
                await self._redistribute()
                redistribute_at = perf_counter() + self._limits.redistribute_seconds
            self._collect_ended()
            await self._look(wake)
            wake = await self._store.wait(self._limits.poll_seconds)

    async def _look(self, wake: Wake) -> None:
        """Tell the deliveries of a notification, else look whether there is anything new."""
        if self._running:
            await self._deliveries.look(None if wake.events else await self._store.heads())

    async def _redistribute(self) -> None:
        """Claim and release; nothing is released before its delivery has come to an end."""
        enabled = await self._store.enabled()
        surplus = await self._store.surplus(enabled.keys())
        changed = {number for number, running in self._running.items() if enabled.get(number) != running.changed_at}
        await self._end(surplus | changed)
        owned = await self._store.redistribute(enabled.keys(), busy=self._running.keys())
        missing = (owned & enabled.keys()) - surplus - self._running.keys() - self._resting.keys()
        if missing:
            self._begin(await self._store.subscriptions(missing))

    def _begin(self, subscriptions: Collection[Subscription]) -> None:
        for subscription in subscriptions:
            delivery = self._deliveries.begin(subscription)
            task = asyncio.create_task(delivery.run(), name=f"delivery {subscription.number}")
            self._running[subscription.number] = _Running(subscription.updated_at, delivery, task)
        _log.info("deliveries_started", started=len(subscriptions), running=len(self._running))

    async def _end(self, numbers: Collection[int]) -> None:
        """Ask deliveries to end; those with a request in flight are collected when it is answered or cut off."""
        ending = [running for number, running in self._running.items() if number in numbers]
        for running in ending:
            if running.cut_off_at is None:
                running.cut_off_at = perf_counter() + self._limits.end_seconds_max
                running.delivery.stop()
        if ending:
            await asyncio.wait([running.task for running in ending], timeout=self._limits.end_seconds)
        self._collect_ended()

    def _collect_ended(self) -> None:
        """Forget the deliveries that ended, cut off those that take too long.

        Raises:
            StoreUnavailable: one of them lost the database.
        """
        now = perf_counter()
        self._resting = {number: until for number, until in self._resting.items() if until > now}
        for number, running in list(self._running.items()):
            if running.task.done():
                del self._running[number]
                self._judge(number, running.task)
            elif running.cut_off_at is not None and now >= running.cut_off_at:
                running.task.cancel()

    def _judge(self, number: int, task: asyncio.Task[None]) -> None:
        """A failed delivery is started again after a pause; a lost database ends the sender."""
        error = None if task.cancelled() else task.exception()
        if isinstance(error, StoreUnavailable):
            raise error
        if error is not None:
            self._resting[number] = perf_counter() + self._limits.rest_seconds
            _log.error(
                "delivery_failed",
                number=number,
                error=repr(error),
                retry_in_seconds=self._limits.rest_seconds,
                exc_info=error,
            )

    async def _end_all(self) -> None:
        tasks = [running.task for running in self._running.values()]
        for running in self._running.values():
            running.delivery.stop()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._limits.end_seconds_max)
            for task in late:
                task.cancel()
            await asyncio.wait(tasks)
        self._collect_ended()
