"""A large database: parent orders by the hundred thousand, with all that belongs to them in proportion."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg

from orderlane.domain.ids import ParentOrderId, VenueId, order_id
from orderlane.domain.order import Execution, ExecutionStatus, Order, OrderStatus, Side
from orderlane.domain.parent_order import ParentKind, ParentOrder
from orderlane.domain.portfolio_order import InitiationFlow, PortfolioOrderStatus, PortfolioOrderType
from orderlane.postgres.segments import compress
from orderlane.postgres.tables.parent_orders import changed_arrays

LANE_COUNT = 64
ACCOUNTS_MAX = 10_000
FIRST_DAY, DAYS = date(2026, 6, 1), 31
PAYLOAD = b'{"id": "an event", "type": "ORDER.NEW", "object": {}}\n' * 3

_NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)
_ID = "019eb100-0000-7000-8000-000000000005"


def statements(name: str) -> dict[str, str]:
    """The statements of an SQL file beside this module, by name and in their order."""
    text = Path(__file__).with_name(name).read_text()
    parts = (part.partition(": ") for part in text.removeprefix("-- ").split("\n\n-- "))
    return {key: sql.partition("\n")[2] for key, _, sql in parts}


async def fill(connection: asyncpg.Connection, parents: int) -> None:
    """Fill a migrated database of 64 lanes that holds nothing yet, and have the planner know it."""
    for day in range(DAYS):
        await connection.execute("SELECT make_event_partition($1)", FIRST_DAY + timedelta(days=day))
    await connection.execute("SET synchronous_commit = off")
    await connection.execute("SET maintenance_work_mem = '1GB'")
    await connection.execute("SET work_mem = '256MB'")
    async with connection.transaction(), indexed_afterwards(connection):
        await unlog(connection)
        for name, sql in statements("filling.sql").items():
            await connection.execute(sql, *parameters(name, parents))
    await connection.execute("SET default_statistics_target = 20")
    await connection.execute("ANALYZE")


async def unlog(connection: asyncpg.Connection) -> None:
    """Save the writing of a log: plans do not depend on it."""
    for row in await connection.fetch(statements("support.sql")["unlogged"]):
        await connection.execute(row["statement"])


def parameters(name: str, parents: int) -> tuple[Any, ...]:
    match name:
        case "made_accounts":
            return (min(ACCOUNTS_MAX, parents // 10),)
        case "made_parents":
            return (parents,)
        case "made_documents":
            return tuple(document(status) for status in (OrderStatus.PROCESSING, OrderStatus.FILLED))
        case "events":
            return len(PAYLOAD), compress(PAYLOAD)
        case _:
            return ()


@asynccontextmanager
async def indexed_afterwards(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Drop the keys and indexes of the largest tables, and make them again when the rows are there."""
    rows = await connection.fetch(statements("support.sql")["indexes"])
    for row in rows:
        await connection.execute(row["drop"])
    yield
    for row in rows:
        await connection.execute(row["make"])


def document(status: OrderStatus) -> bytes:
    """The individual orders of one parent order as they are stored."""
    parent = ParentOrder(
        id=ParentOrderId(_ID),
        kind=ParentKind.PORTFOLIO,
        client_id=_ID,
        user_id=_ID,
        account_id=_ID,
        allocation_id=None,
        cash_amount=Decimal(100),
        currency="EUR",
        type=PortfolioOrderType.BUY,
        status=PortfolioOrderStatus.PROCESSING,
        post_tax=False,
        client_reference="",
        initiation_flow=InitiationFlow.API,
        created_at=_NOW,
        updated_at=_NOW,
        orders=tuple(individual_orders(status)),
    )
    columns = changed_arrays([parent], LANE_COUNT)
    return next(value for (value,) in columns if isinstance(value, bytes))


def individual_orders(status: OrderStatus) -> Iterator[Order]:
    for leg in range(1, 11):
        yield Order(
            id=order_id(ParentOrderId(_ID), leg),
            side=Side.BUY,
            isin="DE0007164600",
            venue_id=VenueId(_ID),
            venue="SIMULATED",
            cash_amount=Decimal(50),
            locked=Decimal(50) if status == OrderStatus.PROCESSING else Decimal(0),
            reference_price=Decimal(10),
            fractional=True,
            status=status,
            created_at=_NOW,
            updated_at=_NOW,
            executions=(execution(),) if status == OrderStatus.FILLED else (),
        )


def execution() -> Execution:
    return Execution(
        id=_ID,
        cash_amount=Decimal(50),
        share_quantity=Decimal(5),
        price=Decimal(10),
        transaction_time=_NOW,
        settlement_date=date(2026, 6, 12),
        status=ExecutionStatus.SETTLED,
        venue_execution_id="0123456789",
        created_at=_NOW,
    )
