"""The gateway's store: one session that owns lanes, reads their orders to the venue, and writes what the venue says."""

from collections.abc import Collection, Sequence

from msgspec.json import Decoder

from orderlane.domain.order import Side
from orderlane.ports.venue import VenueOrder
from orderlane.ports.venue_outbox import AccountReports, WaitingOrder
from orderlane.postgres.connection import NOTIFY_INBOX, NOTIFY_OUTBOX, Connection, StatementCount, connect
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.inbox import NewMessage, put_messages
from orderlane.postgres.queries import queries
from orderlane.postgres.rows import Row
from orderlane.postgres.shares import Share, ShareRole
from orderlane.postgres.wakeups import Wakeup, notify

_SQL = queries("outbox")
_ALL_LANES = queries("lane_store")["all_lanes"]
_decode = Decoder(VenueOrder).decode


class PostgresVenueOutbox:
    """One gateway's lanes. Everything happens on one connection: the locks and the writes live and die together."""

    def __init__(self, connection: Connection, wakeup: Wakeup, count: StatementCount) -> None:
        self._connection = connection
        self._share = Share(connection, ShareRole.GATEWAY_LANES, wakeup.wake)
        self._wakeup = wakeup
        self.count = count
        self._lanes: list[int] = []

    @classmethod
    async def open(cls, dsn: str) -> "PostgresVenueOutbox":
        """Connect. Raises StoreUnavailable."""
        count = StatementCount()
        with unavailable_on_loss():
            connection = await connect(dsn, "orderlane gateway", count)
            return cls(connection, await Wakeup.listen(connection, NOTIFY_OUTBOX), count)

    async def rebalance(self) -> frozenset[int]:
        """Take free lanes up to a fair share, give back what is too much. Raises StoreUnavailable."""
        with unavailable_on_loss():
            if not self._lanes:
                self._lanes = [row["lane"] for row in await self._connection.fetch(_ALL_LANES)]
            return await self._share.rebalance(self._lanes)

    @property
    def is_rebalance_hinted(self) -> bool:
        """Whether lanes may have come free, or another gateway wants some, since the last rebalance."""
        return self._share.is_hinted

    async def orders_at_the_venue(self, lane: int) -> Sequence[VenueOrder]:
        """The lane's open individual orders that a gateway has handed over. Raises StoreUnavailable."""
        with unavailable_on_loss():
            rows = await self._connection.fetch(_SQL["orders_at_the_venue"], lane)
        return [venue_order_from(row) for row in rows]

    async def waiting_orders(
        self, lanes: Collection[int], without: Collection[int], limit: int
    ) -> Sequence[WaitingOrder]:
        """The oldest orders of the lanes that wait for the venue. Raises StoreUnavailable."""
        with unavailable_on_loss():
            rows = await self._connection.fetch(_SQL["waiting_orders"], list(lanes), list(without), limit)
        return [WaitingOrder(row["id"], _decode(row["payload"])) for row in rows]

    async def record(self, handed_over: Collection[int], reports: Sequence[AccountReports]) -> None:
        """Take orders out of the outbox and hand reports to their lanes, at once. Raises StoreUnavailable."""
        with unavailable_on_loss():
            async with self._connection.transaction():
                if handed_over:
                    await self._connection.execute(_SQL["hand_over"], list(handed_over))
                if reports:
                    messages = [NewMessage(one.lane, one.account_id, one.message) for one in reports]
                    await put_messages(self._connection, messages)
            await notify(self._connection, [NOTIFY_INBOX] * bool(reports))

    async def wait_for_order(self, seconds_max: float) -> None:
        """Return when something may have come, at the latest after `seconds_max`."""
        await self._wakeup.wait(seconds_max)

    async def close(self) -> None:
        """Close the session, and with it give up the lanes."""
        with unavailable_on_loss():
            await self._connection.close()


def venue_order_from(row: Row) -> VenueOrder:
    """An individual order as its venue gets it, from a row of `orders`."""
    return VenueOrder(
        row["id"],
        row["portfolio_order_id"],
        row["account_id"],
        row["lane"],
        Side(row["side"]),
        row["isin"],
        row["cash_amount"],
        row["quantity"],
        row["locked"],
        row["currency"],
        row["reference_price"],
        row["fractional"],
    )
