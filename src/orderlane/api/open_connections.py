"""The connections of the API's callers: never more than the process has file descriptors for.

Without a descriptor the server could not accept a connection, not even to refuse it. So there are fewer, and a new one
takes the place of one whose client keeps the server waiting; only when there is none, it is refused. A connection that
had to make room is cut at once: one that were to wait until its client has read everything would keep its descriptor.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol

STALLED_SECONDS_MIN: Final = 2.0
"""How long the client of a request under way may take for its body, or to read on, before its connection can be
displaced: as long as a refused caller is told to wait, who then finds room."""


class Connection(Protocol):
    """One connection of a caller."""

    def displace(self) -> None:
        """Give its descriptor back at once, whatever its client has not read yet."""
        ...


class OpenConnections:
    """The open connections, at most `count_max` of them beside those that are being cut.

    A connection is in one of three states: its client is to send a request (first of all, or another one), its client
    holds up a request that is under way, or the server owes it an answer. The first can be displaced, the one that has
    waited longest before others; the second when there is no such, and after `STALLED_SECONDS_MIN`; the third cannot.
    """

    def __init__(self, count_max: int, now: Callable[[], float] = time.monotonic) -> None:
        """Begin with none; `now` is a clock in seconds."""
        self._count_max = count_max
        self._now = now
        self._open: set[Connection] = set()
        self._displaced: set[Connection] = set()
        self._without_request: OrderedDict[Connection, None] = OrderedDict()
        self._held_up: OrderedDict[Connection, float] = OrderedDict()

    def __len__(self) -> int:
        """How many descriptors they have, those that are being cut included."""
        return len(self._open)

    def add(self, connection: Connection) -> bool:
        """Count a new connection in, where there is no room in place of another; False if none can be displaced."""
        if len(self._open) - len(self._displaced) >= self._count_max and not self._make_room():
            return False
        self._open.add(connection)
        self.expect_request(connection)
        return True

    def remove(self, connection: Connection) -> None:
        """Count out a connection that is closed."""
        self._open.discard(connection)
        self._displaced.discard(connection)
        self._forget_state(connection)

    def expect_request(self, connection: Connection) -> None:
        """Its client is to send a request: from now on, unless it was before."""
        if self._is_counted(connection) and connection not in self._without_request:
            self._forget_state(connection)
            self._without_request[connection] = None

    def hold_up(self, connection: Connection) -> None:
        """Its client is to send the rest of a request, or to read on: from now on, unless it was before."""
        if self._is_counted(connection) and connection not in self._held_up:
            self._forget_state(connection)
            self._held_up[connection] = self._now()

    def owe_answer(self, connection: Connection) -> None:
        """Its client waits for the server."""
        self._forget_state(connection)

    def _is_counted(self, connection: Connection) -> bool:
        return connection in self._open and connection not in self._displaced

    def _forget_state(self, connection: Connection) -> None:
        self._without_request.pop(connection, None)
        self._held_up.pop(connection, None)

    def _make_room(self) -> bool:
        displaced = next(iter(self._without_request), None) or self._stalled()
        if displaced is None:
            return False
        self._forget_state(displaced)
        self._displaced.add(displaced)
        displaced.displace()
        return True

    def _stalled(self) -> Connection | None:
        """The connection whose request has been held up longest, if that is long enough."""
        connection, since = next(iter(self._held_up.items()), (None, 0.0))
        return connection if self._now() - since >= STALLED_SECONDS_MIN else None
