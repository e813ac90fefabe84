"""Turns: a client's lists wait for each other, never another client's, and not for ever."""

import asyncio
from contextlib import suppress

import pytest

from orderlane.api.errors import TooManyLists
from orderlane.api.turns import Turns
from orderlane.domain.ids import ClientId

MINE, OTHER = ClientId("mine"), ClientId("other")


async def test_a_further_list_waits_until_a_turn_ends() -> None:
    turns = Turns(at_once=2)
    end_first, _ = await turns.take(MINE), await turns.take(MINE)
    third = asyncio.create_task(turns.take(MINE))
    await asyncio.sleep(0)
    assert not third.done()

    end_first()

    await third


async def test_who_came_first_has_the_next_turn() -> None:
    turns = Turns(at_once=1)
    end_turn = await turns.take(MINE)
    served: list[int] = []

    async def ask(number: int) -> None:
        end = await turns.take(MINE)
        served.append(number)
        end()

    waiting = [asyncio.create_task(ask(number)) for number in range(5)]
    await asyncio.sleep(0)
    end_turn()
    await asyncio.gather(*waiting)

    assert served == [0, 1, 2, 3, 4]


async def test_another_client_has_turns_of_its_own() -> None:
    turns = Turns(at_once=1, wait_seconds_max=0.01)
    end_mine = await turns.take(MINE)

    await turns.take(OTHER)
    with pytest.raises(TooManyLists):
        await turns.take(MINE)

    end_mine()


async def test_who_waits_too_long_is_told_the_limit_and_takes_nothing() -> None:
    turns = Turns(at_once=1, wait_seconds_max=0.01)
    end_turn = await turns.take(MINE)

    with pytest.raises(TooManyLists, match="1 lists at a time") as refusal:
        await turns.take(MINE)
    end_turn()

    assert refusal.value.headers == {"retry-after": "1"}
    await turns.take(MINE)


async def test_a_cancelled_waiter_leaves_its_place() -> None:
    turns = Turns(at_once=1)
    end_turn = await turns.take(MINE)
    waiting = asyncio.create_task(turns.take(MINE))
    await asyncio.sleep(0)
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    end_turn()

    async with asyncio.timeout(1):
        await turns.take(MINE)
