"""Events to be delivered, written as lane workers write them: real payloads, numbered, committed with their lanes."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import msgspec

from orderlane.postgres.connection import NOTIFY_EVENTS
from orderlane.postgres.wakeups import notify
from orderlane.resources.events import EventResource
from orderlane.resources.formats import write_time
from orderlane.resources.orders import ExecutionResource, OrderResource

LANES = 64
PORTFOLIO_ORDER_EVENTS = 43
COLUMNS = (
    "lane", "position", "id", "type", "created_at", "client_id", "account_id", "portfolio_order_id", "sequence",
    "payload",
)  # fmt: skip
MOVE_LANES = (
    "UPDATE lanes SET position = head.position, last_event_at = $3 "
    "FROM unnest($1::smallint[], $2::bigint[]) AS head (lane, position) WHERE lanes.lane = head.lane"
)


@dataclass
class EventWriter:
    """Writes events of one client, those of a portfolio order together, the lanes in turn."""

    connection: asyncpg.Connection
    client_id: UUID
    positions: list[int] = field(default_factory=lambda: [0] * LANES)
    portfolio_orders: int = 0

    async def write(self, count: int, each: int = PORTFOLIO_ORDER_EVENTS) -> None:
        """Write `count` events in one transaction, `each` in a row for the same portfolio order."""
        now = datetime.now(UTC)
        rows = [row for size in _parts(count, each) for row in self._portfolio_order(size, now)]
        async with self.connection.transaction():
            await self.connection.copy_records_to_table("events", records=rows, columns=COLUMNS)
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

    def _portfolio_order(self, size: int, now: datetime) -> Iterator[tuple[object, ...]]:
        lane = self.portfolio_orders % LANES
        self.portfolio_orders += 1
        portfolio_order_id, account_id = uuid4(), uuid4()
        for sequence in range(1, size + 1):
            self.positions[lane] += 1
            event_id = uuid4()
            event = EventResource(
                event_id,
                write_time(now),
                "ORDER.FILLED",
                sequence,
                portfolio_order_id,
                filled_order(portfolio_order_id, account_id, write_time(now)),
            )
            payload = msgspec.json.encode(event)
            place = (lane, self.positions[lane], event_id, "ORDER.FILLED", now)
            yield (*place, self.client_id, account_id, portfolio_order_id, sequence, payload)


def _parts(count: int, each: int) -> Iterator[int]:
    for begun in range(0, count, each):
        yield min(each, count - begun)


def filled_order(portfolio_order_id: UUID, account_id: UUID, now: str) -> OrderResource:
    """An individual order with one execution, as large as they are."""
    order_id = uuid4()
    execution = ExecutionResource(
        id=uuid4(),
        order_id=order_id,
        side="BUY",
        cash_amount="123.45",
        share_quantity="1.2345678901",
        price="99.9973",
        currency="EUR",
        transaction_time=now,
        settlement_date=now[:10],
        status="FILLED",
        taxes=[],
        venue_id="simulated",
    )
    return OrderResource(
        id=order_id,
        created_at=now,
        updated_at=now,
        user_id=uuid4(),
        account_id=account_id,
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
        cancellation_reason=None,
        client_reference=portfolio_order_id,
        initiation_flow="PORTFOLIO",
        executions=[execution],
    )
