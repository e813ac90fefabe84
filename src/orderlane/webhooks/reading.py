"""Reading a subscription's events ahead of its cursor: no earlier, no more often and no more than is of use."""

import asyncio
from collections.abc import Sequence
from typing import Final

from orderlane.domain.ids import ClientId
from orderlane.ports.deliveries import DeliveryStore
from orderlane.ports.feed import Cursor, FeedSegment
from orderlane.ports.webhooks import Subscription
from orderlane.webhooks.batching import Backlog, Batch
from orderlane.webhooks.cursors import further
from orderlane.webhooks.read_sizes import ReadSize
from orderlane.webhooks.tail import Tail

READ_PACKAGES: Final = 2
"""How many packages a reader that is behind reads at once, and how many bytes at least."""

READ_BYTES_MIN: Final = 256 * 1024
SKIP_SECONDS: Final = 60.0
"""How often the stored cursor of a subscription that gets nothing is moved over the events of others."""


class EventReader:
    """The events that a subscription gets, from a cursor on, as batches when they are due.

    It reads alone while it is behind, and with all others at the tail when it is up to date. What waits here waits by
    the loop's time.
    """

    def __init__(self, subscription: Subscription, cursor: Cursor, store: DeliveryStore, tail: Tail) -> None:
        self._subscription = subscription
        self._filter = subscription.filter
        self._store = store
        self._tail = tail
        self._delay_seconds = subscription.delay_ms / 1000
        self._backlog = Backlog(cursor, subscription.max_package_bytes, self._delay_seconds)
        self._read_size = ReadSize(max(READ_PACKAGES * subscription.max_package_bytes, READ_BYTES_MIN))
        self._is_at_tail = False
        self._skipped_at = loop_time()
        self._woken = asyncio.Event()

    @property
    def client_id(self) -> ClientId:
        """Whose events it gets."""
        return self._filter.client_id

    @property
    def read_until(self) -> Cursor:
        """How far this reader has read; at the tail, which feeds it with its own events only, as far as the tail."""
        own = self._backlog.read_until
        return further(own, self._tail.cursor) if self._is_at_tail else own

    @property
    def is_hungry(self) -> bool:
        """Whether it has nothing to send next, and would send at once."""
        return self._backlog.is_empty and not self._delay_seconds

    def wake(self) -> None:
        """Make a waiting `next_batch` look again."""
        self._woken.set()

    def close(self) -> None:
        """Read no more."""
        self._tail.leave(self)

    def due_batch(self) -> Batch | None:
        """The next batch, if it is due already."""
        due_at = self._backlog.due_at
        return self._backlog.take() if due_at is not None and due_at <= loop_time() else None

    async def read_ahead(self) -> None:
        """Read once, if that may give more for the next batch.

        Raises:
            StoreUnavailable: the database is lost.
        """
        if self._may_read(loop_time()):
            await self._read()

    async def next_batch(self, stop: asyncio.Event) -> Batch | None:
        """Wait until a batch is due; None once `stop` is set.

        No package may be stored meanwhile: the cursor moves over dropped events now and then.

        Raises:
            StoreUnavailable: the database is lost.
            CursorMoved: another session moved the cursor.
        """
        while not stop.is_set():
            self._woken.clear()
            reads = self._may_read(loop_time())
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
        """Read on alone, once; whether it came to the heads of the lanes.

        Raises:
            StoreUnavailable: the database is lost.
        """
        after = self._backlog.read_until
        read = await self._store.read(self._filter, after, self._read_size.segments_max)
        self._backlog.add(read.segments, read.reached, loop_time())
        self._read_size.adapt(after, read)
        return read.is_all

    def feed(self, segments: Sequence[FeedSegment], reached: Cursor, since: float) -> bool:
        """Take its own of its client's `segments`, which were read up to `reached`; False without room for more.

        They may have been there `since` then, by the loop's time.
        """
        if self._backlog.is_full:
            self._is_at_tail = False
            return False
        own = self._backlog.read_until
        chosen = [wanted for segment in segments if (wanted := self._wanted(segment, own)) is not None]
        self._backlog.add(chosen, further(own, reached), since)
        if chosen:
            self._woken.set()
        return True

    def _wanted(self, segment: FeedSegment, own: Cursor) -> FeedSegment | None:
        """What passes the filter of a segment's events, and was not read before."""
        unread = segment.between(own.places[segment.lane], segment.reached)
        return None if unread is None else unread.passing(self._filter)

    def _may_read(self, now: float) -> bool:
        if self._backlog.is_full:
            return False
        if not self._is_at_tail or not self._tail.is_all:
            return True
        looks_at = self._looks_at()
        return self._tail.noticed_at is not None and (self._is_likely_full or looks_at is None or now >= looks_at)

    @property
    def _is_likely_full(self) -> bool:
        """Whether so much is new that a package may be full, if events are like those that it read alone."""
        size = self._read_size
        package_segments = size.segments_max * self._subscription.max_package_bytes // size.bytes_wanted
        return self._tail.segments_ahead >= package_segments

    def _looks_at(self) -> float | None:
        """When what was read, or else what was noticed, has waited long enough."""
        noticed_at = self._tail.noticed_at if self._is_at_tail else None
        if self._backlog.due_at is not None or noticed_at is None:
            return self._backlog.due_at
        return noticed_at + self._delay_seconds

    async def _read(self) -> None:
        if self._is_at_tail:
            await self._tail.read()
        elif await self.catch_up():
            self._is_at_tail = await self._tail.join(self)

    async def _skip(self) -> None:
        now = loop_time()
        if now < self._skipped_at + SKIP_SECONDS:
            return
        self._skipped_at = now
        taken, reached = self._backlog.taken, self.read_until
        if self._backlog.is_empty and reached.places != taken.places:
            await self._store.skip(self._subscription, taken, reached)
            self._backlog.skip(reached)

    async def _wait(self) -> None:
        skips_at = self._skipped_at + SKIP_SECONDS
        looks_at = self._looks_at()
        await wait_until(self._woken, skips_at if looks_at is None else min(looks_at, skips_at))


def loop_time() -> float:
    """The running loop's time, in seconds: it never jumps, whatever happens to the machine's clock."""
    return asyncio.get_running_loop().time()


async def wait_until(event: asyncio.Event, moment: float) -> None:
    """Return when the event is set, at the latest at the moment of the loop's time."""
    try:
        async with asyncio.timeout_at(moment):
            await event.wait()
    except TimeoutError:
        return
