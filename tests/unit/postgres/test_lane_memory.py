"""What a lane worker remembers is bounded by what it holds, and forgets the longest idle account first."""

from msgspec.structs import replace

from orderlane.domain.decision import AccountState
from orderlane.domain.ids import AccountId
from orderlane.ports.lanes import LaneHead
from orderlane.postgres.lanes.memory import LaneMemory
from tests.unit.domain.worlds import NOW, World, world_of_two

LANE_COUNT = 8
HEADS = {lane: LaneHead(1, 1, NOW) for lane in range(LANE_COUNT)}
ENTRIES_OF_ONE = 2 + 1
"""Two individual orders, and cash."""


def placed(count: int = 1) -> World:
    world = world_of_two()
    world.deposit("1000")
    for _ in range(count):
        world.place("BUY", "100")
    return world


def accounts(count: int, lane: int = 5) -> dict[AccountId, AccountState]:
    state = placed().state
    ids = [AccountId(f"00000000-0000-7000-8000-{number:09x}{lane:03x}") for number in range(1, count + 1)]
    return {account_id: replace(state, account=replace(state.account, id=account_id)) for account_id in ids}


def test_the_longest_idle_account_is_forgotten_first() -> None:
    memory = LaneMemory(2 * ENTRIES_OF_ONE, LANE_COUNT)
    first, second, third = accounts(3).items()
    memory.remember(dict([first, second]), HEADS)
    memory.remember(dict([first]), HEADS)
    memory.remember(dict([third]), HEADS)

    assert [memory.recall(account_id) is not None for account_id, _ in (first, second, third)] == [True, False, True]


def test_many_orders_of_one_account_count_as_many() -> None:
    memory = LaneMemory(9 * ENTRIES_OF_ONE, LANE_COUNT)
    small = accounts(3)
    large = placed(9).state
    memory.remember(small, HEADS)
    memory.remember({large.account.id: large}, HEADS)

    assert memory.recall(large.account.id) is not None
    assert sum(memory.recall(account_id) is not None for account_id in small) == 2


def test_an_account_too_large_for_the_memory_is_not_kept() -> None:
    memory = LaneMemory(ENTRIES_OF_ONE, LANE_COUNT)
    large = placed(9).state
    memory.remember({large.account.id: large}, HEADS)

    assert memory.recall(large.account.id) is None


def test_what_is_forgotten_makes_room() -> None:
    memory = LaneMemory(2 * ENTRIES_OF_ONE, LANE_COUNT)
    memory.remember(accounts(2, lane=6), HEADS)
    memory.keep_lanes({5})
    kept = accounts(2)
    memory.remember(kept, HEADS)

    assert all(memory.recall(account_id) is not None for account_id in kept)


def test_what_somebody_else_has_written_to_is_forgotten() -> None:
    memory = LaneMemory(9 * ENTRIES_OF_ONE, LANE_COUNT)
    fifth, sixth = accounts(2), accounts(2, lane=6)
    memory.remember(fifth | sixth, HEADS)
    memory.keep_versions({5: LaneHead(1, 3, NOW), 6: LaneHead(1, 2, NOW)})

    assert not any(memory.recall(account_id) for account_id in fifth)
    assert all(memory.recall(account_id) for account_id in sixth)
