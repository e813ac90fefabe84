"""A client with webhook subscriptions, events as a lane worker writes them, and receivers on loopback."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from orderlane.domain.ids import ClientId
from orderlane.ports.webhooks import Subscription
from orderlane.postgres.webhooks import PostgresSubscriptions
from orderlane.sources import Sources, system_sources
from orderlane.webhooks.signing import new_secret
from tests.database.webhooks.events import EventWriter
from tests.database.webhooks.receivers import Receiver, receiving
from tests.database.webhooks.senders import RunningSender, sending

Subscribe = Callable[..., Awaitable[Subscription]]


@pytest.fixture
def sources() -> Sources:
    return system_sources()


@pytest.fixture
async def client_id(connection: asyncpg.Connection, sources: Sources) -> ClientId:
    return await new_client(connection, sources)


async def new_client(connection: asyncpg.Connection, sources: Sources) -> ClientId:
    client_id = ClientId(sources.ids.new_id())
    await connection.execute(
        "INSERT INTO clients (id, name, secret_hash, scopes, created_at) VALUES ($1, 'tests', '', '{}', $2)",
        client_id,
        sources.clock.now(),
    )
    return client_id


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
        now = sources.clock.now()
        chosen = {
            "id": sources.ids.new_id(),
            "client_id": client_id,
            "title": "test",
            "url": url,
            "types": ("ALL",),
            "exclude_types": (),
            "enabled": True,
            "delay_ms": 0,
            "max_package_bytes": 65536,
            "secret": new_secret(sources.tokens),
            "created_at": now,
            "updated_at": now,
        }
        subscription = Subscription(**chosen | fields)
        subscriptions = PostgresSubscriptions(connection)
        await subscriptions.add(subscription)
        return await subscriptions.get(subscription.client_id, subscription.id)

    return subscribe


@pytest.fixture
async def sender(dsn: str, sources: Sources) -> AsyncIterator[RunningSender]:
    async with sending(dsn, sources) as running:
        yield running
