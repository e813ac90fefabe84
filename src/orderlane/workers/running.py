"""Keeping the parts of a process running: a part that lost its database is made anew, with growing waits."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog

from orderlane.ports.errors import StoreUnavailable

_log = structlog.get_logger("orderlane.running")

STOP_SECONDS_MAX: Final = 5.0
"""How long a part may take to end by itself when its program is told to stop."""

_WAIT_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Part(Protocol):
    """Something that runs until it is told to stop."""

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set. Raises StoreUnavailable when the database is lost."""
        ...


async def keep_running(name: str, open_part: Callable[[], Awaitable[Part]], stop: asyncio.Event) -> None:
    """Open a part and run it until `stop` is set, again and again when the database is lost meanwhile.

    A part that has run for a while begins with the shortest wait; one that opens but cannot work (a database without
    room answers, and refuses every write) waits longer each time, as one that does not open does.
    """
    losses = 0
    now = asyncio.get_running_loop().time
    while not stop.is_set():
        attempt = _Attempt()
        try:
            if not await _ended_in_time(attempt.run(open_part, stop, now), stop):
                _log.warning("part_cancelled", part=name, seconds=STOP_SECONDS_MAX)
        except StoreUnavailable as loss:
            losses = 0 if now() - attempt.opened_at > _WAIT_SECONDS[-1] else losses
            wait_seconds = _WAIT_SECONDS[min(losses, len(_WAIT_SECONDS) - 1)]
            losses += 1
            _log.warning("database_unavailable", part=name, error=str(loss), retry_in_seconds=wait_seconds)
            await stopped_within(stop, wait_seconds)


@dataclass(slots=True)
class _Attempt:
    """One life of a part, and when it began to run."""

    opened_at: float = float("inf")

    async def run(
        self, open_part: Callable[[], Awaitable[Part]], stop: asyncio.Event, now: Callable[[], float]
    ) -> None:
        part = await open_part()
        self.opened_at = now()
        await part.run(stop)


async def _ended_in_time(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> bool:
    """Wait for the end of work, which is cancelled `STOP_SECONDS_MAX` after `stop` is set; whether it was not.

    What waits then is a COMMIT without its standby, or a server that hangs: neither may keep a program from stopping.
    Whatever the work raises is raised.
    """
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        _, late = await asyncio.wait((working,), timeout=STOP_SECONDS_MAX)
    finally:
        stopping.cancel()
        working.cancel()
        await asyncio.wait((working,))
    if late and working.cancelled():
        return False
    working.result()
    return not late


async def stopped_within(stop: asyncio.Event, seconds: float) -> None:
    """Return when `stop` is set, at the latest after `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
