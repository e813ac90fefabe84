"""Requests that write: once begun they are never cancelled, neither by a timeout nor by a client that leaves.

A COMMIT may wait for a standby, and cancelling it would make rows visible that no standby has. So each of these
requests runs in a task of its own, and a caller only waits for it.
"""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any, Final

import structlog

from orderlane.api.answers import Answer
from orderlane.ports.errors import StoreUnavailable

ANSWER_SECONDS_MAX: Final = 15.0
"""How long a client waits for the answer of a request that writes; then it gets 503, and the work goes on."""
CLOSE_SECONDS_MAX: Final = 2.0
"""How long the work of requests may go on after the server has let its requests finish."""
RUNNING_MAX: Final = 10_000

_log = structlog.get_logger("orderlane.api")


class Writes:
    """The requests of a process that write and are under way."""

    def __init__(self, answer_seconds_max: float = ANSWER_SECONDS_MAX, running_max: int = RUNNING_MAX) -> None:
        self._answer_seconds_max = answer_seconds_max
        self._running_max = running_max
        self._running: set[asyncio.Task[Answer]] = set()

    async def answer(self, work: Coroutine[Any, Any, Answer], request_id: str) -> Answer:
        """The answer of a request's work. Cancelling the caller does not cancel the work.

        Raises:
            StoreUnavailable: there is no answer in time, or too much is under way.
        """
        if len(self._running) >= self._running_max:
            work.close()
            raise StoreUnavailable(f"{self._running_max} requests are under way")
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            await asyncio.wait({task}, timeout=self._answer_seconds_max)
        finally:
            if not task.done():
                task.add_done_callback(partial(_tell, request_id))
        if not task.done():
            raise StoreUnavailable(f"no answer within {self._answer_seconds_max:.0f} s")
        return task.result()

    async def close(self) -> None:
        """Return when everything is done, at the latest after `CLOSE_SECONDS_MAX`."""
        if self._running:
            await asyncio.wait(self._running, timeout=CLOSE_SECONDS_MAX)


def _tell(request_id: str, task: asyncio.Task[Answer]) -> None:
    """Log the outcome of work that nobody waits for any more."""
    error = None if task.cancelled() else task.exception()
    status = None if task.cancelled() or error is not None else task.result().status
    _log.warning("request_done_late", request_id=request_id, status=status, exc_info=error)
