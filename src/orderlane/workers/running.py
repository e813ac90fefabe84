"""Keeping the parts of a process running: a part that lost its database is made anew, with growing waits."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from orderlane.ports.errors import StoreUnavailable

_log = structlog.get_logger("orderlane.running")
_WAIT_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Part(Protocol):
    """Something that runs until it is told to stop."""

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set. Raises StoreUnavailable when the database is lost."""
        ...


async def keep_running(name: str, open_part: Callable[[], Awaitable[Part]], stop: asyncio.Event) -> None:
    """Open a part and run it until `stop` is set, again and again when the database is lost meanwhile.

    A part that has run for a while begins with the shortest wait; one that opens but can't work (a database without
    room answers, and refuses every write) waits longer each time, as one that does not open does.
    """
    losses = 0
    now = asyncio.get_running_loop().time
    while not stop.is_set():
        opened_at = float("inf")
        try:
            part = await open_part()
            opened_at = now()
            await part.run(stop)
        except StoreUnavailable as loss:
            losses = 0 if now() - opened_at > _WAIT_SECONDS[-1] else losses
            wait_seconds = _WAIT_SECONDS[min(losses, len(_WAIT_SECONDS) - 1)]
            losses += 1
            _log.warning("database unavailable", part=name, error=str(loss), retry_in_seconds=wait_seconds)
            await stopped_within(stop, wait_seconds)


async def stopped_within(stop: asyncio.Event, seconds: float) -> None:
    """Return when `stop` is set, at the latest after `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
