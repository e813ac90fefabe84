"""Waking listeners after commits, debounced: a busy process sends one notification for many commits."""

import asyncio

import structlog

from orderlane.ports.errors import StoreUnavailable
from orderlane.postgres.connection import Pool
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.wakeups import notify

PAUSE_SECONDS = 0.003

_log = structlog.get_logger(__name__)


class DebouncedNotification:
    """A channel that is notified at once, and then at most once per `pause_seconds`."""

    def __init__(self, pool: Pool, channel: str, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._pool = pool
        self._channel = channel
        self._pause_seconds = pause_seconds
        self._wanted = False
        self._sending: asyncio.Task[None] | None = None

    def send_soon(self) -> None:
        """Have the listeners told of what is committed now. Returns at once."""
        self._wanted = True
        if self._sending is None:
            self._sending = asyncio.create_task(self._send())

    async def close(self) -> None:
        """Return when the last notification is out."""
        if self._sending is not None:
            await self._sending

    async def _send(self) -> None:
        try:
            while self._wanted:
                self._wanted = False
                await self._send_one()
                await asyncio.sleep(self._pause_seconds)
        finally:
            self._sending = None

    async def _send_one(self) -> None:
        try:
            with unavailable_on_loss():
                async with self._pool.acquire() as connection:
                    await notify(connection, [self._channel])
        except StoreUnavailable as loss:  # a hint is lost, nothing else: the listeners poll
            _log.warning("notification_lost", channel=self._channel, error=str(loss))
