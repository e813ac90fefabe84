"""A gateway's session: it owns lanes at a venue, reads their orders to it, and writes what the venue says."""

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from typing import Final

import msgspec
from msgspec.json import Decoder

from orderlane.domain.ids import OrderId, ParentOrderId, lane_of, leg_of, parent_of
from orderlane.domain.instruments import Venue
from orderlane.domain.lane.messages import encode_message
from orderlane.domain.lane.reporting import KIND, OrderEnded, ReceiveVenueReports
from orderlane.domain.order import Order
from orderlane.ports.errors import StoreUnavailable
from orderlane.ports.venue import VenueOrder, venue_order
from orderlane.ports.venue_outbox import AnsweredOrder, OutboxRow, ParentReports
from orderlane.postgres.connection import (
    NOTIFY_INBOX,
    NOTIFY_OUTBOX,
    Connection,
    StatementCount,
    close_session,
    committed,
    connect,
)
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.heartbeats import Heartbeat, beats_for
from orderlane.postgres.ownership import ClaimRole, Claims, lock_class
from orderlane.postgres.queries import queries
from orderlane.postgres.tables.parent_orders import parent_from
from orderlane.postgres.tables.records import Row
from orderlane.postgres.tables.venue_outbox import outbox_row_from
from orderlane.postgres.venues import UnknownVenue, venue_named
from orderlane.postgres.wakeups import Wakeup, notify

PARENTS_MAX: Final = 500
"""How many parent orders are read at once when lanes are gained."""

_BEFORE_ALL: Final = "00000000-0000-0000-0000-000000000000"
_SQL = queries("gateway_session")
_ALL_LANES = queries("lanes")["all_lanes"]
_AN_END: Final = f'"{OrderEnded.__struct_config__.tag}"'.encode()
_decode_reports = Decoder(ReceiveVenueReports).decode


