"""Webhook subscriptions and the keys that sign for them, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from orderlane.ports.errors import NotFound
from orderlane.ports.paging import Listing, Page
from orderlane.ports.webhooks import Attempt, Subscription, WebhookKey
from orderlane.postgres.connection import NOTIFY_SUBSCRIPTIONS, Connection, Pool
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.listing import fetch_page
from orderlane.postgres.queries import queries
from orderlane.postgres.wakeups import notify

_SQL = queries("webhooks")
_SORTS: Final[Mapping[str, str]] = {
    "id": "id",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "title": "title",
    "url": "url",
    "enabled": "enabled",
}
_ATTEMPT_SORTS: Final[Mapping[str, str]] = {"sent_at": "sent_at"}


class PostgresSubscriptions:
    """Webhook subscriptions, on a connection. Their senders are woken when the transaction commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, subscription: Subscription) -> None:
        """Store a new one; its first event is the first that is committed afterwards."""
        one = subscription
        await self._connection.execute(
            _SQL["add_subscription"],
            one.id,
            one.client_id,
            one.title,
            one.url,
            one.types,
            one.exclude_types,
            one.enabled,
            one.delay_ms,
            one.max_package_bytes,
            one.secret,
            one.created_at,
        )
        await self._wake_senders()

    async def get(self, client_id: UUID, subscription_id: UUID, *, to_change: bool = False) -> Subscription:
        """One subscription; `to_change` keeps others from changing it until the transaction ends."""
        query = _SQL["lock_subscription" if to_change else "get_subscription"]
        row = await self._connection.fetchrow(query, client_id, subscription_id)
        if row is None:
            raise NotFound("webhook", subscription_id)
        return subscription_from(row)

    async def list(self, client_id: UUID, page: Page) -> Listing[Subscription]:
        """A page of the client's subscriptions."""
        return await fetch_page(
            self._connection, _SQL["list_subscriptions"], page, _SORTS, subscription_from, client_id
        )

    async def change(self, subscription: Subscription) -> None:
        """Store what a client may change; a package that waits for its next attempt is tried at once."""
        one = subscription
        changed = await self._connection.fetchval(
            _SQL["change_subscription"],
            one.client_id,
            one.id,
            one.title,
            one.url,
            one.types,
            one.exclude_types,
            one.enabled,
            one.delay_ms,
            one.max_package_bytes,
            one.updated_at,
        )
        if not changed:
            raise NotFound("webhook", one.id)
        await self._wake_senders()

    async def delete(self, client_id: UUID, subscription_id: UUID) -> None:
        """Delete it with its cursor and attempts: nothing more is delivered."""
        if not await self._connection.fetchval(_SQL["delete_subscription"], client_id, subscription_id):
            raise NotFound("webhook", subscription_id)
        await self._wake_senders()

    async def attempts(self, client_id: UUID, subscription_id: UUID, page: Page) -> Listing[Attempt]:
        """A page of the attempts to deliver to it."""
        await self.get(client_id, subscription_id)
        query = _SQL["list_attempts"]
        return await fetch_page(
            self._connection, query, page, _ATTEMPT_SORTS, _attempt_from, client_id, subscription_id
        )

    async def _wake_senders(self) -> None:
        await notify(self._connection, [NOTIFY_SUBSCRIPTIONS])


class PostgresWebhookKeys:
    """The keys that sign webhooks."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def active(self, now: datetime) -> Sequence[WebhookKey]:
        """Those that sign and are published, the newest first."""
        with unavailable_on_loss():
            return [WebhookKey(**row) for row in await self._pool.fetch(_SQL["active_keys"], now)]

    async def ensure(self, new: WebhookKey) -> None:
        """Store `new` unless there is an active key already."""
        with unavailable_on_loss():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(_SQL["lock_keys"])
                await connection.execute(_SQL["ensure_key"], new.id, new.seed, new.created_at)

    async def rotate(self, new: WebhookKey, others_retire_at: datetime) -> None:
        """Store `new` and let the others sign until `others_retire_at`."""
        with unavailable_on_loss():
            await self._pool.execute(_SQL["rotate_keys"], new.id, new.seed, new.created_at, others_retire_at)


def subscription_from(row: asyncpg.Record) -> Subscription:
    """A row of `webhook_subscriptions` as a subscription."""
    return Subscription(
        id=row["id"],
        client_id=row["client_id"],
        title=row["title"],
        url=row["url"],
        types=tuple(row["types"]),
        exclude_types=tuple(row["exclude_types"]),
        enabled=row["enabled"],
        delay_ms=row["delay_ms"],
        max_package_bytes=row["max_package_bytes"],
        secret=row["secret"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        disabled_reason=row["disabled_reason"],
        previous_secret=row["previous_secret"],
        previous_secret_expires_at=row["previous_secret_expires_at"],
        number=row["number"],
    )


def _attempt_from(row: asyncpg.Record) -> Attempt:
    return Attempt(
        id=row["id"],
        package_id=row["package_id"],
        attempt=row["attempt"],
        sent_at=row["sent_at"],
        latency_ms=row["latency_ms"],
        status_code=row["status_code"],
        error_code=row["error_code"],
        body_bytes=row["body_bytes"],
        event_ids=row["event_ids"],
    )
