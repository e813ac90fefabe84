"""When a package that was not delivered is tried again."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from msgspec import Struct

WAITS_SECONDS: Final = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 600)
_DIGITS_MAX: Final = 9


class RetrySchedule(Struct, frozen=True, kw_only=True):
    """How long to wait after each failed attempt: the first, the second …, then always the last, without limit.

    A wait grows by up to `jitter_share` of itself, so that receivers that failed together are not tried together.
    `asked_max` bounds what a receiver can ask for with Retry-After.
    """

    waits_seconds: Sequence[float] = WAITS_SECONDS
    jitter_share: float = 0.1
    asked_max: timedelta = timedelta(hours=1)

    def wait(self, failures: int, jitter: float, asked: timedelta | None = None) -> timedelta:
        """How long to wait after the `failures`-th failed attempt in a row (from 1).

        `jitter` is random, from 0 up to 1. `asked` is what the receiver's Retry-After says: the longer one counts.
        """
        seconds = self.waits_seconds[min(failures, len(self.waits_seconds)) - 1]
        scheduled = timedelta(seconds=seconds * (1 + self.jitter_share * jitter))
        return scheduled if asked is None else max(scheduled, min(asked, self.asked_max))


def read_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """What a Retry-After header says (RFC 9110, 10.2.3: seconds, or a date); None when it says nothing readable."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdecimal():
        return timedelta(seconds=int(text[:_DIGITS_MAX]))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(moment.replace(tzinfo=moment.tzinfo or UTC) - now, timedelta(0))
