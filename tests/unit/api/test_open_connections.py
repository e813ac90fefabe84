"""The connections of callers: bounded, a new one in place of one whose client keeps the server waiting."""

from dataclasses import dataclass

from orderlane.api.open_connections import STALLED_SECONDS_MIN, OpenConnections


@dataclass(eq=False)
class Caller:
    """A connection that is displaced or not."""

    is_displaced: bool = False

    def displace(self) -> None:
        self.is_displaced = True


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


def callers_of(connections: OpenConnections, count: int) -> list[Caller]:
    callers = [Caller() for _ in range(count)]
    assert all(connections.add(caller) for caller in callers)
    return callers


def displaced(callers: list[Caller]) -> list[bool]:
    return [caller.is_displaced for caller in callers]


def test_a_new_connection_takes_the_place_of_the_one_that_has_waited_longest_for_a_request() -> None:
    connections = OpenConnections(4)
    busy, answered, silent, _ = callers = callers_of(connections, 4)
    connections.owe_answer(busy)
    connections.owe_answer(answered)
    connections.expect_request(answered)
    connections.expect_request(silent)

    assert connections.add(Caller())
    assert displaced(callers) == [False, False, True, False]
    assert connections.add(Caller())
    assert displaced(callers) == [False, False, True, True]
    assert connections.add(Caller())
    assert displaced(callers) == [False, True, True, True]


def test_a_displaced_connection_counts_until_it_is_closed_and_is_not_displaced_again() -> None:
    connections = OpenConnections(2)
    silent, busy = callers_of(connections, 2)
    connections.owe_answer(busy)
    newcomer = Caller()
    assert connections.add(newcomer)
    assert len(connections) == 3

    connections.expect_request(silent)
    connections.hold_up(silent)
    connections.owe_answer(newcomer)
    assert not connections.add(Caller())

    connections.remove(silent)
    assert len(connections) == 2
    assert not connections.add(Caller())


def test_while_the_server_owes_every_answer_a_new_one_is_refused_until_another_is_closed() -> None:
    connections = OpenConnections(2)
    first, second = callers_of(connections, 2)
    connections.owe_answer(first)
    connections.owe_answer(second)

    refused = Caller()
    assert not connections.add(refused)
    connections.remove(refused)
    assert not connections.add(refused)
    connections.remove(first)
    assert connections.add(refused)


def test_a_request_that_its_client_holds_up_is_displaced_after_a_while_and_only_if_nothing_else_can_be() -> None:
    clock = Clock()
    connections = OpenConnections(3, clock)
    stalled, moving, silent = callers = callers_of(connections, 3)
    connections.hold_up(stalled)
    connections.hold_up(moving)
    clock.seconds = STALLED_SECONDS_MIN
    connections.hold_up(stalled)
    connections.owe_answer(moving)
    connections.hold_up(moving)

    newcomer = Caller()
    assert connections.add(newcomer)
    connections.owe_answer(newcomer)
    connections.remove(silent)
    assert displaced(callers) == [False, False, True]

    assert connections.add(Caller())
    assert displaced(callers) == [True, False, True]


def test_the_request_held_up_longest_gives_way_first() -> None:
    clock = Clock()
    connections = OpenConnections(2, clock)
    longest, moving = callers = callers_of(connections, 2)
    connections.hold_up(longest)
    clock.seconds = 1.0
    connections.hold_up(moving)

    assert not connections.add(Caller())
    clock.seconds = STALLED_SECONDS_MIN
    newcomer = Caller()
    assert connections.add(newcomer)
    connections.owe_answer(newcomer)
    assert displaced(callers) == [True, False]
    assert not connections.add(Caller())
