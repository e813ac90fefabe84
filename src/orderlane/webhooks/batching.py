"""Making packages of pending events: in the order of their lanes, bounded in size, none lost, none twice. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from orderlane.ports.deliveries import Cursor, PendingEvent
from orderlane.resources.events import addressed

_BEGINNING: Final = b'{"payload":['
_END: Final = b"]}"
_ENVELOPE_BYTES: Final = len(_BEGINNING) + len(_END)


def package_body(events: Sequence[PendingEvent], webhook_id: UUID) -> bytes:
    """The body of the request that carries these events to a subscription."""
    return b"%s%s%s" % (_BEGINNING, b",".join([addressed(one.payload, webhook_id) for one in events]), _END)


_AT_ONCE: Final = datetime.min.replace(tzinfo=UTC)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


def _addressed_growth() -> int:
    """How many bytes an event grows by when it is addressed, the comma after it included."""
    return len(addressed(b"{}", UUID(int=0))) - len(b"{}") + len(b",")


_GROWTH_BYTES: Final = _addressed_growth()


class Batch(NamedTuple):
    """The events of a package, by created_at, lane and position; they lie between the cursors `after` and `reached`."""

    events: Sequence[PendingEvent]
    after: Cursor
    reached: Cursor


class Backlog:
    """Events that were read ahead of a subscription's cursor, until they are taken as packages.

    Args:
        cursor: where reading begins.
        bytes_max: how large the body of a package may be; a single larger event goes alone.
        delay: how long an event may wait for others.
    """

    def __init__(self, cursor: Cursor, bytes_max: int, delay: timedelta) -> None:
        self._bytes_max = bytes_max
        self._delay = delay
        self.taken = cursor
        """Where a cursor stands that has everything behind it that was taken."""
        self._events: list[PendingEvent] = []
        self._oldest = _NEVER
        self._body_bytes = _ENVELOPE_BYTES
        self.read_until = cursor
        """Where reading goes on."""

    def add(self, events: Sequence[PendingEvent], reached: Cursor, now: datetime) -> None:
        """Take in what was read after `read_until`. An event waits no longer than the delay after it was read."""
        self.read_until = reached
        if not events:
            return
        self._events += events
        self._body_bytes += sum(len(one.payload) + _GROWTH_BYTES for one in events)
        self._oldest = min(self._oldest, now, events[0].created_at)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to take."""
        return not self._events

    @property
    def is_full(self) -> bool:
        """Whether there is at least one whole package."""
        return self._body_bytes > self._bytes_max

    def skip(self, reached: Cursor) -> None:
        """Move over events that were dropped; there must be nothing to take."""
        assert not self._events
        self.taken = self.read_until = reached

    @property
    def due_at(self) -> datetime | None:
        """When the next package is to be sent, None when there is no event."""
        if not self._events:
            return None
        return _AT_ONCE if self.is_full or not self._delay else self._oldest + self._delay

    def take(self) -> Batch:
        """Take the next package out. There must be an event."""
        count = self._fitting()
        taken, self._events = sorted(self._events[:count]), self._events[count:]
        self._body_bytes -= sum(len(one.payload) + _GROWTH_BYTES for one in taken)
        self._oldest = min((one.created_at for one in self._events), default=_NEVER) if self._delay else _NEVER
        after, self.taken = self.taken, self._behind(taken) if self._events else self.read_until
        return Batch(taken, after, self.taken)

    def _fitting(self) -> int:
        """How many of the first events fit into a package: at least one."""
        body_bytes = _ENVELOPE_BYTES - len(b",")
        for count, one in enumerate(self._events):
            body_bytes += len(one.payload) + _GROWTH_BYTES
            if body_bytes > self._bytes_max:
                return max(count, 1)
        return len(self._events)

    def _behind(self, events: Sequence[PendingEvent]) -> Cursor:
        positions, event_times = list(self.taken.positions), list(self.taken.event_times)
        for one in events:
            positions[one.lane] = one.position
            event_times[one.lane] = one.created_at
        return Cursor(positions, event_times)
