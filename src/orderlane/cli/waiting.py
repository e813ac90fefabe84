"""What a long-running program does while its database is down: it waits, says so, and stops when it is told to."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Final

from rich.markup import escape

from orderlane.bootstrap.database import DatabaseAway, beating
from orderlane.bootstrap.descriptors import DescriptorBudget
from orderlane.bootstrap.schema import open_migrated
from orderlane.cli.announcements import Announcements
from orderlane.cli.parts import Parts
from orderlane.ports.errors import StoreUnavailable
from orderlane.settings import Settings
from orderlane.sources import Sources
from orderlane.workers.running import stopped_within

SECONDS_BETWEEN_TRIES: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
"""How long it waits after each try; after the last of them it stays at that."""

SECONDS_BETWEEN_LINES: Final = 60.0
"""How often it says that it still waits."""


class StoppedWhileWaiting(Exception):
    """The program was told to stop before its database was there."""


async def open_parts(
    settings: Settings,
    sources: Sources,
    budget: DescriptorBudget,
    announcements: Announcements,
    stop: asyncio.Event,
    stack: AsyncExitStack,
) -> Parts:
    """Open an up-to-date database, and keep it open with `stack`. One at an address is waited for.

    Raises:
        StoppedWhileWaiting: `stop` is set.
        DatabaseRefused: waiting does not help.
        EmbeddedPostgresError: the embedded server does not start; it is not waited for.
        MigrationRefused: the database belongs to a newer version.
        StoreUnavailable: the embedded database is lost.
    """

    async def open_once() -> Parts:
        async with AsyncExitStack() as opened:
            database, _ = await opened.enter_async_context(open_migrated(settings, sources))
            beats = await opened.enter_async_context(beating(database, sources))
            stack.push_async_exit(opened.pop_all())
            return Parts(settings, database, beats.clock.timing(sources), beats, budget)

    if settings.database_url is None:
        return await open_once()
    return await _Wait(announcements, stop).until_opened(open_once)


class _Wait:
    """The wait of one program for its database."""

    def __init__(self, announcements: Announcements, stop: asyncio.Event) -> None:
        self._announcements = announcements
        self._stop = stop
        self._now = asyncio.get_running_loop().time
        self._began_at: float | None = None
        self._told_at = float("-inf")

    async def until_opened(self, open_once: Callable[[], Awaitable[Parts]]) -> Parts:
        """Try until the database is there, with growing waits. Raises StoppedWhileWaiting."""
        tries = 0
        while True:
            try:
                parts = await self._or_stop(open_once)
            except (DatabaseAway, StoreUnavailable) as loss:
                self._tell(str(loss))
            else:
                self._tell_end()
                return parts
            await stopped_within(self._stop, SECONDS_BETWEEN_TRIES[min(tries, len(SECONDS_BETWEEN_TRIES) - 1)])
            tries += 1

    async def _or_stop(self, open_once: Callable[[], Awaitable[Parts]]) -> Parts:
        """Try once; whoever stops the program does not wait for a host that does not answer."""
        trying, stopping = asyncio.ensure_future(open_once()), asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait((trying, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            trying.cancel()
            await asyncio.gather(trying, stopping, return_exceptions=True)
        if self._stop.is_set():
            raise StoppedWhileWaiting
        return trying.result()

    def _tell(self, reason: str) -> None:
        now = self._now()
        if self._began_at is None:
            self._began_at = now
        if now - self._told_at < SECONDS_BETWEEN_LINES:
            return
        self._told_at = now
        facts = {"reason": reason, "waited_seconds": round(now - self._began_at, 1)}
        text = f"The database is not available; waiting for it. Stop with Ctrl-C.\n  {escape(reason)}"
        self._announcements.tell("waiting_for_database", text, facts)

    def _tell_end(self) -> None:
        if self._began_at is not None:
            waited = self._now() - self._began_at
            text = f"The database is available, after {waited:.1f} seconds."
            self._announcements.tell("database_available", text, {"waited_seconds": round(waited, 1)})
