"""An operator's view of the database, over all clients, on a session of its own."""

from collections.abc import Sequence
from datetime import timedelta

from orderlane.domain.epochs import Epoch
from orderlane.domain.ids import ClientId, ParentOrderId, SubjectId, SubscriptionId, lane_of
from orderlane.domain.parent_order import ParentOrder
from orderlane.domain.places import is_stopped
from orderlane.ports.errors import NotFound
from orderlane.ports.operator import (
    DISABLED_BY_OPERATOR,
    DeliveryHealth,
    LaneHealth,
    Quarantined,
    ReplicationHealth,
    SessionHealth,
    StandbyHealth,
    VenueHealth,
)
from orderlane.postgres.clock import CLOCK_DIFFERENCE_MAX
from orderlane.postgres.connection import (
    NOTIFY_EVENTS,
    NOTIFY_INBOX,
    NOTIFY_SUBSCRIPTIONS,
    Connection,
    SessionsRefused,
    committed,
    connect,
)
from orderlane.postgres.epochs import all_epochs
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.heartbeats import Owner, owners
from orderlane.postgres.ownership import ClaimRole, owned_keys, prove_advisory_locks
from orderlane.postgres.queries import queries
from orderlane.postgres.segments import decompress
from orderlane.postgres.tables.parent_orders import parent_from
from orderlane.postgres.tables.records import Row
from orderlane.postgres.venues import list_venues
from orderlane.postgres.wakeups import Wakeup, notify
from orderlane.resources.events import frames_of

_SQL = queries("operator")


