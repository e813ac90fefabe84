"""A sender with few connections: whoever waits for one waits in order, in vain for nothing, and only while it owns."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from aiohttp import web

from orderlane.sources import Sources
from orderlane.webhooks.fair_shares import FairShares
from tests.database.webhooks.conftest import Subscribe
from tests.database.webhooks.events import EventWriter
from tests.database.webhooks.receivers import Received, Receiver, receiving
from tests.database.webhooks.senders import sending
from tests.database.webhooks.subscriptions import new_client

WAIT_SECONDS_MAX = 20


class Gate:
    """Receivers answer when it is open."""

    def __init__(self) -> None:
        self.is_open = asyncio.Event()

    async def answer(self, _: Received) -> web.Response:
        await self.is_open.wait()
        return web.Response(status=204)


@pytest.fixture
async def silent() -> AsyncIterator[tuple[Receiver, Gate]]:
    gate = Gate()
    async with receiving() as receiver:
        receiver.otherwise = gate.answer
        yield receiver, gate
        gate.is_open.set()


async def until_packed(connection: asyncpg.Connection, count: int) -> None:
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while await connection.fetchval("SELECT count(package_id) FROM webhook_cursors") < count:
            await asyncio.sleep(0.01)


async def test_a_client_has_its_share_in_flight_and_all_of_it_arrives_in_the_end(
    dsn: str,
    sources: Sources,
    connection: asyncpg.Connection,
    writer: EventWriter,
    subscribe: Subscribe,
    silent: tuple[Receiver, Gate],
) -> None:
    receiver, gate = silent
    for _ in range(20):
        await subscribe(receiver.url)
    async with sending(dsn, sources, shares=FairShares(8)):
        await writer.write(0)
        await until_packed(connection, 20)
        await receiver.until(lambda: receiver.in_flight == 4)

        gate.is_open.set()
        await receiver.until_accepted(20)

    assert receiver.in_flight_max == 4
    assert len({request.webhook_id for request in receiver.received}) == 20
    errors = await connection.fetch("SELECT error_code FROM webhook_attempts WHERE error_code IS NOT NULL")
    assert errors == []


async def test_another_client_does_not_wait_behind_it(
    dsn: str,
    sources: Sources,
    connection: asyncpg.Connection,
    writer: EventWriter,
    subscribe: Subscribe,
    silent: tuple[Receiver, Gate],
    receiver: Receiver,
) -> None:
    other = EventWriter(connection, sources, await new_client(connection, sources))
    for _ in range(20):
        await subscribe(silent[0].url)
    await subscribe(receiver.url, client_id=other.client_id)
    async with sending(dsn, sources, shares=FairShares(2)):
        await writer.write(0)
        await until_packed(connection, 20)

        for count in range(1, 6):
            await other.write(1)
            await receiver.until_accepted(count)
        assert silent[0].accepted == []


async def test_who_waits_for_its_share_sends_nothing_after_it_was_disabled(
    dsn: str,
    sources: Sources,
    connection: asyncpg.Connection,
    writer: EventWriter,
    subscribe: Subscribe,
    silent: tuple[Receiver, Gate],
    receiver: Receiver,
) -> None:
    first = await subscribe(silent[0].url)
    shares = FairShares(1)
    async with sending(dsn, sources, shares=shares) as running:
        await writer.write(0)
        await silent[0].until_received(1)
        waiting = await subscribe(receiver.url)
        await writer.write(0)
        await until_packed(connection, 2)

        await connection.execute("UPDATE webhook_subscriptions SET enabled = false WHERE id = $1", waiting.id)
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while waiting.number in running.sender.subscriptions:
                await asyncio.sleep(0.01)
        silent[1].is_open.set()
        await silent[0].until_accepted(2)

        assert first.number in running.sender.subscriptions
    assert receiver.received == []
    assert shares.free == 1


async def test_who_lost_the_subscription_while_waiting_sends_nothing(
    dsn: str,
    sources: Sources,
    connection: asyncpg.Connection,
    writer: EventWriter,
    subscribe: Subscribe,
    silent: tuple[Receiver, Gate],
    receiver: Receiver,
) -> None:
    await subscribe(silent[0].url)
    async with sending(dsn, sources, shares=FairShares(1)) as running:
        await writer.write(0)
        await silent[0].until_received(1)
        waiting = await subscribe(receiver.url)
        await writer.write(0)
        await until_packed(connection, 2)

        await running.store._connection.execute("SELECT pg_advisory_unlock_all()")
        running.store._owned_at.clear()  # as some seconds later
        silent[1].is_open.set()
        await silent[0].until_accepted(1)
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while waiting.number in running.sender.subscriptions:
                await asyncio.sleep(0.01)
        assert receiver.received == []

    package_id = await connection.fetchval(
        "SELECT package_id FROM webhook_cursors WHERE subscription_id = $1", waiting.id
    )
    async with sending(dsn, sources):
        await receiver.until_accepted(1)
    assert receiver.received[0].webhook_id == str(package_id)
