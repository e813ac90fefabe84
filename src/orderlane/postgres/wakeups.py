"""Hints that something may be there: notifications without a payload, sent after commit. Polling is the truth."""

import asyncio
from collections.abc import Sequence

from orderlane.postgres.connection import Connection
from orderlane.postgres.queries import queries

_SQL = queries("wakeups")


async def notify(connection: Connection, channels: Sequence[str]) -> None:
    """Wake whoever listens to the channels, in one statement."""
    if channels:
        await connection.execute(_SQL["notify"], channels)


class Wakeup:
    """One listener: remembers that it was woken until somebody has waited for it."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()

    @classmethod
    async def listen(cls, connection: Connection, *channels: str) -> "Wakeup":
        """Listen on a connection for as long as it lives; losing the connection wakes too."""
        wakeup = cls()
        for channel in channels:
            await connection.add_listener(channel, wakeup.wake)
        connection.add_termination_listener(wakeup.wake)
        return wakeup

    def wake(self, *_: object) -> None:
        """Note that something may be there."""
        self._woken.set()

    async def wait(self, seconds_max: float) -> bool:
        """Return when woken, at the latest after `seconds_max`; whether it was woken."""
        try:
            async with asyncio.timeout(seconds_max):
                return await self._woken.wait()
        except TimeoutError:
            return False
        finally:
            self._woken.clear()
