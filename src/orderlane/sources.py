"""Where time, ids and randomness come from: the only module of the service that reads them.

Everything else is handed a `Sources`, or just the `now` and `new_id` that it needs, so a run can be replayed
from a seed. There are two times: the technical one (waiting, retry, tokens, signatures) and the business one (market,
settlement, schedules, event times). Both are the database's as soon as there is one (orderlane.postgres.clock).
"""

import random
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

import uuid_utils


class Clock(Protocol):
    """Tells the time of day."""

    def now(self) -> datetime:
        """Return the time in UTC, in whole milliseconds: what is stored is what is shown."""
        ...


class IdSource(Protocol):
    """Names new resources."""

    def new_id(self) -> str:
        """Return a UUID of version 7 in canonical lower case, which sorts after those returned before."""
        ...


class TokenSource(Protocol):
    """Makes secrets and nonces."""

    def token_bytes(self, length: int) -> bytes:
        """Return `length` random bytes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The sources of one process, handed on together; `clock` tells the technical time."""

    clock: Clock
    business_clock: Clock
    ids: IdSource
    tokens: TokenSource


def system_sources() -> Sources:
    """Return the sources of a real process without a database: the machine's clock and the system's randomness."""
    clock = SystemClock()
    return Sources(clock=clock, business_clock=clock, ids=SystemIds(), tokens=SystemTokens())


def seeded_sources(seed: int, start: datetime) -> Sources:
    """Return sources that replay: the same seed and start (in UTC) give the same times, ids and tokens."""
    clock = SteppedClock(start)
    ids = SeededIds(clock, random.Random(f"ids {seed}"))
    tokens = SeededTokens(random.Random(f"tokens {seed}"))
    return Sources(clock=clock, business_clock=clock, ids=ids, tokens=tokens)


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's time in UTC, in whole milliseconds."""
        return whole_milliseconds(datetime.now(UTC))


class SystemIds:
    """Ids from the machine's clock and randomness; what follows from their time sets it (orderlane.domain.ids)."""

    def new_id(self) -> str:
        """Return a new UUID of version 7."""
        return str(uuid_utils.uuid7())


class SystemTokens:
    """The operating system's secure randomness."""

    def token_bytes(self, length: int) -> bytes:
        """Return `length` bytes fit for secrets."""
        return secrets.token_bytes(length)


@dataclass(slots=True)
class SteppedClock:
    """A clock that moves only when told to; for replay and simulation."""

    time: datetime

    def now(self) -> datetime:
        """Return the time that the clock was last moved to."""
        return whole_milliseconds(self.time)

    def advance(self, by: timedelta) -> None:
        """Move the clock on.

        Raises:
            ValueError: `by` is negative; a clock never goes back.
        """
        if by < timedelta(0):
            raise ValueError(f"a clock never goes back, but was moved by {by}")
        self.time += by


@dataclass(slots=True)
class SeededIds:
    """UUIDs of version 7 from a handed-in clock and randomness.

    The 12 bits after the time count the ids of one millisecond (RFC 9562, 6.2, method 1), so they sort in the
    order in which they were made; past 4,096 in a millisecond the time field runs ahead of the clock.
    """

    clock: Clock
    randomness: random.Random
    _last: int = field(default=-1)

    def new_id(self) -> str:
        """Return the next id of the sequence."""
        milliseconds = round(self.clock.now().timestamp() * 1000)
        self._last = max(self._last + 1, milliseconds << 12)
        time_field, count = self._last >> 12, self._last & 0xFFF
        return str(UUID(int=time_field << 80 | 7 << 76 | count << 64 | 0b10 << 62 | self.randomness.getrandbits(62)))


@dataclass(slots=True)
class SeededTokens:
    """Bytes from a handed-in randomness: repeatable, so never for real secrets."""

    randomness: random.Random

    def token_bytes(self, length: int) -> bytes:
        """Return the next `length` bytes of the sequence."""
        return self.randomness.randbytes(length)


def whole_milliseconds(moment: datetime) -> datetime:
    """Return the moment with everything below a millisecond cut off."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
