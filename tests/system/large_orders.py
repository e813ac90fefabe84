"""Filled portfolio orders of many legs, put into a running service's database at once."""

from datetime import UTC, date, datetime
from decimal import Decimal

import asyncpg
import msgspec

from orderlane.domain.ids import (
    AccountId,
    ExecutionId,
    ParentOrderId,
    VenueId,
    in_slot,
    order_id,
    parent_order_id,
    slot_of,
)
from orderlane.domain.order import Execution, ExecutionStatus, Order, OrderStatus, Side
from orderlane.postgres.connection import connect
from orderlane.sources import system_sources
from tests.system.investors import Investor

MADE_AT = datetime(2026, 6, 10, 12, tzinfo=UTC)
VENUE = VenueId("019eb100-0000-7000-8000-000000000005")

INSERT = """
INSERT INTO parent_orders (
    lane, id, kind, client_id, user_id, account_id, cash_amount, currency, type, status, post_tax, client_reference,
    initiation_flow, wave, sequence, legs_filled, settles_on, legs, created_at, updated_at
)
SELECT lane, made.id, 'PORTFOLIO', client_id, user_id, account.id, 50 * $2, 'EUR', 'BUY', 'FILLED', false, '', 'API', 1,
    1, $2, '2099-01-01', made.legs, made.at, made.at
FROM unnest($3::uuid[], $4::bytea[], $5::timestamptz[]) AS made (id, legs, at), accounts AS account
WHERE account.id = $1
"""


async def add_filled(dsn: str, investor: Investor, portfolio_orders: int, legs: int) -> None:
    """Give an account filled portfolio orders, each with an execution for every leg."""
    new_id, account = system_sources().ids.new_id, AccountId(str(investor.account_id))
    ids = [parent_order_id(new_id(), MADE_AT, account) for _ in range(portfolio_orders)]
    documents = [document(portfolio_order_id, legs) for portfolio_order_id in ids]
    connection = await connect(dsn, "tests")
    try:
        await insert(connection, account, legs, ids, documents)
    finally:
        await connection.close()


async def insert(
    connection: asyncpg.Connection, account: AccountId, legs: int, ids: list[ParentOrderId], documents: list[bytes]
) -> None:
    times = [MADE_AT] * len(ids)
    for first in range(0, len(ids), 50):
        some = slice(first, first + 50)
        await connection.execute(INSERT, account, legs, ids[some], documents[some], times[some])


def document(parent: ParentOrderId, legs: int) -> bytes:
    """The individual orders of a portfolio order as they are stored."""
    return msgspec.json.encode([filled_order(parent, leg) for leg in range(1, legs + 1)])


def filled_order(parent: ParentOrderId, leg: int) -> Order:
    return Order(
        id=order_id(parent, leg),
        side=Side.BUY,
        isin="DE0007164600",
        venue_id=VENUE,
        venue="SIMULATED",
        cash_amount=Decimal("50.00"),
        locked=Decimal(0),
        reference_price=Decimal("10.00"),
        fractional=True,
        status=OrderStatus.FILLED,
        created_at=MADE_AT,
        updated_at=MADE_AT,
        executions=(execution(parent, leg),),
    )


def execution(parent: ParentOrderId, leg: int) -> Execution:
    return Execution(
        id=ExecutionId(in_slot(f"019eb100-0000-8000-8000-{leg:012x}", slot_of(parent))),
        cash_amount=Decimal("50.00"),
        share_quantity=Decimal(5),
        price=Decimal("10.00"),
        transaction_time=MADE_AT,
        settlement_date=date(2099, 1, 1),
        status=ExecutionStatus.FILLED,
        venue_execution_id=f"execution {leg}",
        created_at=MADE_AT,
    )
