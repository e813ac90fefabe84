"""Reading a subscription's events ahead of its cursor: no earlier, no more often and no more than is of use."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from orderlane.ports.deliveries import Cursor, DeliveryStore, PendingEvent, ReadEvents
from orderlane.ports.webhooks import Subscription
from orderlane.sources import Clock
from orderlane.webhooks.batching import Backlog, Batch
from orderlane.webhooks.tail import Tail

READ_PACKAGES: Final = 2
"""How many packages a reader that is behind reads at once, and how many bytes at least."""

READ_BYTES_MIN: Final = 256 * 1024
POSITIONS_MIN: Final = 64
POSITIONS_MAX: Final = 20_000
SKIP_EVERY: Final = timedelta(seconds=60)
"""How often the stored cursor of a subscription that gets nothing is moved over the events of others."""


class EventReader:
    """The events that a subscription gets, from a cursor on, as batches when they are due.

    It reads alone while it is behind, and with all others at the tail when it is up to date.
    """

    def __init__(
        self, subscription: Subscription, cursor: Cursor, store: DeliveryStore, tail: Tail, clock: Clock
    ) -> None:
        self._subscription = subscription
        self._filter = subscription.filter
        self._store = store
        self._tail = tail
        self._clock = clock
        self._delay = timedelta(milliseconds=subscription.delay_ms)
        self._backlog = Backlog(cursor, subscription.max_package_bytes, self._delay)
        self._wanted_bytes = max(READ_PACKAGES * subscription.max_package_bytes, READ_BYTES_MIN)
        self._positions_max = POSITIONS_MIN
        self._is_at_tail = False
        self._skipped_at = clock.now()
        self._woken = asyncio.Event()

    @property
    def client_id(self) -> UUID:
        """Whose events it wants."""
        return self._filter.client_id

    @property
    def read_until(self) -> Cursor:
        """Where it stands; the tail feeds it with what is its own, the rest of what was read there is behind it too."""
        if self._is_at_tail:
            self._backlog.read_until = further(self._backlog.read_until, self._tail.cursor)
        return self._backlog.read_until

    @property
    def is_hungry(self) -> bool:
        """Whether it has nothing to send next, and would send at once."""
        return self._backlog.is_empty and not self._delay

    def wake(self) -> None:
        """Make a waiting `next_batch` look again."""
        self._woken.set()

    def close(self) -> None:
        """Read no more."""
        self._tail.leave(self)

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

    async def catch_up(self) -> bool:
        """Read on alone, once; whether it came to the heads of the lanes. Raises StoreUnavailable."""
        before = self._backlog.read_until
        read = await self._store.read(self._filter, before, self._positions_max)
        self._backlog.add(read.events, read.reached, self._clock.now())
        self._adapt(read, sum(read.reached.positions) - sum(before.positions))
        return read.is_all

    def feed(self, events: Sequence[PendingEvent], reached: Cursor) -> bool:
        """Take what it wants of its client's `events`, which were read up to `reached`; False without room for more."""
        if self._backlog.is_full:
            self._is_at_tail = False
            return False
        own = self._backlog.read_until
        wanted = [one for one in events if one.position > own.positions[one.lane] and self._filter.passes(one.type)]
        self._backlog.add(wanted, further(own, reached), self._clock.now())
        if wanted:
            self._woken.set()
        return True

    def _may_read(self, now: datetime) -> bool:
        if self._backlog.is_full:
            return False
        if not self._is_at_tail or not self._tail.is_all:
            return True
        looks_at = self._looks_at()
        return self._tail.noticed_at is not None and (self._is_likely_full or looks_at is None or now >= looks_at)

    @property
    def _is_likely_full(self) -> bool:
        """Whether so much is new that a package may be full, if events are like those that it read alone."""
        package_positions = self._positions_max * self._subscription.max_package_bytes // self._wanted_bytes
        return self._tail.positions_ahead >= package_positions

    def _looks_at(self) -> datetime | None:
        """When what was read, or else what was noticed, has waited long enough."""
        noticed_at = self._tail.noticed_at if self._is_at_tail else None
        if self._backlog.due_at is not None or noticed_at is None:
            return self._backlog.due_at
        return noticed_at + self._delay

    async def _read(self) -> None:
        if self._is_at_tail:
            await self._tail.read()
        elif await self.catch_up():
            self._is_at_tail = await self._tail.join(self)

    def _adapt(self, read: ReadEvents, looked_at: int) -> None:
        """Look at as many positions next time as will give the wanted number of bytes, if they are like these."""
        if not looked_at:
            return
        found_bytes = sum(len(one.payload) for one in read.events)
        most = min(4 * self._positions_max, POSITIONS_MAX)
        wanted = looked_at * self._wanted_bytes // found_bytes if found_bytes else most
        self._positions_max = max(min(wanted, most), POSITIONS_MIN)

    async def _skip(self) -> None:
        now = self._clock.now()
        if now < self._skipped_at + SKIP_EVERY:
            return
        self._skipped_at = now
        taken, reached = self._backlog.taken, self.read_until
        if self._backlog.is_empty and reached is not taken:
            await self._store.skip(self._subscription.id, taken, reached)
            self._backlog.skip(reached)

    async def _wait(self) -> None:
        skips_at = self._skipped_at + SKIP_EVERY
        looks_at = self._looks_at()
        await wait_until(self._woken, skips_at if looks_at is None else min(looks_at, skips_at), self._clock)


def further(one: Cursor, other: Cursor) -> Cursor:
    """The cursor that is, in each lane, the one of the two that is further; the other itself if it is so in all."""
    lanes = range(len(one.positions))
    ahead = [lane for lane in lanes if one.positions[lane] > other.positions[lane]]
    if not ahead:
        return other
    positions, event_times = list(other.positions), list(other.event_times)
    for lane in ahead:
        positions[lane], event_times[lane] = one.positions[lane], one.event_times[lane]
    return Cursor(positions, event_times)


async def wait_until(event: asyncio.Event, moment: datetime, clock: Clock) -> None:
    """Return when the event is set, at the latest at the moment."""
    try:
        async with asyncio.timeout((moment - clock.now()).total_seconds()):
            await event.wait()
    except TimeoutError:
        return
