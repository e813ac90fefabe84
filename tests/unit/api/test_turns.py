"""Turns: a client's lists wait for each other and for a place to read, which clients get in rotation, not for ever."""

import asyncio
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderlane.api.errors import TooManyLists, TooManyReadingLists
from orderlane.api.turns import Places, Turns
from orderlane.domain.ids import ClientId

MINE, OTHER, THIRD = ClientId("mine"), ClientId("other"), ClientId("third")
PLENTY = 100
ACTIONS = st.lists(st.tuples(st.sampled_from(["take", "cancel", "give back", "run"]), st.integers(0, 9)), max_size=60)


async def turns_pass() -> None:
    """Let every task run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


async def cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_further_list_waits_until_a_turn_ends() -> None:
    turns = Turns(at_once=2, reading_at_once=PLENTY)
    first, _ = await turns.take(MINE), await turns.take(MINE)
    third = asyncio.create_task(turns.take(MINE))
    await asyncio.sleep(0)
    assert not third.done()

    first.end()

    await third


async def test_who_came_first_has_the_next_turn() -> None:
    turns = Turns(at_once=1, reading_at_once=PLENTY)
    turn = await turns.take(MINE)
    served: list[int] = []

    async def ask(number: int) -> None:
        turn = await turns.take(MINE)
        served.append(number)
        turn.end()

    waiting = [asyncio.create_task(ask(number)) for number in range(5)]
    await asyncio.sleep(0)
    turn.end()
    await asyncio.gather(*waiting)

    assert served == [0, 1, 2, 3, 4]


async def test_another_client_has_turns_of_its_own() -> None:
    turns = Turns(at_once=1, reading_at_once=PLENTY, wait_seconds_max=0.01)
    mine = await turns.take(MINE)

    await turns.take(OTHER)
    with pytest.raises(TooManyLists):
        await turns.take(MINE)

    mine.end()


async def test_who_waits_too_long_is_told_the_limit_and_takes_nothing() -> None:
    turns = Turns(at_once=1, reading_at_once=PLENTY, wait_seconds_max=0.01)
    turn = await turns.take(MINE)

    with pytest.raises(TooManyLists, match="1 lists at a time") as refusal:
        await turns.take(MINE)
    turn.end()

    assert refusal.value.headers == {"retry-after": "1"}
    await turns.take(MINE)


async def test_a_cancelled_waiter_leaves_its_place() -> None:
    turns = Turns(at_once=1, reading_at_once=PLENTY)
    turn = await turns.take(MINE)
    waiting = asyncio.create_task(turns.take(MINE))
    await asyncio.sleep(0)
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    turn.end()

    async with asyncio.timeout(1):
        await turns.take(MINE)


async def test_a_place_to_read_is_had_for_as_long_as_the_block_lasts() -> None:
    turns = Turns(at_once=2, reading_at_once=1)
    first, second = await turns.take(MINE), await turns.take(OTHER)
    read: list[str] = []

    async def read_second() -> None:
        async with second.reading():
            read.append("second")

    async with first.reading():
        waiting = asyncio.create_task(read_second())
        await turns_pass()
        read.append("first")
    await waiting

    assert read == ["first", "second"]


async def test_a_list_that_fails_while_it_reads_gives_its_place_back() -> None:
    turns = Turns(at_once=1, reading_at_once=1, wait_seconds_max=0.01)
    turn = await turns.take(MINE)
    for error in (TimeoutError, ValueError):
        with pytest.raises(error):
            async with turn.reading():
                raise error

    async with turn.reading():
        pass


async def test_who_waits_too_long_for_a_place_is_told_so_and_takes_nothing() -> None:
    turns = Turns(at_once=1, reading_at_once=1, wait_seconds_max=0.01)
    first, second = await turns.take(MINE), await turns.take(OTHER)

    async with first.reading():
        with pytest.raises(TooManyReadingLists, match="1 lists of all clients are read at a time") as refusal:
            async with second.reading():
                pytest.fail("there is no place")

    assert refusal.value.problem.status == 503
    assert refusal.value.headers == {"retry-after": "1"}
    second.end()
    third = await turns.take(OTHER)
    async with third.reading():
        pass


async def test_both_waits_share_one_time() -> None:
    turns = Turns(at_once=1, reading_at_once=1, wait_seconds_max=0.2)
    holder, mine = await turns.take(OTHER), await turns.take(MINE)
    asyncio.get_running_loop().call_later(0.15, mine.end)
    begun = asyncio.get_running_loop().time()

    async with holder.reading():
        turn = await turns.take(MINE)
        with pytest.raises(TooManyReadingLists):
            async with turn.reading():
                pytest.fail("there is no place")
        waited = asyncio.get_running_loop().time() - begun

    assert 0.2 <= waited + 0.01 < 0.35


async def test_a_client_with_many_waiting_lists_does_not_hold_up_one_with_one() -> None:
    places = Places(1)
    await places.take(MINE)
    served: list[ClientId] = []

    async def read(client_id: ClientId) -> None:
        await places.take(client_id)
        served.append(client_id)
        places.give_back()

    asked = [MINE] * 4 + [OTHER] * 2 + [THIRD]
    waiting = [asyncio.create_task(read(client_id)) for client_id in asked]
    await turns_pass()
    places.give_back()
    await asyncio.gather(*waiting)

    assert served == [MINE, OTHER, THIRD, MINE, OTHER, MINE, MINE]


async def test_a_place_granted_to_a_cancelled_waiter_goes_to_the_next() -> None:
    places = Places(1)
    await places.take(MINE)
    granted, following = asyncio.create_task(places.take(MINE)), asyncio.create_task(places.take(OTHER))
    await turns_pass()

    places.give_back()
    await cancel(granted)

    async with asyncio.timeout(1):
        await following


async def test_a_place_given_back_passes_over_a_waiter_that_is_being_cancelled() -> None:
    places = Places(1)
    await places.take(MINE)
    waiting = [asyncio.create_task(places.take(client_id)) for client_id in (MINE, MINE, OTHER)]
    await turns_pass()

    waiting[0].cancel()
    places.give_back()
    await turns_pass()

    assert [task.done() for task in waiting] == [True, True, False]
    await cancel(waiting[2])


@given(st.integers(1, 3), ACTIONS)
def test_no_place_is_lost_or_made_and_none_is_free_while_somebody_waits(
    count: int, actions: list[tuple[str, int]]
) -> None:
    asyncio.run(places_kept(count, actions))


async def places_kept(count: int, actions: list[tuple[str, int]]) -> None:
    places, clients = Places(count), [MINE, OTHER, THIRD]
    tasks: list[asyncio.Task[None]] = []
    for action, which in [*actions, ("run", 0)]:
        holding = [task for task in tasks if task.done() and not task.cancelled()]
        waiting = [task for task in tasks if not task.done()]
        if action == "take":
            tasks.append(asyncio.create_task(places.take(clients[which % 3])))
        elif action == "cancel" and waiting:
            waiting[which % len(waiting)].cancel()
        elif action == "give back" and holding:
            tasks.remove(holding[which % len(holding)])
            places.give_back()
        elif action == "run":
            await turns_pass()
            kept = Counter(task.done() for task in tasks if not (task.done() and task.cancelled()))
            assert kept[True] <= count
            assert kept[True] == count or not kept[False]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for _ in [task for task in tasks if not task.cancelled()]:
        places.give_back()
    async with asyncio.timeout(1):
        for _ in range(count):
            await places.take(OTHER)
    further = asyncio.create_task(places.take(MINE))
    await turns_pass()
    assert not further.done()
    await cancel(further)
