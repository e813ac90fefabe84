"""A sender that is frozen with a request in flight: another takes over, and the first does no harm when it wakes."""

import asyncio
import signal
import time

import asyncpg
import pytest
from aiohttp import web

from tests.database.webhooks.events import EventWriter
from tests.database.webhooks.receivers import Received, receiving
from tests.database.webhooks.subscriptions import add_subscription
from tests.system.test_sender_kills import first_arrivals, sender_process, writer

__all__ = ["writer"]

FROZEN_SECONDS = 40
TAKEN_OVER_SECONDS_MAX = 25


async def owner_of(connection: asyncpg.Connection) -> list[int]:
    rows = await connection.fetch(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 7003 AND objid = 1"
    )
    return [row["pid"] for row in rows]


async def other_owner(connection: asyncpg.Connection, frozen: list[int]) -> None:
    while (owner := await owner_of(connection)) == frozen or not owner:
        assert len(owner) <= 1
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("is_answered", [True, pytest.param(False, marks=pytest.mark.thorough)])
async def test_a_frozen_sender_is_replaced_and_harmless_when_it_wakes(
    dsn: str, writer: EventWriter, is_answered: bool
) -> None:
    answered = asyncio.Event()

    async def late(_: Received) -> web.Response:
        await answered.wait()
        return web.Response(status=204)

    async with receiving() as receiver, sender_process(dsn) as victim:
        await add_subscription(
            writer.connection, writer.sources, writer.client_id, receiver.url, max_package_bytes=2000
        )
        receiver.answers = [late]
        await writer.write(0, 1)
        await receiver.until_received(1)
        frozen = await owner_of(writer.connection)
        assert len(frozen) == 1
        async with sender_process(dsn):
            victim.send_signal(signal.SIGSTOP)
            frozen_at = time.monotonic()
            if is_answered:
                answered.set()
            try:
                await writer.write(0, 2)
                async with asyncio.timeout(TAKEN_OVER_SECONDS_MAX):
                    await other_owner(writer.connection, frozen)
                    await receiver.until(lambda: len(first_arrivals(receiver.accepted)) == 4)
                await writer.write(0)
                await asyncio.sleep(FROZEN_SECONDS - (time.monotonic() - frozen_at))  # what is tested
            finally:
                victim.send_signal(signal.SIGCONT)
            for _ in range(20):
                await writer.write(0, 1)
                await asyncio.sleep(0.05)
                assert len(await owner_of(writer.connection)) <= 1
            await receiver.until(lambda: len(first_arrivals(receiver.accepted)) == len(writer.written))
            answered.set()

        arrived = first_arrivals(receiver.accepted)
        for lane in range(3):
            places = [event["object"]["position"] for event in arrived if event["object"]["lane"] == lane]
            assert places == sorted(places)
        bodies = {(request.webhook_id, request.body) for request in receiver.received}
        assert len(bodies) == len({webhook_id for webhook_id, _ in bodies})
        delivered = [event["id"] for request in receiver.received[2:] for event in request.events]
        assert len(delivered) == len(set(delivered)), "only what was in flight came twice"
