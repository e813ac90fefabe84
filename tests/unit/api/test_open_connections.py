"""The connections of callers: bounded, a new one in place of an idle one."""

from dataclasses import dataclass

from orderlane.api.open_connections import OpenConnections


@dataclass(eq=False)
class Caller:
    """A connection that is idle or not."""

    is_idle: bool = False
    is_closed: bool = False

    def close_idle(self) -> None:
        self.is_closed = True


def test_a_new_connection_takes_the_place_of_the_oldest_idle_one() -> None:
    connections = OpenConnections(3)
    busy, idle, idler = callers = [Caller(), Caller(is_idle=True), Caller(is_idle=True)]
    assert all(connections.add(caller) for caller in callers)

    assert connections.add(Caller())
    assert [busy.is_closed, idle.is_closed, idler.is_closed] == [False, True, False]


def test_when_none_is_idle_a_new_one_is_refused_until_another_is_closed() -> None:
    connections = OpenConnections(2)
    first, second, third = (Caller() for _ in range(3))
    assert connections.add(first)
    assert connections.add(second)

    assert not connections.add(third)
    connections.remove(third)
    connections.remove(first)
    assert connections.add(third)
    assert not connections.add(Caller())
