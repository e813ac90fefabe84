"""Clients and webhook subscriptions as they are stored, for tests of deliveries and of the processes that make them."""

from typing import Any

import asyncpg

from orderlane.domain.ids import ClientId
from orderlane.ports.webhooks import Subscription
from orderlane.postgres.webhooks import PostgresSubscriptions
from orderlane.sources import Sources
from orderlane.webhooks.signing import new_secret


async def new_client(connection: asyncpg.Connection, sources: Sources, name: str = "tests") -> ClientId:
    client_id = ClientId(sources.ids.new_id())
    await connection.execute(
        "INSERT INTO clients (id, name, secret_hash, scopes, created_at) VALUES ($1, $2, '', '{}', $3)",
        client_id,
        name,
        sources.clock.now(),
    )
    return client_id


async def add_subscription(
    connection: asyncpg.Connection, sources: Sources, client_id: ClientId, url: str, **fields: Any
) -> Subscription:
    """Store a subscription to everything, unless `fields` say otherwise; as stored."""
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
