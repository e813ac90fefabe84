"""What is due by the clock: partitions ahead of the events, settlement, and forgetting what is of no use any more."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from orderlane.ports.timers import TimerStore
from orderlane.sources import Clock
from orderlane.workers.running import stopped_within

_log = structlog.get_logger("orderlane.timers")

ROWS_MAX = 1000
"""How many rows a chore touches in one transaction, so that it never keeps others waiting."""


@dataclass(frozen=True, slots=True)
class TimerLimits:
    """How often the chores are done, and how long things are kept.

    The contract promises idempotency for 24 hours; attempts are kept for whoever asks why a webhook did not come.
    Nonces are kept for longer than their signatures count, as the clocks of those who verify may be behind.
    """

    round_seconds: float = 30.0
    partition_days_ahead: int = 7
    idempotency_kept_for: timedelta = timedelta(hours=48)
    nonces_kept_for: timedelta = timedelta(minutes=10)
    attempts_kept_for: timedelta = timedelta(days=14)


class Timers:
    """Does the chores every round, in one process at a time; the others stand by."""

    def __init__(self, store: TimerStore, clock: Clock, limits: TimerLimits | None = None) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits or TimerLimits()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set. Raises StoreUnavailable when the session, and with it the timers, are lost."""
        try:
            while not stop.is_set():
                if await self._store.own():
                    await self._round(stop)
                await stopped_within(stop, self._limits.round_seconds)
        finally:
            await self._store.close()

    async def _round(self, stop: asyncio.Event) -> None:
        now, limits = self._clock.now(), self._limits
        today = now.date()
        days = [today + timedelta(days=ahead) for ahead in range(limits.partition_days_ahead + 1)]
        done = {
            "partitions": sum([await self._store.make_event_partition(day) for day in days]),
            "executions_due": await _repeat(lambda: self._store.settle_due(today, ROWS_MAX), stop),
            "idempotency_records_forgotten": await _repeat(
                lambda: self._store.forget_idempotency_records(now - limits.idempotency_kept_for, ROWS_MAX), stop
            ),
            "nonces_forgotten": await _repeat(
                lambda: self._store.forget_nonces(now - limits.nonces_kept_for, ROWS_MAX), stop
            ),
            "attempts_forgotten": await _repeat(
                lambda: self._store.forget_attempts(now - limits.attempts_kept_for, ROWS_MAX), stop
            ),
        }
        if any(done.values()):
            _log.info("timers done", **done)


async def _repeat(chore: Callable[[], Awaitable[int]], stop: asyncio.Event) -> int:
    """Do a chore until there is less than a full measure of it; how much there was."""
    total = 0
    while not stop.is_set():
        done = await chore()
        total += done
        if done < ROWS_MAX:
            break
    return total
