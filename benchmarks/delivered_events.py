"""Events to be delivered, written as lane workers write them: real payloads, numbered, committed with their lanes."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import asyncpg
import msgspec

from orderlane.domain.ids import (
    AccountId,
    ClientId,
    OrderId,
    ParentOrderId,
    SubjectId,
    event_ids,
    in_slot,
    order_id,
    parent_order_id,
)
from orderlane.ports.lanes import Segment
from orderlane.postgres.connection import NOTIFY_EVENTS
from orderlane.postgres.tables.events import EVENT_COLUMNS, segment_row
from orderlane.postgres.wakeups import notify
from orderlane.resources.events import EventResource
from orderlane.resources.formats import write_time
from orderlane.resources.orders import ExecutionResource, OrderResource
from orderlane.sources import SystemIds

LANES = 64
PORTFOLIO_ORDER_EVENTS = 43
MOVE_LANES = (
    "UPDATE lanes SET position = head.position, last_event_at = $3 "
    "FROM unnest($1::smallint[], $2::bigint[]) AS head (lane, position) WHERE lanes.lane = head.lane"
)


@dataclass
class EventWriter:
    """Writes events of one client, those of a portfolio order together, the lanes in turn."""

    connection: asyncpg.Connection
    client_id: ClientId
    positions: list[int] = field(default_factory=lambda: [0] * LANES)
    portfolio_orders: int = 0
    ids: SystemIds = field(default_factory=SystemIds)

    async def write(self, count: int, each: int = PORTFOLIO_ORDER_EVENTS) -> None:
        """Write `count` events in one transaction, `each` in a row for the same portfolio order."""
        now = datetime.now(UTC)
        rows = [segment_row(self._segment(size, now)) for size in _parts(count, each)]
        async with self.connection.transaction():
            await self.connection.copy_records_to_table("events", records=rows, columns=EVENT_COLUMNS)
            lanes = list({row[0] for row in rows})
            await self.connection.execute(MOVE_LANES, lanes, [self.positions[lane] for lane in lanes], now)
        await notify(self.connection, [NOTIFY_EVENTS])

    async def write_paced(self, rate: float, seconds: float, each: int) -> int:
        """Write transactions of `each` events, `rate` events a second; how many events."""
        began, written = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            if written <= passed * rate:
                await self.write(each)
                written += each
            else:
                await asyncio.sleep(written / rate - passed)
        return written

    def _segment(self, size: int, now: datetime) -> Segment:
        """The events of one portfolio order, in the next of the lanes."""
        lane = self.portfolio_orders % LANES
        self.portfolio_orders += 1
        self.positions[lane] += 1
        account = AccountId(in_slot(self.ids.new_id(), lane))
        parent = parent_order_id(self.ids.new_id(), now, account)
        ids = event_ids(self.ids.new_id(), now, size, lane)
        orders = [order_id(parent, leg) for leg in range(1, size + 1)]
        written_at = write_time(now)
        frames = [
            msgspec.json.encode(
                EventResource(
                    event_id, written_at, "ORDER.FILLED", number, parent, 1, filled_order(order, parent, account, now)
                )
            )
            for number, (event_id, order) in enumerate(zip(ids, orders, strict=True), 1)
        ]
        return Segment(
            lane=lane,
            position=self.positions[lane],
            created_at=now,
            epoch=1,
            client_id=self.client_id,
            subject_id=SubjectId(account),
            parent_id=parent,
            message_id=self.positions[lane],
            topics=["ORDER"],
            ids=ids,
            types=["ORDER.FILLED"] * size,
            sequences=list(range(1, size + 1)),
            order_ids=orders,
            payload=b"\n".join(frames),
        )


def _parts(count: int, each: int) -> Iterator[int]:
    for begun in range(0, count, each):
        yield min(each, count - begun)


def filled_order(order: OrderId, parent: ParentOrderId, account: AccountId, now: datetime) -> OrderResource:
    """An individual order with one execution, as large as they are."""
    written_at = write_time(now)
    execution = ExecutionResource(
        id=order,
        order_id=order,
        side="BUY",
        cash_amount="123.45",
        share_quantity="1.2345678901",
        price="99.9973",
        currency="EUR",
        transaction_time=written_at,
        settlement_date=written_at[:10],
        status="FILLED",
        taxes=[],
        venue_id=parent,
        venue="SIMULATED",
    )
    return OrderResource(
        id=order,
        created_at=written_at,
        updated_at=written_at,
        user_id=account,
        account_id=account,
        side="BUY",
        instrument_id="IE00B4L5Y983",
        instrument_id_type="ISIN",
        order_type="MARKET",
        cash_amount="123.45",
        quantity="0",
        currency="EUR",
        limit_price="",
        stop_price="",
        fee="0",
        status="FILLED",
        client_reference=parent,
        initiation_flow="PORTFOLIO",
        executions=[execution],
    )
