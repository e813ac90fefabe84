"""Turns: how many lists of a client are answered at a time, and how many of all clients read the database at a time."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final
from weakref import WeakValueDictionary

from orderlane.api.errors import TooManyLists, TooManyReadingLists
from orderlane.domain.ids import ClientId

RETRY_AFTER_SECONDS: Final = 1


@dataclass(frozen=True, slots=True)
class Turn:
    """A client's turn: from when its list may be made until the answer is sent.

    Attributes:
        reading: waits for one of the places of all clients, and has it for as long as the block lasts. Raises
            TooManyReadingLists when the time to wait ends first, which began when the turn was asked for.
        end: ends the turn, to be called once.
    """

    reading: Callable[[], AbstractAsyncContextManager[None]]
    end: Callable[[], None]


class Turns:
    """The turns of all clients, `at_once` each, and the places to read. Each process counts for itself."""

    def __init__(self, at_once: int, reading_at_once: int, wait_seconds_max: float = 5.0) -> None:
        self._at_once = at_once
        self._reading_at_once = reading_at_once
        self._wait_seconds_max = wait_seconds_max
        self._shares: WeakValueDictionary[ClientId, asyncio.Semaphore] = WeakValueDictionary()
        self._places = Places(reading_at_once)

    async def take(self, client_id: ClientId) -> Turn:
        """Wait for a turn of the client, first come first served.

        Raises:
            TooManyLists: the client's other turns last too long.
        """
        share = self._shares.setdefault(client_id, asyncio.Semaphore(self._at_once))
        deadline = asyncio.get_running_loop().time() + self._wait_seconds_max
        try:
            async with asyncio.timeout_at(deadline):
                await share.acquire()
        except TimeoutError:
            raise TooManyLists(self._at_once, self._wait_seconds_max, RETRY_AFTER_SECONDS) from None
        return Turn(partial(self._reading, client_id, deadline), share.release)

    @asynccontextmanager
    async def _reading(self, client_id: ClientId, deadline: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout_at(deadline):
                await self._places.take(client_id)
        except TimeoutError:
            raise TooManyReadingLists(self._reading_at_once, self._wait_seconds_max, RETRY_AFTER_SECONDS) from None
        try:
            yield
        finally:
            self._places.give_back()


class Places:
    """Places that all clients share. Those who wait get them in rotation: one for each client, then the next for each.

    So a client with many requests waiting does not hold up one with a single request.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: OrderedDict[ClientId, deque[asyncio.Future[None]]] = OrderedDict()

    async def take(self, client_id: ClientId) -> None:
        """Wait for a place of the client, which is to be given back. Who is cancelled has none."""
        if self._free:
            self._free -= 1
            return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client_id, deque()).append(granted)
        try:
            await granted
        except asyncio.CancelledError:
            if granted.cancelled():
                self._forget(client_id, granted)
            else:
                self.give_back()
            raise

    def give_back(self) -> None:
        """Hand a place to the client whose turn it is, or keep it for whoever comes."""
        while self._waiting:
            client_id, own = next(iter(self._waiting.items()))
            granted = own.popleft()
            if not own:
                del self._waiting[client_id]
            elif not granted.cancelled():
                self._waiting.move_to_end(client_id)
            if not granted.cancelled():
                granted.set_result(None)
                return
        self._free += 1

    def _forget(self, client_id: ClientId, granted: asyncio.Future[None]) -> None:
        """Take out a waiter that was cancelled, unless a place that was given back has passed it over already."""
        own = self._waiting.get(client_id)
        if own is not None and granted in own:
            own.remove(granted)
            if not own:
                del self._waiting[client_id]
