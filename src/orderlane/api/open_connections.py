"""The connections of the API's callers: never more than the process has file descriptors for.

Without a descriptor the server could not accept a connection, not even to refuse it. So there are fewer, and a new one
takes the place of one that is idle; only when none is, it is refused.
"""

from typing import Protocol


class Connection(Protocol):
    """One connection of a caller."""

    @property
    def is_idle(self) -> bool:
        """Whether it waits for another request after one that is answered."""
        ...

    def close_idle(self) -> None:
        """Close it, as it would be for being idle for too long."""
        ...


class OpenConnections:
    """The open connections, the oldest first, at most `count_max`."""

    def __init__(self, count_max: int) -> None:
        self._count_max = count_max
        self._open: dict[Connection, None] = {}

    def add(self, connection: Connection) -> bool:
        """Count a new connection in, where there is no room in place of the oldest idle one; False if none is idle."""
        if len(self._open) >= self._count_max:
            idle = next((other for other in self._open if other.is_idle), None)
            if idle is None:
                return False
            del self._open[idle]
            idle.close_idle()
        self._open[connection] = None
        return True

    def remove(self, connection: Connection) -> None:
        """Count out a connection that is closed."""
        self._open.pop(connection, None)
