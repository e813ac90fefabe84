"""The database's clock, as a process tells it: looked at every second, and counted on in between.

Technical time (waiting, retry, expiry, tokens, signatures) is the database's clock; business time (market, settlement,
schedules, event times) is that plus `installation.clock_offset`. The machine's own clock decides nothing: it is only
compared, so that an operator learns of a wrong one.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from orderlane.postgres.connection import Connection
from orderlane.postgres.queries import queries
from orderlane.sources import Clock, Sources, SystemClock, whole_milliseconds

_SQL = queries("clock")

CLOCK_DIFFERENCE_MAX: Final = timedelta(seconds=5)
"""How much a machine's clock may differ from the database's before its timers refuse to work."""


@dataclass(frozen=True, slots=True)
class ClockSample:
    """One look at the database's clock; it was read between two moments of the process's monotonic clock."""

    now: datetime
    business_now: datetime
    sent_at: float
    received_at: float


@dataclass(frozen=True, slots=True)
class _Reading:
    """What to add to the monotonic clock, in seconds since 1970, and what to add to that for business time."""

    offset_seconds: float
    clock_offset: timedelta


class DatabaseClock:
    """The technical time of every process on one database; `business` tells the business time.

    Between two samples it runs on the process's monotonic clock, so a jump of the machine's own clock changes nothing.
    A new sample moves it only as far as the sample proves it wrong, so it does not tremble with the network. One thread
    samples, any thread may read.
    """

    def __init__(
        self, first: ClockSample, wall: Clock | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall = wall or SystemClock()
        self._monotonic = monotonic
        self._reading = _corrected(None, first)
        self.business: Clock = _BusinessClock(self)

    @classmethod
    async def open(
        cls, connection: Connection, wall: Clock | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> Self:
        """Make a clock that has looked once; the database must be migrated.

        Raises:
            asyncpg.PostgresError: the server refuses.
            OSError, asyncpg.InterfaceError: the connection is lost.
        """
        return cls(await sample_clock(connection, monotonic), wall, monotonic)

    async def sample(self, connection: Connection) -> None:
        """Look at the database's clock again.

        Raises:
            asyncpg.PostgresError: the server refuses.
            OSError, asyncpg.InterfaceError: the connection is lost.
        """
        self.correct(await sample_clock(connection, self._monotonic))

    def correct(self, sample: ClockSample) -> None:
        """Go by a new sample."""
        self._reading = _corrected(self._reading, sample)

    def now(self) -> datetime:
        """Return the technical time in UTC, in whole milliseconds."""
        return whole_milliseconds(self._exact(self._reading))

    def business_now(self) -> datetime:
        """Return the business time in UTC, in whole milliseconds."""
        reading = self._reading
        return whole_milliseconds(self._exact(reading) + reading.clock_offset)

    def _exact(self, reading: _Reading) -> datetime:
        return datetime.fromtimestamp(reading.offset_seconds + self._monotonic(), UTC)

    @property
    def difference(self) -> timedelta:
        """How much the machine's own clock is ahead of the database's; negative when it is behind."""
        return self._wall.now() - self.now()

    @property
    def differs(self) -> bool:
        """Whether the machine's own clock is so wrong that an operator has to set it, and its timers must not work."""
        return abs(self.difference) > CLOCK_DIFFERENCE_MAX

    def timing(self, sources: Sources) -> Sources:
        """Return the sources with both their times from this clock."""
        return replace(sources, clock=self, business_clock=self.business)


@dataclass(frozen=True, slots=True)
class _BusinessClock:
    clock: DatabaseClock

    def now(self) -> datetime:
        """Return the business time in UTC, in whole milliseconds."""
        return self.clock.business_now()


async def sample_clock(connection: Connection, monotonic: Callable[[], float] = time.monotonic) -> ClockSample:
    """Read the database's clock, and when that was.

    Raises:
        asyncpg.PostgresError: the server refuses.
        OSError, asyncpg.InterfaceError: the connection is lost.
    """
    sent_at = monotonic()
    row = await connection.fetchrow(_SQL["sample"])
    assert row is not None, "a look at the clock returns one row"
    return ClockSample(row["now"], row["business_now"], sent_at, monotonic())


def _corrected(reading: _Reading | None, sample: ClockSample) -> _Reading:
    """Keep the offset where it is possible, else move it to the nearest that the sample allows."""
    seconds = sample.now.timestamp()
    lowest, highest = seconds - sample.received_at, seconds - sample.sent_at
    previous = reading.offset_seconds if reading is not None else (lowest + highest) / 2
    return _Reading(min(max(previous, lowest), highest), sample.business_now - sample.now)
