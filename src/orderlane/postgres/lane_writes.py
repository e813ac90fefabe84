"""Writing what a batch led to: inserts by COPY, changes by one set-based statement for each table."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec.json import encode

from orderlane.domain.account import Holding
from orderlane.domain.order import Execution, Order
from orderlane.domain.portfolio_order import PortfolioOrder
from orderlane.ports.lanes import Changes, LaneHead
from orderlane.postgres.connection import Connection, StatementCount
from orderlane.postgres.queries import queries

_SQL = queries("lane_store")

_EVENT_COLUMNS = (
    "lane", "position", "id", "type", "created_at", "client_id", "account_id", "portfolio_order_id", "sequence",
    "payload",
)  # fmt: skip
_ORDER_COLUMNS = (
    "id", "lane", "portfolio_order_id", "account_id", "user_id", "leg", "side", "isin", "cash_amount", "quantity",
    "locked", "currency", "reference_price", "fractional", "fee", "status", "cancellation_reason", "initiation_flow",
    "reported_quantity", "created_at", "updated_at",
)  # fmt: skip
_EXECUTION_COLUMNS = (
    "id", "lane", "order_id", "portfolio_order_id", "account_id", "isin", "side", "cash_amount", "share_quantity",
    "price", "currency", "transaction_time", "settlement_date", "status", "venue_id", "venue_execution_id",
    "created_at",
)  # fmt: skip
_JOURNAL_COLUMNS = (
    "lane", "account_id", "asset", "asset_type", "quantity", "locked", "pending", "reason", "message_id", "created_at",
    "portfolio_order_id", "order_id", "execution_id", "deposit_id",
)  # fmt: skip
_OUTBOX_COLUMNS = ("lane", "account_id", "order_id", "payload")


class LaneWriter:
    """Writes one batch in the caller's transaction."""

    def __init__(self, connection: Connection, count: StatementCount) -> None:
        self._connection = connection
        self._count = count

    async def write(self, changes: Changes) -> None:
        """Write everything, each row once."""
        await self._connection.execute(_SQL["delete_messages"], changes.applied)
        await self._write_cash_and_units(changes)
        await self._write_orders(changes)
        await self._write_events(changes)

    async def _write_cash_and_units(self, changes: Changes) -> None:
        lanes = changes.lanes
        await self._copy("journal_entries", _JOURNAL_COLUMNS, [
            (lanes[one.account_id], one.account_id, one.asset, one.asset_type, one.quantity, one.locked, one.pending,
             one.reason, one.message_id, one.created_at, one.portfolio_order_id, one.order_id, one.execution_id,
             one.deposit_id)
            for one in changes.journal
        ])  # fmt: skip
        if changes.holdings:
            await self._connection.execute(_SQL["write_holdings"], *_holding_arrays(changes.holdings, lanes))

    async def _write_orders(self, changes: Changes) -> None:
        lanes = changes.lanes
        await self._copy("orders", _ORDER_COLUMNS, [_order_row(one, lanes) for one in changes.new_orders])
        await self._copy(
            "executions", _EXECUTION_COLUMNS, [_execution_row(one, lanes) for one in changes.new_executions]
        )
        await self._copy("venue_outbox", _OUTBOX_COLUMNS, [
            (one.lane, one.account_id, one.order_id, encode(one).decode()) for one in changes.sends
        ])  # fmt: skip
        execute = self._connection.execute
        if changes.portfolio_orders:
            await execute(_SQL["change_portfolio_orders"], *_portfolio_order_arrays(changes.portfolio_orders, lanes))
        if changes.changed_orders:
            await execute(_SQL["change_orders"], *_order_arrays(changes.changed_orders, lanes))
        if changes.changed_executions:
            await execute(_SQL["change_executions"], *_execution_arrays(changes.changed_executions, lanes))

    async def _write_events(self, changes: Changes) -> None:
        if not changes.events:
            return
        await self._connection.execute(_SQL["move_heads"], *_head_arrays(changes.heads))
        await self._copy("events", _EVENT_COLUMNS, [
            (one.lane, one.position, one.id, one.type, one.created_at, one.client_id, one.account_id,
             one.portfolio_order_id, one.sequence, one.payload)
            for one in changes.events
        ])  # fmt: skip

    async def _copy(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            self._count.observe(table)
            await self._connection.copy_records_to_table(table, columns=columns, records=rows)


def _order_row(one: Order, lanes: Mapping[UUID, int]) -> tuple[Any, ...]:
    return (
        one.id, lanes[one.account_id], one.portfolio_order_id, one.account_id, one.user_id, one.leg, one.side, one.isin,
        one.cash_amount, one.quantity, one.locked, one.currency, one.reference_price, one.fractional, one.fee,
        one.status, one.cancellation_reason, one.initiation_flow, one.reported_quantity, one.created_at, one.updated_at,
    )  # fmt: skip


def _execution_row(one: Execution, lanes: Mapping[UUID, int]) -> tuple[Any, ...]:
    return (
        one.id, lanes[one.account_id], one.order_id, one.portfolio_order_id, one.account_id, one.isin, one.side,
        one.cash_amount, one.share_quantity, one.price, one.currency, one.transaction_time, one.settlement_date,
        one.status, one.venue_id, one.venue_execution_id, one.created_at,
    )  # fmt: skip


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True))


def _holding_arrays(holdings: Iterable[Holding], lanes: Mapping[UUID, int]) -> list[tuple[Any, ...]]:
    return _columns(
        (one.account_id, lanes[one.account_id], one.asset, one.asset_type, one.quantity, one.locked, one.pending)
        for one in holdings
    )


def _portfolio_order_arrays(changed: Iterable[PortfolioOrder], lanes: Mapping[UUID, int]) -> list[tuple[Any, ...]]:
    return _columns(
        (
            one.id,
            lanes[one.account_id],
            one.status,
            one.cancellation_reason,
            one.cancellation_details,
            one.sequence,
            one.updated_at,
        )
        for one in changed
    )


def _order_arrays(changed: Iterable[Order], lanes: Mapping[UUID, int]) -> list[tuple[Any, ...]]:
    return _columns(
        (one.id, lanes[one.account_id], one.status, one.cancellation_reason, one.reported_quantity, one.updated_at)
        for one in changed
    )


def _execution_arrays(changed: Iterable[Execution], lanes: Mapping[UUID, int]) -> list[tuple[Any, ...]]:
    return _columns((one.id, lanes[one.account_id], one.status) for one in changed)


def _head_arrays(heads: Mapping[int, LaneHead]) -> list[tuple[Any, ...]]:
    return _columns((lane, head.position, head.last_event_at) for lane, head in heads.items())
