"""Senders under test: the real ones, with short waits; stopped in order, or lost as a killed process is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from orderlane.postgres.connection import StatementCount
from orderlane.postgres.deliveries import PostgresDeliveryStore
from orderlane.sources import Sources
from orderlane.webhooks.addresses import AddressGuard
from orderlane.webhooks.delivery import Deliveries
from orderlane.webhooks.fair_shares import FairShares
from orderlane.webhooks.schedule import RetrySchedule
from orderlane.webhooks.sending import HttpTransport, SendingLimits
from orderlane.webhooks.signing import KeyRing
from orderlane.workers.sender import Sender, SenderLimits

QUICK = RetrySchedule(waits_seconds=(0.02, 0.04, 0.06, 0.1))
LIMITS = SenderLimits(poll_seconds=0.05, redistribute_seconds=0.1, end_seconds_max=0.5)


@dataclass
class RunningSender:
    """A sender in a task of its own."""

    sender: Sender
    store: PostgresDeliveryStore
    count: StatementCount
    stop: asyncio.Event
    task: "asyncio.Task[None]"

    async def until_owning(self, *numbers: int) -> None:
        async with asyncio.timeout(20):
            while not set(numbers) <= self.sender.subscriptions:
                await asyncio.sleep(0.01)

    async def end(self) -> None:
        self.stop.set()
        await self.task

    async def vanish(self) -> None:
        """Be gone from one moment to the next: the sessions die, nothing is brought to an end."""
        self.store._connection.terminate()
        self.store._pool.terminate()
        self.task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await self.task


@asynccontextmanager
async def sending(
    dsn: str,
    sources: Sources,
    *,
    schedule: RetrySchedule = QUICK,
    limits: SenderLimits = LIMITS,
    sending_limits: SendingLimits | None = None,
    shares: FairShares | None = None,
) -> AsyncIterator[RunningSender]:
    """A running sender."""
    count = StatementCount()
    async with HttpTransport(AddressGuard(allow_insecure=True), sending_limits) as transport:
        store = await PostgresDeliveryStore.open(dsn, count=count)
        deliveries = Deliveries(store, transport, KeyRing(store.keys, sources), sources, schedule, shares)
        stop = asyncio.Event()
        sender = Sender(store, deliveries, limits)
        running = RunningSender(sender, store, count, stop, asyncio.create_task(sender.run(stop)))
        try:
            yield running
        finally:
            if not running.task.done():
                await running.end()
