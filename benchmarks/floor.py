"""The floor: the rows that a run has written, written once more with plain COPY into the same tables, and nothing else.

No service, no HTTP, no venue, no webhook: one Python process, one connection, one transaction for every few hundred
portfolio orders. What the service needs beyond that is the price of everything that it does.
"""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from benchmarks.database import MeasuredDatabase
from orderlane.postgres.connection import Connection, connect
from orderlane.postgres.migrate import NewInstallation, migrate

DATABASE = "floor"
PORTFOLIO_ORDERS_MAX = 5000
PORTFOLIO_ORDERS_AT_ONCE = 400
TABLES = {
    "parent_orders": "id",
    "events": "parent_id",
    "journal": "parent_id",
}
"""The tables, each with the column that names the portfolio order."""


class Floor(Struct, frozen=True):
    """What plain COPY reached."""

    portfolio_orders: int
    rows: dict[str, int]
    seconds: float
    portfolio_orders_per_second: float


Rows = dict[str, tuple[list[str], dict[str, list[tuple[Any, ...]]]]]


async def measure_floor(database: MeasuredDatabase, portfolio_order_ids: Sequence[str], currency: str) -> Floor:
    """Copy the rows of these portfolio orders into a fresh database of the same server."""
    chosen = portfolio_order_ids[:PORTFOLIO_ORDERS_MAX]
    rows = {table: await _read(database.connection, table, key, chosen) for table, key in TABLES.items()}
    await database.connection.execute(f"CREATE DATABASE {DATABASE}")
    connection = await connect(database.dsn_of_database(DATABASE), "floor")
    try:
        await migrate(connection, NewInstallation(lane_count=64, currency=currency), datetime.now().astimezone())
        began = time.perf_counter()
        for start in range(0, len(chosen), PORTFOLIO_ORDERS_AT_ONCE):
            await _write(connection, rows, chosen[start : start + PORTFOLIO_ORDERS_AT_ONCE])
        seconds = time.perf_counter() - began
    finally:
        await connection.close()
    counts = {table: sum(map(len, by_id.values())) for table, (_, by_id) in rows.items()}
    return Floor(len(chosen), counts, seconds, len(chosen) / seconds)


async def _read(
    connection: Connection, table: str, key: str, ids: Sequence[str]
) -> tuple[list[str], dict[str, list[tuple[Any, ...]]]]:
    columns = [
        row["attname"]
        for row in await connection.fetch(
            "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped "
            "AND attidentity = '' ORDER BY attnum",
            table,
        )
    ]
    by_id: dict[str, list[tuple[Any, ...]]] = {}
    for row in await connection.fetch(f"SELECT {', '.join(columns)} FROM {table} WHERE {key} = ANY ($1::uuid[])", ids):
        by_id.setdefault(str(row[key]), []).append(tuple(row))
    return columns, by_id


async def _write(connection: Connection, rows: Rows, batch: Sequence[str]) -> None:
    async with connection.transaction():
        for table, (columns, by_id) in rows.items():
            records = [row for order_id in batch for row in by_id.get(order_id, ())]
            await connection.copy_records_to_table(table, columns=columns, records=records)
