"""Bookkeeping of the connections that are kept for the next request, so that there are never too many. Pure."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

GRACE_SECONDS: Final = 2.0
"""How much later than it should a connection that is not used may be closed: its time is rounded up to a second."""

PERIODS_OPEN_MAX: Final = 2
"""How many times as long as it is kept an idle connection may be open: once in that time, those too old are closed."""


@dataclass(slots=True)
class _Kept:
    """The connections to one origin that are kept: those in use, those idle, and when one was used last."""

    in_use: int = 0
    idle: int = 0
    used_at: float = 0.0


class KeptConnections:
    """How many connections are kept, by origin; times are those of one clock, in seconds.

    Args:
        count_max: how many may be kept.
        idle_seconds: how long an idle one is kept; it counts until it is closed for certain.
    """

    def __init__(self, count_max: int, idle_seconds: float) -> None:
        self._room = count_max
        self._idle_seconds = PERIODS_OPEN_MAX * idle_seconds + GRACE_SECONDS
        self._origins: OrderedDict[str, _Kept] = OrderedDict()
        """By the time of their last use."""

    def begin(self, origin: str, now: float) -> bool:
        """Use a connection for a request; False when it has to be closed behind it."""
        self._forget_closed(now)
        kept = self._origins.get(origin)
        if kept is not None and kept.idle:
            kept.idle -= 1
        elif self._room:
            self._room -= 1
            kept = self._origins.setdefault(origin, _Kept())
        else:
            return False
        kept.in_use += 1
        self._use(origin, kept, now)
        return True

    def end(self, origin: str, now: float, *, is_kept: bool) -> None:
        """End a request that began: its connection is idle from now on, or closed, which frees its room at once."""
        kept = self._origins[origin]
        kept.in_use -= 1
        if is_kept:
            kept.idle += 1
            self._use(origin, kept, now)
            return
        self._room += 1
        if not kept.in_use and not kept.idle:
            del self._origins[origin]

    def _use(self, origin: str, kept: _Kept, now: float) -> None:
        kept.used_at = now
        self._origins.move_to_end(origin)

    def _forget_closed(self, now: float) -> None:
        while self._origins:
            origin, kept = next(iter(self._origins.items()))
            if now < kept.used_at + self._idle_seconds:
                return
            self._room += kept.idle
            kept.idle = 0
            if kept.in_use:
                self._use(origin, kept, now)  # a request takes longer than connections are kept
            else:
                del self._origins[origin]
