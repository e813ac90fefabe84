"""The tail: all subscriptions that are up to date read on together, with one statement however many they are."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from orderlane.ports.deliveries import Cursor, DeliveryStore, FoundEvents, TypedEvent
from orderlane.sources import Clock

TAIL_POSITIONS_MAX: Final = 2000
"""How many positions are looked at in one reading."""


class TailMember(Protocol):
    """A reader that stands at the tail, or before it."""

    @property
    def client_id(self) -> UUID:
        """Whose events it wants."""
        ...

    @property
    def is_hungry(self) -> bool:
        """Whether it has nothing to send next, and would send at once."""
        ...

    def feed(self, events: Sequence[TypedEvent], base: Cursor, found: FoundEvents) -> bool:
        """Take what was found after `base`; False when there is no room for more."""
        ...

    def wake(self) -> None:
        """Look again whether there is anything to do."""
        ...


class Tail:
    """Where the up-to-date subscriptions of a sender stand, and whether there is anything after it."""

    def __init__(self, store: DeliveryStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._members: dict[TailMember, None] = {}
        self._cursor: Cursor | None = None
        self._turn = asyncio.Lock()
        self._readings = 0
        self.noticed_at: datetime | None = None
        """When something new was noticed that is not read yet."""
        self.is_all = True
        """Whether the last reading ended at the heads of the lanes."""
        self.positions_ahead = 0
        """How many positions the heads were ahead when they were looked at."""

    async def look(self, heads: Sequence[int] | None) -> None:
        """Note that there may be something new; `heads` tell whether there is. Read it if a member waits for it.

        Raises StoreUnavailable.
        """
        if self._cursor is None or not self._members:
            return
        if heads is not None:
            if heads == self._cursor.positions:
                return
            self.positions_ahead = sum(heads) - sum(self._cursor.positions)
        self.noticed_at = self.noticed_at or self._clock.now()
        if any(one.is_hungry for one in self._members):
            await self.read()
        for one in self._members:
            if not one.is_hungry:
                one.wake()
    ...
