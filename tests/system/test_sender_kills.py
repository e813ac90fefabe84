"""Sender processes that are killed while they deliver: all arrives, in order, and what is repeated is the same."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from orderlane.sources import system_sources
from tests.database.webhooks.events import EventWriter
from tests.database.webhooks.receivers import Received, Receiver, receiving
from tests.database.webhooks.subscriptions import add_subscription, new_client

KILLS = 6
EVENTS_BETWEEN = 60


@asynccontextmanager
async def sender_process(dsn: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "orderlane", "sender", "--allow-insecure-webhooks"),
        env={**os.environ, "ORDERLANE_DATABASE_URL": dsn, "ORDERLANE_LOG_LEVEL": "error"},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.wait()


@pytest.fixture
async def writer(connection: asyncpg.Connection) -> EventWriter:
    sources = system_sources()
    return EventWriter(connection, sources, await new_client(connection, sources))


async def write_and_kill(dsn: str, writer: EventWriter, receivers: Sequence[Receiver]) -> None:
    """Kill a sender in the middle of its work, again and again; there is always another one, or a new one."""
    async with sender_process(dsn) as survivor:
        for _ in range(KILLS):
            async with sender_process(dsn) as victim:
                received = len(receivers[0].received)
                for turn in range(EVENTS_BETWEEN):
                    await writer.write(turn % 4)
                await receivers[0].until_received(received + 3)
                victim.kill()
                await victim.wait()
        survivor.kill()
        await survivor.wait()


def first_arrivals(accepted: Sequence[Received]) -> list[dict[str, Any]]:
    """The events in the order in which each came first."""
    seen: dict[str, dict[str, Any]] = {}
    for one in accepted:
        for event in one.events:
            seen.setdefault(event["id"], event)
    return list(seen.values())


async def test_senders_that_are_killed_lose_nothing_and_keep_the_order(dsn: str, writer: EventWriter) -> None:
    async with receiving() as one, receiving() as other:
        for receiver in (one, other):
            await add_subscription(
                writer.connection, writer.sources, writer.client_id, receiver.url, max_package_bytes=2000
            )
        await write_and_kill(dsn, writer, (one, other))
        await writer.write(0, 1, 2, 3)
        async with sender_process(dsn):
            for receiver in (one, other):
                await receiver.until(lambda r=receiver: len(first_arrivals(r.accepted)) == len(writer.written))

        for receiver in (one, other):
            arrived = first_arrivals(receiver.accepted)
            for lane in range(4):
                in_lane = [event["object"]["position"] for event in arrived if event["object"]["lane"] == lane]
                assert in_lane == list(range(1, len(in_lane) + 1))
            bodies = {(request.webhook_id, request.body) for request in receiver.received}
            assert len(bodies) == len({webhook_id for webhook_id, _ in bodies})
