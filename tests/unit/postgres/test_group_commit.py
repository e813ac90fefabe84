"""Group commit without a database: who shares a write, and whose failure is whose."""

import asyncio
from collections.abc import Sequence

import pytest

from orderlane.ports.errors import StoreUnavailable
from orderlane.postgres.group_commit import GroupCommit


class Writer:
    """Doubles numbers, a group at a time; refuses what it is told to refuse."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.failure: dict[int, Exception] = {}

    async def write(self, numbers: Sequence[int]) -> list[int | Exception]:
        self.groups.append(list(numbers))
        await self.open.wait()
        for number in numbers:
            if number in self.failure:
                raise self.failure[number]
        return [ValueError(number) if number < 0 else 2 * number for number in numbers]


@pytest.fixture
async def writer() -> Writer:
    return Writer()


async def test_who_comes_during_a_write_shares_the_next(writer: Writer) -> None:
    group = GroupCommit(writer.write)
    writer.open.clear()
    first = asyncio.create_task(group.submit(1))
    while not writer.groups:
        await asyncio.sleep(0)
    others = [asyncio.create_task(group.submit(number)) for number in range(2, 6)]
    await asyncio.sleep(0)
    writer.open.set()

    assert await asyncio.gather(first, *others) == [2, 4, 6, 8, 10]
    assert writer.groups == [[1], [2, 3, 4, 5]]


async def test_groups_have_a_largest_size(writer: Writer) -> None:
    group = GroupCommit(writer.write, size_max=3)

    assert await asyncio.gather(*map(group.submit, range(8))) == [2 * number for number in range(8)]
    assert max(map(len, writer.groups)) == 3


async def test_each_gets_its_own_error(writer: Writer) -> None:
    group = GroupCommit(writer.write)

    outcomes = await asyncio.gather(*map(group.submit, [1, -1, 2]), return_exceptions=True)

    assert [outcomes[0], type(outcomes[1]), outcomes[2]] == [2, ValueError, 4]


async def test_a_failed_group_is_written_one_by_one(writer: Writer) -> None:
    group = GroupCommit(writer.write)
    writer.failure[2] = TypeError("two")

    outcomes = await asyncio.gather(*map(group.submit, [1, 2, 3]), return_exceptions=True)

    assert [outcomes[0], type(outcomes[1]), outcomes[2]] == [2, TypeError, 6]
    assert writer.groups == [[1, 2, 3], [1], [2], [3]]


async def test_a_lost_database_is_lost_for_all(writer: Writer) -> None:
    group = GroupCommit(writer.write)
    writer.failure[2] = StoreUnavailable()

    outcomes = await asyncio.gather(*map(group.submit, [1, 2, 3]), return_exceptions=True)

    assert [type(one) for one in outcomes] == [StoreUnavailable] * 3
    assert writer.groups == [[1, 2, 3]]


async def test_too_many_waiting_are_turned_away(writer: Writer) -> None:
    group = GroupCommit(writer.write, waiting_max=2)
    writer.open.clear()
    tasks = [asyncio.create_task(group.submit(number)) for number in range(2)]
    await asyncio.sleep(0)
    third = asyncio.create_task(group.submit(2))
    await asyncio.sleep(0)
    fourth = asyncio.create_task(group.submit(3))
    fifth = asyncio.create_task(group.submit(4))
    with pytest.raises(StoreUnavailable):
        await fifth
    writer.open.set()

    assert await asyncio.gather(*tasks, third, fourth) == [0, 2, 4, 6]


@pytest.mark.parametrize("writers", [1, 3])
async def test_nobody_is_forgotten_whenever_he_comes(writer: Writer, writers: int) -> None:
    """Each comes again in the very moment in which it is answered, when the writer may just be stopping."""
    group = GroupCommit(writer.write, size_max=2, writers=writers)

    async def come_again(number: int) -> list[int]:
        return [await group.submit(number) for _ in range(50)]

    async with asyncio.timeout(20):
        outcomes = await asyncio.gather(*map(come_again, range(7)))

    assert outcomes == [[2 * number] * 50 for number in range(7)]


async def test_closing_waits_for_what_was_submitted(writer: Writer) -> None:
    group = GroupCommit(writer.write)
    submitted = asyncio.create_task(group.submit(1))
    await asyncio.sleep(0)

    await group.close()

    assert submitted.done() or await submitted == 2
    assert writer.groups == [[1]]
