"""What a lane worker remembers is bounded by what it holds, and forgets the longest idle account first."""

from dataclasses import replace
from uuid import UUID

from orderlane.domain.decision import AccountState
from orderlane.postgres.lane_memory import LaneMemory
from tests.unit.domain.worlds import ALLOCATION, World, world_of_two

ENTRIES_OF_ONE = 2 + 1
"""Two individual orders, and cash."""


def placed(count: int = 1) -> World:
    world = world_of_two()
    world.deposit("1000")
    for _ in range(count):
        world.place("BUY", "100")
    return world


def accounts(count: int, lane: int = 5) -> dict[UUID, AccountState]:
    state = placed().state
    return {
        (one := UUID(int=ALLOCATION.int + number)): replace(state, account=replace(state.account, id=one, lane=lane))
        for number in range(1, count + 1)
    }


def test_the_longest_idle_account_is_forgotten_first() -> None:
    memory = LaneMemory(2 * ENTRIES_OF_ONE)
    first, second, third = accounts(3).items()
    memory.remember(dict([first, second]))
    memory.remember(dict([first]))
    memory.remember(dict([third]))

    assert [memory.recall(one) is not None for one, _ in (first, second, third)] == [True, False, True]


def test_many_orders_of_one_account_count_as_many() -> None:
    memory = LaneMemory(9 * ENTRIES_OF_ONE)
    small = accounts(3)
    large = placed(9).state
    memory.remember(small)
    memory.remember({large.account.id: large})

    assert memory.recall(large.account.id) is not None
    assert sum(memory.recall(one) is not None for one in small) == 2


def test_an_account_too_large_for_the_memory_is_not_kept() -> None:
    memory = LaneMemory(ENTRIES_OF_ONE)
    large = placed(9).state
    memory.remember({large.account.id: large})

    assert memory.recall(large.account.id) is None


def test_what_is_forgotten_makes_room() -> None:
    memory = LaneMemory(2 * ENTRIES_OF_ONE)
    memory.remember(accounts(2, lane=6))
    memory.keep_lanes({5})
    kept = accounts(2)
    memory.remember(kept)

    assert all(memory.recall(one) is not None for one in kept)
