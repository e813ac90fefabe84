"""A client with webhook subscriptions, events as a lane worker writes them, and receivers on loopback."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from orderlane.domain.ids import ClientId
from orderlane.ports.webhooks import Subscription
from orderlane.sources import Sources, system_sources
from tests.database.webhooks.events import EventWriter
from tests.database.webhooks.receivers import Receiver, receiving
from tests.database.webhooks.senders import RunningSender, sending
from tests.database.webhooks.subscriptions import add_subscription, new_client

Subscribe = Callable[..., Awaitable[Subscription]]


@pytest.fixture
def sources() -> Sources:
    return system_sources()


@pytest.fixture
async def client_id(connection: asyncpg.Connection, sources: Sources) -> ClientId:
    return await new_client(connection, sources)


@pytest.fixture
async def writer(connection: asyncpg.Connection, sources: Sources, client_id: ClientId) -> EventWriter:
    return EventWriter(connection, sources, client_id)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
def subscribe(connection: asyncpg.Connection, sources: Sources, client_id: ClientId) -> Subscribe:
    """Store a subscription to everything, unless told otherwise; as stored."""

    async def subscribe(url: str, **fields: Any) -> Subscription:
        return await add_subscription(connection, sources, fields.pop("client_id", client_id), url, **fields)

    return subscribe


@pytest.fixture
async def sender(dsn: str, sources: Sources) -> AsyncIterator[RunningSender]:
    async with sending(dsn, sources) as running:
        yield running
