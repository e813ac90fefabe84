"""What is due by the clock: partitions ahead of the events, settlement, and forgetting what is of no use any more."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from msgspec import Struct

from orderlane.ports.idempotency import KEPT_FOR
from orderlane.ports.timers import ComparedClock, TimerStore
from orderlane.workers.running import stopped_within

_log = structlog.get_logger("orderlane.timers")

ROWS_MAX = 1000
"""How many rows a chore touches in one transaction, so that it never keeps others waiting."""


class TimerLimits(Struct, frozen=True, kw_only=True):
    """How often the chores are done, and how long things are kept.

    Attempts are kept for whoever asks why a webhook did not come.
    Nonces are kept for longer than their signatures count, as the clocks of those who verify may be behind.
    """

    round_seconds: float = 30.0
    partition_days_ahead: int = 7
    idempotency_kept_for: timedelta = KEPT_FOR
    nonces_kept_for: timedelta = timedelta(minutes=10)
    attempts_kept_for: timedelta = timedelta(days=14)


class Timers:
    """Does the chores every round, in one process at a time; the others stand by.

    A process whose own clock differs too much from the database's leaves the timers to another: one of the two is
    wrong, and nothing may settle by a wrong one.
    """

    def __init__(self, store: TimerStore, clock: ComparedClock, limits: TimerLimits | None = None) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits or TimerLimits()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set.

        Raises:
            StoreUnavailable: the session, and with it the timers, are lost.
        """
        try:
            while not stop.is_set():
                await self._turn(stop)
                await stopped_within(stop, self._limits.round_seconds)
        finally:
            await self._store.close()

    async def _turn(self, stop: asyncio.Event) -> None:
        if self._clock.differs:
            _log.error("timers_refused", clock_difference_seconds=self._clock.difference.total_seconds())
            await self._store.give_up()
        elif await self._store.own():
            await self._round(stop)

    async def _round(self, stop: asyncio.Event) -> None:
        store, limits = self._store, self._limits
        today = await store.business_date()
        days = [today + timedelta(days=ahead) for ahead in range(limits.partition_days_ahead + 1)]
        done = {
            "partitions": sum([await store.make_event_partition(day) for day in days]),
            "settlements_due": await _repeat(lambda: store.settle_due(today, ROWS_MAX), stop),
            "idempotency_records_forgotten": await _repeat(
                lambda: store.forget_idempotency_records(limits.idempotency_kept_for, ROWS_MAX), stop
            ),
            "nonces_forgotten": await _repeat(lambda: store.forget_nonces(limits.nonces_kept_for, ROWS_MAX), stop),
            "attempts_forgotten": await _repeat(
                lambda: store.forget_attempts(limits.attempts_kept_for, ROWS_MAX), stop
            ),
        }
        if any(done.values()):
            _log.info("timers_done", **done)


async def _repeat(chore: Callable[[], Awaitable[int]], stop: asyncio.Event) -> int:
    """Repeat a chore until it returns less than ROWS_MAX; return the total."""
    total = 0
    while not stop.is_set():
        done = await chore()
        total += done
        if done < ROWS_MAX:
            break
    return total
