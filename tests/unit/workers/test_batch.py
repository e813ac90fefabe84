"""Deciding a batch: whoever shares the process has a turn in between."""

import asyncio
from decimal import Decimal

from orderlane.domain.messages import Deposit
from orderlane.ports.lanes import InboxMessage, LaneHead, Loaded
from orderlane.workers.batch import decide_batch
from tests.unit.domain.worlds import ACCOUNT, NOW, numbered_ids, world_of_two

MESSAGES = 20


async def test_others_have_their_turn_while_a_batch_is_decided() -> None:
    world = world_of_two()
    new_id = numbered_ids()
    messages = [InboxMessage(one, 5, ACCOUNT, Deposit(new_id(), Decimal(1), "EUR")) for one in range(MESSAGES)]
    loaded = Loaded(messages, {5: LaneHead(0, NOW)}, {ACCOUNT: world.state}, {}, {})
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count_turns())
    changes = await decide_batch(loaded, NOW, new_id, turn_seconds=0.0)
    other.cancel()

    assert turns >= MESSAGES - 1
    assert changes.states[ACCOUNT].holdings["EUR"].quantity == MESSAGES
