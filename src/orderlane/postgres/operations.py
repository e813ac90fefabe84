"""An operator's view of the database, over all clients, on a session of its own."""

from collections.abc import Sequence
from uuid import UUID

from orderlane.ports.errors import NotFound
from orderlane.ports.operations import DeliveryHealth, LaneHealth, PortfolioOrderStory, Quarantined
from orderlane.postgres.connection import NOTIFY_EVENTS, NOTIFY_INBOX, Connection, connect
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.queries import queries
from orderlane.postgres.rows import orders_from, portfolio_order_from
from orderlane.postgres.shares import ShareRole, owned_keys
from orderlane.postgres.wakeups import Wakeup, notify
from orderlane.resources.orders import order_resource, portfolio_order_resource

_SQL = queries("operations")
_LANES_SQL = queries("lane_store")


class PostgresOperations:
    """Answers an operator's questions."""

    def __init__(self, connection: Connection, wakeup: Wakeup) -> None:
        self._connection = connection
        self._wakeup = wakeup

    @classmethod
    async def open(cls, dsn: str) -> "PostgresOperations":
        """Connect. Raises StoreUnavailable."""
        with unavailable_on_loss():
            connection = await connect(dsn, "orderlane operator")
            return cls(connection, await Wakeup.listen(connection, NOTIFY_EVENTS))

    async def server_version(self) -> str:
        """The version of the PostgreSQL server. Raises StoreUnavailable."""
        with unavailable_on_loss():
            return str(await self._connection.fetchval(_SQL["server_version"]))

    async def lanes(self) -> LaneHealth:
        """How the lanes are. Raises StoreUnavailable."""
        with unavailable_on_loss():
            lanes = {row["lane"] for row in await self._connection.fetch(_LANES_SQL["all_lanes"])}
            worked = await owned_keys(self._connection, ShareRole.LANES)
            served = await owned_keys(self._connection, ShareRole.GATEWAY_LANES)
            waiting = await self._connection.fetchrow(_SQL["waiting"])
        assert waiting is not None, "a count has a row"
        return LaneHealth(
            len(lanes), sorted(lanes - worked), sorted(lanes - served), waiting["messages"], waiting["oldest_at"]
        )

    async def quarantined(self) -> Sequence[Quarantined]:
        """What waits for a person, the oldest first. Raises StoreUnavailable."""
        with unavailable_on_loss():
            rows = await self._connection.fetch(_LANES_SQL["quarantined_messages"])
        return [
            Quarantined(row["id"], row["lane"], row["account_id"], row["kind"], row["error"], row["quarantined_at"])
            for row in rows
        ]

    async def release(self, message_id: int) -> None:
        """Put a quarantined message back to where it came from. Raises NotFound, StoreUnavailable."""
        with unavailable_on_loss():
            released = await self._connection.fetchval(_LANES_SQL["release_message"], message_id)
            if released is None:
                raise NotFound("quarantined message", str(message_id))
            await notify(self._connection, [NOTIFY_INBOX])

    async def deliveries(self) -> Sequence[DeliveryHealth]:
        """How the webhook subscriptions are. Raises StoreUnavailable."""
        with unavailable_on_loss():
            rows = await self._connection.fetch(_SQL["deliveries"])
            senders = await owned_keys(self._connection, ShareRole.SUBSCRIPTIONS)
        return [
            DeliveryHealth(
                row["id"],
                row["title"],
                row["url"],
                row["enabled"],
                row["disabled_reason"],
                row["number"] in senders,
                row["oldest_at"],
                row["attempts"],
                row["last_error"],
            )
            for row in rows
        ]

    async def portfolio_order(self, portfolio_order_id: UUID) -> PortfolioOrderStory:
        """One portfolio order of any client. Raises NotFound, StoreUnavailable."""
        ids = [portfolio_order_id]
        with unavailable_on_loss():
            async with self._connection.transaction(isolation="repeatable_read", readonly=True):
                row = await self._connection.fetchrow(_SQL["portfolio_order"], portfolio_order_id)
                if row is None:
                    raise NotFound("portfolio order", portfolio_order_id)
                order_rows = await self._connection.fetch(_LANES_SQL["orders"], ids)
                execution_rows = await self._connection.fetch(_LANES_SQL["executions"], ids)
        orders = orders_from(order_rows, execution_rows).get(portfolio_order_id, [])
        found = portfolio_order_from(row, [one.id for one in orders])
        return PortfolioOrderStory(
            portfolio_order_resource(found, orders), [order_resource(one) for one in orders], found.sequence
        )

    async def wait_for_event(self, seconds_max: float) -> None:
        """Return when something may have happened, at the latest after `seconds_max`."""
        await self._wakeup.wait(seconds_max)

    async def close(self) -> None:
        """End the session. Raises StoreUnavailable."""
        with unavailable_on_loss():
            await self._connection.close()
