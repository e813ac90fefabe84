"""Turns: how many large answers of a client are made and sent at a time; its others wait, and no other client does."""

import asyncio
from collections.abc import Callable
from typing import Final
from weakref import WeakValueDictionary

from orderlane.api.errors import TooManyLists
from orderlane.domain.ids import ClientId

RETRY_AFTER_SECONDS: Final = 1


class Turns:
    """The turns of all clients, `at_once` each. Each process counts for itself."""

    def __init__(self, at_once: int, wait_seconds_max: float = 5.0) -> None:
        self._at_once = at_once
        self._wait_seconds_max = wait_seconds_max
        self._shares: WeakValueDictionary[ClientId, asyncio.Semaphore] = WeakValueDictionary()

    async def take(self, client_id: ClientId) -> Callable[[], None]:
        """Wait for a turn of the client, first come first served; return what ends it, to be called once.

        Raises:
            TooManyLists: the client's other turns last too long.
        """
        share = self._shares.setdefault(client_id, asyncio.Semaphore(self._at_once))
        try:
            async with asyncio.timeout(self._wait_seconds_max):
                await share.acquire()
        except TimeoutError:
            raise TooManyLists(self._at_once, self._wait_seconds_max, RETRY_AFTER_SECONDS) from None
        return share.release
