"""Reading a subscription's events ahead of its cursor: no earlier, no more often and no more than is of use."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from orderlane.ports.deliveries import Cursor, DeliveryStore, ReadEvents
from orderlane.ports.webhooks import Subscription
from orderlane.sources import Clock
from orderlane.webhooks.batching import Backlog, Batch

READ_PACKAGES: Final = 2
"""How many packages are read at once, and how many bytes at least."""

READ_BYTES_MIN: Final = 256 * 1024
POSITIONS_MIN: Final = 64
POSITIONS_MAX: Final = 20_000
SKIP_EVERY: Final = timedelta(seconds=10)
"""How often the stored cursor of a subscription that gets nothing is moved over the events of others."""


class EventReader:
    """The events that a subscription gets, from a cursor on, as batches when they are due."""

    def __init__(self, subscription: Subscription, cursor: Cursor, store: DeliveryStore, clock: Clock) -> None:
        self._subscription = subscription
        self._store = store
        self._clock = clock
        self._delay = timedelta(milliseconds=subscription.delay_ms)
        self._backlog = Backlog(cursor, subscription.max_package_bytes, self._delay)
        self._wanted_bytes = max(READ_PACKAGES * subscription.max_package_bytes, READ_BYTES_MIN)
        self._positions_max = POSITIONS_MIN
        self._noticed_at: datetime | None = None
        self._is_likely_full = False
        self._skipped_at = clock.now()
        self._woken = asyncio.Event()

    def notice(self, heads: Sequence[int] | None = None) -> None:
        """Note that there may be new events; with the `heads` of the lanes, whether there are."""
        if heads is not None:
            read_until = self._backlog.read_until.positions
            ahead = sum(max(head - position, 0) for head, position in zip(heads, read_until, strict=True))
            if not ahead:
                return
            self._is_likely_full |= (
                ahead * self._wanted_bytes >= self._positions_max * self._subscription.max_package_bytes
            )
        self._noticed_at = self._noticed_at or self._clock.now()
        self._woken.set()

    def wake(self) -> None:
        """Make a waiting `next_batch` look again whether it is to stop."""
        self._woken.set()

    def due_batch(self) -> Batch | None:
        """The next batch, if it is due already."""
        due_at = self._backlog.due_at
        return self._backlog.take() if due_at is not None and due_at <= self._clock.now() else None

    async def read_ahead(self) -> None:
        """Read once, if that may give more for the next batch. Raises StoreUnavailable."""
        if self._may_read(self._clock.now()):
            await self._read()

    async def next_batch(self, stop: asyncio.Event) -> Batch | None:
        """Wait until a batch is due; None once `stop` is set. Raises StoreUnavailable and CursorMoved.

        No package may be stored meanwhile: the cursor moves over dropped events now and then.
        """
        while not stop.is_set():
            self._woken.clear()
            reads = self._may_read(self._clock.now())
            if reads:
                await self._read()
            batch = self.due_batch()
            if batch is not None:
                return batch
            if not reads:
                await self._skip()
                await self._wait()
        return None

    def _may_read(self, now: datetime) -> bool:
        backlog = self._backlog
        if backlog.is_full:
            return False
        if not backlog.is_all:
            return True
        looks_at = self._looks_at()
        return self._noticed_at is not None and (self._is_likely_full or looks_at is None or now >= looks_at)

    def _looks_at(self) -> datetime | None:
        """When what was read, or else what was noticed, has waited long enough."""
        if self._backlog.due_at is not None or self._noticed_at is None:
            return self._backlog.due_at
        return self._noticed_at + self._delay

    async def _read(self) -> None:
        self._noticed_at, self._is_likely_full = None, False
        before = self._backlog.read_until
        read = await self._store.read(self._subscription.filter, before, self._positions_max)
        self._backlog.add(read, self._clock.now())
        self._adapt(read, sum(read.reached.positions) - sum(before.positions))

    def _adapt(self, read: ReadEvents, looked_at: int) -> None:
        """Look at as many positions next time as will give the wanted number of bytes, if they are like these."""
        if not looked_at:
            return
        found_bytes = sum(len(one.payload) for one in read.events)
        most = min(4 * self._positions_max, POSITIONS_MAX)
        wanted = looked_at * self._wanted_bytes // found_bytes if found_bytes else most
        self._positions_max = max(min(wanted, most), POSITIONS_MIN)

    async def _skip(self) -> None:
        reached = self._backlog.skipped
        now = self._clock.now()
        if reached is not None and now >= self._skipped_at + SKIP_EVERY:
            await self._store.skip(self._subscription.id, self._backlog.taken, reached)
            self._backlog.skip()
            self._skipped_at = now

    async def _wait(self) -> None:
        skips_at = self._skipped_at + SKIP_EVERY if self._backlog.skipped else None
        until = min((moment for moment in (self._looks_at(), skips_at) if moment is not None), default=None)
        await wait_until(self._woken, until, self._clock)


async def wait_until(event: asyncio.Event, moment: datetime | None, clock: Clock) -> None:
    """Return when the event is set, at the latest at the moment if there is one."""
    seconds = None if moment is None else (moment - clock.now()).total_seconds()
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
