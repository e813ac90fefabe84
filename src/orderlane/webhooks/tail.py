"""The tail: all subscriptions that are up to date read on together, with one statement however many they are."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Final, Protocol
from uuid import UUID

from orderlane.ports.deliveries import Cursor, DeliveryStore, PendingEvent
from orderlane.sources import Clock

TAIL_POSITIONS_MAX: Final = 2000
"""How many positions are looked at in one reading."""


class TailMember(Protocol):
    """The reader of one subscription."""

    @property
    def client_id(self) -> UUID:
        """Whose events it wants."""
        ...

    @property
    def read_until(self) -> Cursor:
        """Where it stands: in no lane behind the tail that it is a member of."""
        ...

    @property
    def is_hungry(self) -> bool:
        """Whether it has nothing to send next, and would send at once."""
        ...

    async def catch_up(self) -> bool:
        """Read on alone, once; whether it came to the heads of the lanes. Raises StoreUnavailable."""
        ...

    def feed(self, events: Sequence[PendingEvent], reached: Cursor) -> bool:
        """Take what it wants of its client's `events`, which were read up to `reached`; False without room for more."""
        ...

    def wake(self) -> None:
        """Look again whether there is anything to do."""
        ...


class Tail:
    """Where the up-to-date subscriptions of a sender stand, and whether there is anything after it."""

    def __init__(self, store: DeliveryStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._members: dict[UUID, dict[TailMember, None]] = {}
        self._turn = asyncio.Lock()
        self._readings = 0
        self.cursor = Cursor((), ())
        """Up to where all is read; there must be a member."""
        self.noticed_at: datetime | None = None
        """When something new was noticed that is not read yet."""
        self.positions_ahead = 0
        """How many positions the heads were ahead when they were looked at."""
        self.is_all = True
        """Whether the last reading ended at the heads of the lanes."""

    async def look(self, heads: Sequence[int] | None) -> None:
        """Note that there may be something new, or see by the `heads` whether there is. Read it, if it is waited for.

        Raises StoreUnavailable.
        """
        if not self._members:
            return
        if heads is not None:
            self.positions_ahead = sum(heads) - sum(self.cursor.positions)
            if not self.positions_ahead:
                return
        self.noticed_at = self.noticed_at or self._clock.now()
        if any(one.is_hungry for one in self._everyone()):
            await self.read()
        else:
            for one in self._everyone():
                one.wake()

    async def read(self) -> None:
        """Read on once for all; who asks while a reading is under way shares the next one. Raises StoreUnavailable."""
        asked_at = self._readings
        async with self._turn:
            if self._readings == asked_at:
                self._readings += 1
                await self._read()

    async def join(self, reader: TailMember) -> bool:
        """Make a reader that came to the heads a member; False when it has to read more first. Raises StoreUnavailable.

        Meanwhile the tail stands still, so it can't be in front of what the reader reads now.
        """
        async with self._turn:
            if not self._members:
                self.cursor, self.is_all = reader.read_until, True
                self.noticed_at = self._clock.now()  # what was noticed while there was no member is not known
            elif not await reader.catch_up():
                return False
            self._members.setdefault(reader.client_id, {})[reader] = None
            return True

    def leave(self, reader: TailMember) -> None:
        """Feed a reader no more."""
        of_client = self._members.get(reader.client_id, {})
        of_client.pop(reader, None)
        if not of_client:
            self._members.pop(reader.client_id, None)

    def _everyone(self) -> Iterator[TailMember]:
        return chain.from_iterable(self._members.values())

    async def _read(self) -> None:
        if not self._members:
            return
        self.noticed_at, self.positions_ahead = None, 0
        read = await self._store.read_tail(self._members.keys(), self.cursor, TAIL_POSITIONS_MAX)
        self.cursor, self.is_all = read.reached, read.is_all
        found: dict[UUID, list[PendingEvent]] = {}
        for event in read.events:
            found.setdefault(event.client_id, []).append(event)
        for client_id, events in found.items():
            for one in list(self._members.get(client_id, ())):
                if not one.feed(events, read.reached):
                    self.leave(one)
