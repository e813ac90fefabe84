"""Webhook subscriptions and the keys that sign for them, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import asyncpg

from orderlane.domain.ids import ClientId, EventId, SubscriptionId
from orderlane.ports.errors import NotFound
from orderlane.ports.paging import Listing, Page
from orderlane.ports.webhooks import Attempt, Subscription, WebhookKey
from orderlane.postgres.connection import NOTIFY_SUBSCRIPTIONS, Connection, Pool, committed
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.listing import fetch_page
from orderlane.postgres.queries import queries
from orderlane.postgres.tables.records import record_from
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
        await self._connection.execute(
            _SQL["add_subscription"],
            subscription.id,
            subscription.client_id,
            subscription.title,
            subscription.url,
            subscription.types,
            subscription.exclude_types,
            subscription.enabled,
            subscription.delay_ms,
            subscription.max_package_bytes,
            subscription.secret,
            subscription.created_at,
        )
        await self._wake_senders()

    async def get(
        self, client_id: ClientId, subscription_id: SubscriptionId, *, to_change: bool = False
    ) -> Subscription:
        """One subscription; `to_change` keeps others from changing it until the transaction ends.

        Raises:
            NotFound: there is none, or it is another client's.
        """
        query = _SQL["lock_subscription" if to_change else "get_subscription"]
        row = await self._connection.fetchrow(query, client_id, subscription_id)
        if row is None:
            raise NotFound("webhook", subscription_id)
        return subscription_from(row)

    async def count_to_add(self, client_id: ClientId) -> int:
        """Count the client's subscriptions; no other one is added until the transaction ends."""
        await self._connection.execute(_SQL["lock_client"], client_id)
        count: int = await self._connection.fetchval(_SQL["count_subscriptions"], client_id)
        return count

    async def list(self, client_id: ClientId, page: Page) -> Listing[Subscription]:
        """A page of the client's subscriptions."""
        return await fetch_page(
            self._connection, _SQL["list_subscriptions"], page, _SORTS, subscription_from, client_id
        )

    async def change(self, subscription: Subscription) -> None:
        """Store what a client may change; a package that waits for its next attempt is tried at once.

        Raises:
            NotFound: there is none, or it is another client's.
        """
        changed = await self._connection.fetchval(
            _SQL["change_subscription"],
            subscription.client_id,
            subscription.id,
            subscription.title,
            subscription.url,
            subscription.types,
            subscription.exclude_types,
            subscription.enabled,
            subscription.delay_ms,
            subscription.max_package_bytes,
            subscription.updated_at,
        )
        if not changed:
            raise NotFound("webhook", subscription.id)
        await self._wake_senders()

    async def delete(self, client_id: ClientId, subscription_id: SubscriptionId) -> None:
        """Delete it with its cursor and attempts: nothing more is delivered.

        Raises:
            NotFound: there is none, or it is another client's.
        """
        if not await self._connection.fetchval(_SQL["delete_subscription"], client_id, subscription_id):
            raise NotFound("webhook", subscription_id)
        await self._wake_senders()

    async def attempts(self, client_id: ClientId, subscription_id: SubscriptionId, page: Page) -> Listing[Attempt]:
        """A page of the attempts to deliver to it.

        Raises:
            NotFound: there is none, or it is another client's.
        """
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
        """Those that sign and are published, the newest first.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        with unavailable_on_loss():
            rows = await self._pool.fetch(_SQL["active_keys"], now)
        return [record_from(row, WebhookKey) for row in rows]

    async def ensure(self, new: WebhookKey) -> None:
        """Store `new` unless there is an active key already.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        with unavailable_on_loss():
            async with self._pool.acquire() as connection, committed(connection):
                await connection.execute(_SQL["lock_keys"])
                await connection.execute(_SQL["ensure_key"], new.id, new.seed, new.created_at)

    async def rotate(self, new: WebhookKey, others_retire_at: datetime) -> None:
        """Store `new` and let the others sign until `others_retire_at`.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        with unavailable_on_loss():
            await self._pool.execute(_SQL["rotate_keys"], new.id, new.seed, new.created_at, others_retire_at)


def subscription_from(row: asyncpg.Record) -> Subscription:
    """A row of `webhook_subscriptions` as a subscription."""
    return record_from(row, Subscription)


def _attempt_from(row: asyncpg.Record) -> Attempt:
    return record_from(row, Attempt, event_ids=[EventId(str(event_id)) for event_id in row["event_ids"]])