class PostgresOperator:
    """Answers an operator's questions. Every method raises StoreUnavailable."""

    def __init__(self, dsn: str, connection: Connection, wakeup: Wakeup, lanes: frozenset[int]) -> None:
        self._dsn = dsn
        self._connection = connection
        self._wakeup = wakeup
        self._lanes = lanes

    @classmethod
    async def open(cls, dsn: str, *, reads_only: bool = False) -> "PostgresOperator":
        """Connect; with `reads_only`, the server refuses every write of the session."""
        with unavailable_on_loss():
            connection = await connect(dsn, "orderlane operator", reads_only=reads_only)
            lanes = frozenset(row["lane"] for row in await connection.fetch(_SQL["all_lanes"]))
            return cls(dsn, connection, await Wakeup.listen(connection, NOTIFY_EVENTS), lanes)

    async def server_version(self) -> str:
        """The version of the PostgreSQL server."""
        with unavailable_on_loss():
            return str(await self._connection.fetchval(_SQL["server_version"]))

    async def refused_locks(self) -> str | None:
        """Prove the advisory locks with two sessions; why they are no locks, or None when they are."""
        with unavailable_on_loss():
            try:
                await prove_advisory_locks(self._dsn)
            except SessionsRefused as refusal:
                return str(refusal)
        return None

    async def replication(self) -> ReplicationHealth:
        """The standbys, and the COMMITs that wait for one."""
        with unavailable_on_loss():
            replication = await self._connection.fetchrow(_SQL["replication"])
            rows = await self._connection.fetch(_SQL["standbys"])
        assert replication is not None, "a count has a row"
        standbys = [StandbyHealth(**dict(row)) for row in rows if row["state"] is not None]
        return ReplicationHealth(**dict(replication), standbys=standbys, hidden_standbys=len(rows) - len(standbys))

    async def epochs(self) -> Sequence[Epoch]:
        """Every epoch of the database, the first first."""
        with unavailable_on_loss():
            return await all_epochs(self._connection)

    async def sessions(self) -> Sequence[SessionHealth]:
        """The sessions of all processes, those that are silent for longest first; none on a standby."""
        with unavailable_on_loss():
            return [_session_from(owner) for owner in await owners(self._connection)]

    async def lanes(self) -> LaneHealth:
        """How the lanes are."""
        with unavailable_on_loss():
            owned = await owned_keys(self._connection, ClaimRole.LANES)
            venues = [await self._venue(venue.name, venue.number) for venue in await list_venues(self._connection)]
            waiting = await self._connection.fetchrow(_SQL["waiting"])
        assert waiting is not None, "a count has a row"
        oldest_at = waiting["oldest_at"]
        return LaneHealth(
            lane_count=len(self._lanes),
            without_worker=sorted(self._lanes - owned),
            venues=venues,
            waiting_messages=waiting["messages"],
            oldest_message_age=None if oldest_at is None else waiting["now"] - oldest_at,
        )

    async def _venue(self, name: str, number: int) -> VenueHealth:
        served = await owned_keys(self._connection, ClaimRole.GATEWAY_LANES, venue_number=number)
        return VenueHealth(name=name, without_gateway=sorted(self._lanes - served))

    async def quarantined(self) -> Sequence[Quarantined]:
        """List quarantined messages, the oldest first."""
        with unavailable_on_loss():
            rows = await self._connection.fetch(_SQL["quarantined_messages"])
        return [
            Quarantined(
                id=row["id"],
                lane=row["lane"],
                subject_id=SubjectId(str(row["subject_id"])),
                kind=row["kind"],
                error=row["error"],
                quarantined_at=row["quarantined_at"],
                set_aside=row["set_aside"],
            )
            for row in rows
        ]

    async def release(self, message_id: int) -> None:
        """Put a quarantined message, and what was set aside behind it, back into the inbox.

        Raises:
            NotFound: there is no such message.
        """
        with unavailable_on_loss():
            async with committed(self._connection):
                held = await self._connection.fetchrow(_SQL["fence_held_lane"], message_id)
                if held is None:
                    raise NotFound("quarantined message", str(message_id))
                await self._connection.execute(_SQL["release_subject"], held["lane"], held["subject_id"])
            await notify(self._connection, [NOTIFY_INBOX])

    async def deliveries(self) -> Sequence[DeliveryHealth]:
        """How the webhook subscriptions are."""
        return await self._deliveries(None)

    async def webhook(self, subscription_id: SubscriptionId) -> DeliveryHealth:
        """How one webhook subscription is.

        Raises:
            NotFound: there is no such subscription.
        """
        found = await self._deliveries(subscription_id)
        if not found:
            raise NotFound("webhook", subscription_id)
        return found[0]

    async def _deliveries(self, subscription_id: SubscriptionId | None) -> Sequence[DeliveryHealth]:
        with unavailable_on_loss():
            rows = await self._connection.fetch(_SQL["deliveries"], subscription_id)
            senders = await owned_keys(self._connection, ClaimRole.SUBSCRIPTIONS)
        return [_delivery_from(row, senders) for row in rows]

    async def enable_webhook(self, subscription_id: SubscriptionId, *, enabled: bool) -> None:
        """Enable a webhook subscription of any client, or disable it in the name of the operator.

        Raises:
            NotFound: there is no such subscription.
        """
        reason = None if enabled else DISABLED_BY_OPERATOR
        await self._change_webhook(subscription_id, "enable_webhook", enabled, reason)

    async def delete_webhook(self, subscription_id: SubscriptionId) -> None:
        """Delete a webhook subscription of any client, with its cursor and attempts.

        Raises:
            NotFound: there is no such subscription.
        """
        await self._change_webhook(subscription_id, "delete_webhook")

    async def _change_webhook(self, subscription_id: SubscriptionId, query: str, *arguments: object) -> None:
        with unavailable_on_loss():
            if not await self._connection.fetchval(_SQL[query], subscription_id, *arguments):
                raise NotFound("webhook", subscription_id)
            await notify(self._connection, [NOTIFY_SUBSCRIPTIONS])

    async def portfolio_order(self, portfolio_order_id: ParentOrderId) -> ParentOrder:
        """One portfolio order of any client.

        Raises:
            NotFound: there is no such portfolio order.
        """
        with unavailable_on_loss():
            row = await self._connection.fetchrow(_SQL["parent_order"], *self._key(portfolio_order_id))
        if row is None:
            raise NotFound("portfolio order", portfolio_order_id)
        return parent_from(row)

    async def events(self, portfolio_order_id: ParentOrderId) -> Sequence[bytes]:
        """The frozen JSON of every event of a portfolio order, of any client, in their order.

        Raises:
            NotFound: there is no such portfolio order.
        """
        parent = await self.portfolio_order(portfolio_order_id)
        with unavailable_on_loss():
            rows = await self._connection.fetch(_SQL["segments"], *self._key(parent.id), parent.created_at)
        return [frame for row in rows for frame in _frames(row)]

    def _key(self, parent_id: ParentOrderId) -> tuple[int, ParentOrderId]:
        return lane_of(parent_id, len(self._lanes)), parent_id

    async def wait_for_event(self, seconds_max: float) -> None:
        """Return when something may have happened, at the latest after `seconds_max`."""
        await self._wakeup.wait(seconds_max)

    async def close(self) -> None:
        """End the session."""
        with unavailable_on_loss():
            await self._connection.close()


def _session_from(owner: Owner) -> SessionHealth:
    difference = owner.clock_difference or timedelta(0)
    return SessionHealth(
        pid=owner.pid,
        role=owner.role,
        process_id=owner.process_id,
        host=owner.host or "an unknown host",
        silence=owner.silence,
        clock_difference=difference,
        clock_is_wrong=abs(difference) > CLOCK_DIFFERENCE_MAX,
        waits_for_standby=owner.waits_for_standby,
    )


def _delivery_from(row: Row, senders: frozenset[int]) -> DeliveryHealth:
    return DeliveryHealth(
        subscription_id=SubscriptionId(str(row["id"])),
        title=row["title"],
        url=row["url"],
        enabled=row["enabled"],
        disabled_reason=row["disabled_reason"],
        has_sender=row["number"] in senders,
        oldest_undelivered_age=None if row["oldest_at"] is None else row["now"] - row["oldest_at"],
        attempts=row["attempts"],
        last_error=row["last_error"],
        client_id=ClientId(str(row["client_id"])),
        client_name=row["client_name"],
        last_attempt_at=row["last_attempt_at"],
        stopped_lanes=[lane for lane, place in enumerate(row["positions"]) if is_stopped(place)],
    )


def _frames(row: Row) -> list[bytes]:
    return frames_of(decompress(row["payload"], row["payload_bytes"]))
