"""Fair shares: who gets a connection, in which order, and what is left for others."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderlane.domain.ids import ClientId
from orderlane.webhooks.fair_shares import FairShares

A, B, C = (ClientId(name) for name in "ABC")


class Crowd:
    """Those who want connections; `order` is who got one, in turn."""

    def __init__(self, total: int) -> None:
        self.shares = FairShares(total)
        self.stop = asyncio.Event()
        self.order: list[str] = []
        self.tasks: list[asyncio.Task[bool]] = []

    async def want(self, client_id: ClientId, count: int = 1) -> None:
        for number in range(count):
            self.tasks.append(asyncio.create_task(self._acquire(client_id, f"{client_id}{number}")))
        await settle()

    async def _acquire(self, client_id: ClientId, name: str) -> bool:
        is_taken = await self.shares.acquire(client_id, self.stop)
        if is_taken:
            self.order.append(name)
        return is_taken

    async def give_back(self, *clients: ClientId) -> None:
        for client_id in clients:
            self.shares.release(client_id)
            await settle()

    def held(self, *clients: ClientId) -> list[int]:
        return [self.shares.held(client_id) for client_id in clients]


async def settle() -> None:
    """Let every task that can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


@asynccontextmanager
async def crowd(total: int) -> AsyncIterator[Crowd]:
    made = Crowd(total)
    yield made
    made.stop.set()
    await asyncio.gather(*made.tasks)


@pytest.mark.parametrize(("total", "share"), [(1, 1), (2, 1), (3, 2), (10, 5), (1000, 500)])
async def test_a_client_alone_gets_half(total: int, share: int) -> None:
    async with crowd(total) as everybody:
        await everybody.want(A, total + 1)

        assert everybody.held(A) == [share]


async def test_others_find_something_free_whatever_one_takes() -> None:
    async with crowd(16) as everybody:
        await everybody.want(A, 1000)
        await everybody.want(B, 1000)
        await everybody.want(C)

        assert everybody.held(A, B, C) == [8, 4, 1]


async def test_those_who_want_all_end_up_with_equal_parts_and_one_part_stays_free() -> None:
    async with crowd(16) as everybody:
        for client_id in (A, B, C):
            await everybody.want(client_id, 1000)
        for _ in range(50):
            most = max((A, B, C), key=everybody.shares.held)
            await everybody.give_back(most)

        assert everybody.held(A, B, C) == [4, 4, 4]
        assert everybody.shares.free == 4


async def test_within_a_client_the_order_is_kept() -> None:
    async with crowd(4) as everybody:
        await everybody.want(A, 6)
        for _ in range(4):
            await everybody.give_back(A)

        assert everybody.order == ["A0", "A1", "A2", "A3", "A4", "A5"]


async def test_who_holds_the_fewest_is_served_first_and_then_in_turn() -> None:
    async with crowd(1) as everybody:
        await everybody.want(A, 3)
        await everybody.want(B, 3)
        for client_id in (A, A, B, A, B):
            await everybody.give_back(client_id)

        assert everybody.order == ["A0", "A1", "B0", "A2", "B1", "B2"]


async def test_who_is_told_to_stop_waits_no_more() -> None:
    everybody = Crowd(2)
    await everybody.want(A, 3)
    everybody.stop.set()

    assert sorted(await asyncio.gather(*everybody.tasks)) == [False, False, True]
    await everybody.give_back(A)
    assert everybody.shares.free == 2


async def test_who_is_cancelled_leaves_the_queue_and_gives_back_what_came_meanwhile() -> None:
    everybody = Crowd(1)
    await everybody.want(A, 3)
    second, third = everybody.tasks[1:]
    everybody.shares.release(A)  # this serves the second, which has not run since
    second.cancel()
    await settle()

    assert second.cancelled()
    assert third.result() is True
    await everybody.give_back(A)
    assert everybody.shares.free == 1


@given(st.integers(1, 12), st.lists(st.tuples(st.sampled_from((A, B, C)), st.booleans()), max_size=60))
def test_none_is_lost_and_nobody_waits_who_could_have_one(total: int, steps: Sequence[tuple[ClientId, bool]]) -> None:
    async def play() -> None:
        async with crowd(total) as everybody:
            wanted = dict.fromkeys((A, B, C), 0)
            for client_id, is_wish in steps:
                if is_wish:
                    await everybody.want(client_id)
                    wanted[client_id] += 1
                elif everybody.shares.held(client_id):
                    await everybody.give_back(client_id)
                    wanted[client_id] -= 1
                held = {each: everybody.shares.held(each) for each in wanted}
                assert sum(held.values()) + everybody.shares.free == total
                for each, count in held.items():
                    assert count == wanted[each] or count >= everybody.shares.free

    asyncio.run(play())
