"""The tail: all subscriptions that are up to date read on together, with one statement however many they are."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final, Protocol

from orderlane.domain.ids import ClientId
from orderlane.domain.places import segments_between
from orderlane.ports.deliveries import DeliveryStore
from orderlane.ports.feed import Cursor, FeedSegment
from orderlane.webhooks.cursors import nearer
from orderlane.webhooks.read_sizes import ReadSize

TAIL_BYTES: Final = 1024 * 1024
"""How many bytes of payload one reading is to give."""


class TailMember(Protocol):
    """The reader of one subscription."""

    @property
    def client_id(self) -> ClientId:
        """Whose events it gets."""
        ...

    @property
    def read_until(self) -> Cursor:
        """How far it has read: in no lane less than the tail that it is a member of."""
        ...

    @property
    def is_hungry(self) -> bool:
        """Whether it has nothing to send next, and would send at once."""
        ...

    async def catch_up(self) -> bool:
        """Read on alone, once; whether it came to the heads of the lanes.

        Raises:
            StoreUnavailable: the database is lost.
        """
        ...

    def feed(self, segments: Sequence[FeedSegment], reached: Cursor, since: float) -> bool:
        """Take its own of its client's `segments`, which were read up to `reached`; False without room for more.

        They may have been there `since` then, by the loop's time.
        """
        ...

    def wake(self) -> None:
        """Look again whether there is anything to do."""
        ...


class Tail:
    """Where the up-to-date subscriptions of a sender stand, and whether there is anything after it."""

    def __init__(self, store: DeliveryStore) -> None:
        self._store = store
        self._members: dict[ClientId, dict[TailMember, None]] = {}
        self._turn = asyncio.Lock()
        self._readings = 0
        self._read_size = ReadSize(TAIL_BYTES)
        self.cursor = Cursor((), ())
        """Up to where all is read; there must be a member."""
        self.noticed_at: float | None = None
        """When something new was noticed that is not read yet, by the loop's time."""
        self.segments_ahead = 0
        """How many segments the heads were ahead when they were looked at."""
        self.is_all = True
        """Whether the last reading ended at the heads of the lanes."""

    async def look(self, heads: Sequence[int] | None) -> None:
        """Note that there may be something new, or see by the `heads` whether there is. Read it, if it is waited for.

        Raises:
            StoreUnavailable: the database is lost.
        """
        if not self._members:
            return
        if heads is not None:
            self.segments_ahead = segments_between(self.cursor.places, heads)
            if not self.segments_ahead:
                return
        if self.noticed_at is None:
            self.noticed_at = asyncio.get_running_loop().time()
        if any(member.is_hungry for member in self._all_members()):
            await self.read()
        else:
            for member in self._all_members():
                member.wake()

    async def read(self) -> None:
        """Read on once for all: single flight, so callers that come during a reading share the next one.

        Raises:
            StoreUnavailable: the database is lost.
        """
        asked_at = self._readings
        async with self._turn:
            if self._readings == asked_at:
                self._readings += 1
                await self._read()

    async def join(self, reader: TailMember) -> bool:
        """Make a reader that came to the heads a member; False when it has to read more first.

        Meanwhile the tail stands still, so it cannot be in front of what the reader reads now, but in lanes that are
        stopped for all members.

        Raises:
            StoreUnavailable: the database is lost.
        """
        async with self._turn:
            if not self._members:
                self.cursor, self.is_all = reader.read_until, True
                self.noticed_at = asyncio.get_running_loop().time()  # what was noticed without a member is not known
            elif not await reader.catch_up():
                return False
            self.cursor = nearer(self.cursor, reader.read_until)
            self._members.setdefault(reader.client_id, {})[reader] = None
            return True

    def leave(self, reader: TailMember) -> None:
        """Feed a reader no more."""
        of_client = self._members.get(reader.client_id, {})
        of_client.pop(reader, None)
        if not of_client:
            self._members.pop(reader.client_id, None)

    def _all_members(self) -> Iterator[TailMember]:
        return chain.from_iterable(self._members.values())

    async def _read(self) -> None:
        if not self._members:
            return
        now, after = asyncio.get_running_loop().time(), self.cursor
        since = now if self.noticed_at is None else self.noticed_at
        self.noticed_at, self.segments_ahead = None, 0
        read = await self._store.read_tail(self._members.keys(), after, self._read_size.segments_max)
        self._read_size.adapt(after, read)
        self.cursor, self.is_all = read.reached, read.is_all
        by_client: dict[ClientId, list[FeedSegment]] = {}
        for segment in read.segments:
            by_client.setdefault(segment.client_id, []).append(segment)
        for client_id, segments in by_client.items():
            for member in list(self._members.get(client_id, ())):
                if not member.feed(segments, read.reached, since):
                    self.leave(member)