class PostgresGatewaySession:
    """One gateway's lanes at its venue. All happens on one connection: locks and writes live and die together."""

    def __init__(
        self,
        connection: Connection,
        wakeup: Wakeup,
        count: StatementCount,
        venue: Venue,
        lanes: Sequence[int],
        backend: int,
        end_beats: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._backend = backend
        self._end_beats = end_beats
        self._venue = venue
        self._claims = Claims(connection, ClaimRole.GATEWAY_LANES, wakeup.wake, venue_number=venue.number)
        self._class = lock_class(ClaimRole.GATEWAY_LANES, venue.number)
        self._wakeup = wakeup
        self.count = count
        self._lanes = lanes
        self.lane_count = len(lanes)

    @classmethod
    async def open(cls, dsn: str, venue_name: str, heartbeat: Heartbeat | None = None) -> "PostgresGatewaySession":
        """Connect, to serve a venue; `heartbeat` beats for the session for as long as it lives.

        Raises:
            StoreUnavailable: the database is lost.
            UnknownVenue: it has no such venue.
        """
        count = StatementCount()
        with unavailable_on_loss():
            # Every join goes by index: the plans are made while the tables are empty, and kept.
            connection = await connect(dsn, "orderlane gateway", count, enable_hashjoin="off", enable_mergejoin="off")
            try:
                venue = await venue_named(connection, venue_name)
            except UnknownVenue:
                await connection.close()
                raise
            end_beats = await beats_for(heartbeat, connection, ClaimRole.GATEWAY_LANES)
            wakeup = await Wakeup.listen(connection, NOTIFY_OUTBOX)
            lanes = [row["lane"] for row in await connection.fetch(_ALL_LANES)]
            backend = await connection.fetchval(_SQL["backend"])
        return cls(connection, wakeup, count, venue, lanes, backend, end_beats)

    async def redistribute(self) -> frozenset[int]:
        """Claim free lanes up to a fair share, give back what is too much. Raises StoreUnavailable."""
        with unavailable_on_loss():
            return await self._claims.redistribute(self._lanes)

    @property
    def is_hinted(self) -> bool:
        """Whether lanes may have come free, or another gateway wants some, since they were last redistributed."""
        return self._claims.is_hinted

    async def confirm(self, lanes: Collection[int]) -> None:
        """Make sure that the lanes are still owned.

        Raises:
            StoreUnavailable: they are not, or the database is lost.
        """
        with unavailable_on_loss():
            rows = await self._connection.fetch(_SQL["owned_lanes"], self._class)
        if lost := set(lanes) - {row["lane"] for row in rows}:
            raise StoreUnavailable(f"the session does not own {len(lost)} lanes that it claimed")

    async def orders_at_the_venue(self, lanes: Collection[int]) -> AsyncIterator[Sequence[VenueOrder]]:
        """The open individual orders of these lanes at this venue, in portions. Raises StoreUnavailable.

        The ends that wait to be applied are read before the orders: a message that is applied meanwhile has ended its
        order by then, and nobody but the lanes' gateway adds one.
        """
        ended = await self._ends_on_the_way(lanes)
        remaining, last_id = sorted(lanes), _BEFORE_ALL
        while remaining:
            with unavailable_on_loss():
                arguments = (remaining, self._venue.number, last_id, PARENTS_MAX)
                rows = await self._connection.fetch(_SQL["open_parents"], *arguments)
            orders = [order for row in rows for order in self._at_the_venue(row) if order.order_id not in ended]
            if orders:
                yield orders
            if len(rows) < PARENTS_MAX:
                return
            remaining = [lane for lane in remaining if lane >= rows[-1]["lane"]]
            last_id = rows[-1]["id"]

    async def _ends_on_the_way(self, lanes: Collection[int]) -> set[OrderId]:
        with unavailable_on_loss():
            rows = await self._connection.fetch(_SQL["ends_on_the_way"], sorted(lanes), KIND.name, _AN_END)
        return {order_id for row in rows for order_id in _ended_by(row["message"])}

    def _at_the_venue(self, row: Row) -> Iterator[VenueOrder]:
        parent, waiting = parent_from(row), set(row["waiting_legs"])
        for order in parent.orders:
            if self._is_open(order) and order.leg not in waiting:
                yield venue_order(parent, order, row["lane"])

    def _is_open(self, order: Order) -> bool:
        return not order.is_final and order.venue_id == self._venue.id

    async def waiting(
        self, lanes: Sequence[int], without: Collection[ParentOrderId], rows_max: int
    ) -> Sequence[OutboxRow]:
        """The oldest rows of those lanes that are still owned, lane by lane in their order. Raises StoreUnavailable."""
        with unavailable_on_loss():
            arguments = (self._backend, self._venue.number, lanes, list(without), rows_max)
            rows = await self._connection.fetch(_SQL["waiting"], *arguments)
        return [outbox_row_from(row) for row in rows]

    async def record(self, answered: Sequence[AnsweredOrder], reports: Sequence[ParentReports]) -> None:
        """Take answered orders out of the outbox and hand reports to their lanes, at once. Raises StoreUnavailable."""
        with unavailable_on_loss():
            async with committed(self._connection):
                if answered:
                    await self._answer(answered)
                if reports:
                    await self._put_reports(reports)
            await notify(self._connection, [NOTIFY_INBOX] * bool(reports))

    async def _answer(self, answered: Sequence[AnsweredOrder]) -> None:
        await self._connection.execute(
            _SQL["answer"],
            self._venue.number,
            [lane_of(answer.order_id, self.lane_count) for answer in answered],
            [parent_of(answer.order_id) for answer in answered],
            [answer.kind for answer in answered],
            [leg_of(answer.order_id) for answer in answered],
        )

    async def _put_reports(self, reports: Sequence[ParentReports]) -> None:
        encoded = [encode_message(report.message) for report in reports]
        await self._connection.execute(
            _SQL["put_reports"],
            f"venue:{self._venue.name}",
            [lane_of(report.parent_id, self.lane_count) for report in reports],
            [report.parent_id for report in reports],
            [kind for kind, _ in encoded],
            [text for _, text in encoded],
        )

    async def wait_for_order(self, seconds_max: float) -> None:
        """Return when something may have come, at the latest after `seconds_max`."""
        await self._wakeup.wait(seconds_max)

    async def close(self) -> None:
        """Close the session, and with it give up the lanes. Raises StoreUnavailable."""
        self._end_beats()
        with unavailable_on_loss():
            await close_session(self._connection)


def _ended_by(message: bytes) -> Iterator[OrderId]:
    """The orders that a message ends; one that cannot be read, and so waits for an operator, ends none."""
    try:
        reports = _decode_reports(message).reports
    except msgspec.DecodeError:
        return
    for report in reports:
        if isinstance(report, OrderEnded):
            yield report.order_id
