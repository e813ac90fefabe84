"""Rows of the lane tables and of the master data as entities of the domain, for every store alike."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol
from uuid import UUID

from orderlane.domain.account import Account, AccountStatus, AccountType, AssetType, Distribution, Holding
from orderlane.domain.allocation import Allocation, Weight
from orderlane.domain.instruments import Instrument, TradingStatus
from orderlane.domain.order import (
    Execution,
    ExecutionStatus,
    Order,
    OrderCancellationReason,
    OrderInitiationFlow,
    OrderStatus,
    Side,
)
from orderlane.domain.portfolio_order import (
    CancellationReason,
    InitiationFlow,
    PortfolioOrder,
    PortfolioOrderStatus,
    PortfolioOrderType,
)


class Row(Protocol):
    """A row by the names of its columns."""

    def __getitem__(self, column: str, /) -> Any:
        """The value of a column."""
        ...


def account_from(row: Row) -> Account:
    """An account from a row of `accounts`."""
    return Account(
        row["id"],
        row["lane"],
        row["client_id"],
        row["user_id"],
        row["account_group_id"],
        AccountType(row["type"]),
        AccountStatus(row["status"]),
        row["name"],
        row["currency"],
        Distribution(row["distribution"]),
        row["created_at"],
        row["updated_at"],
    )


def holding_from(row: Row) -> Holding:
    """A holding from a row of `holdings`."""
    return Holding(
        row["account_id"],
        row["asset"],
        AssetType(row["asset_type"]),
        row["quantity"],
        row["locked"],
        row["pending"],
    )


def portfolio_order_from(row: Row, order_ids: Iterable[UUID] = ()) -> PortfolioOrder:
    """A portfolio order from a row of `portfolio_orders`; `order_ids` in the order of their legs."""
    reason = row["cancellation_reason"]
    return PortfolioOrder(
        id=row["id"],
        client_id=row["client_id"],
        user_id=row["user_id"],
        account_id=row["account_id"],
        allocation_id=row["allocation_id"],
        cash_amount=row["cash_amount"],
        currency=row["currency"],
        type=PortfolioOrderType(row["type"]),
        status=PortfolioOrderStatus(row["status"]),
        post_tax=row["post_tax"],
        client_reference=row["client_reference"],
        initiation_flow=InitiationFlow(row["initiation_flow"]),
        cancellation_reason=None if reason is None else CancellationReason(reason),
        cancellation_details=row["cancellation_details"],
        sequence=row["sequence"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        order_ids=tuple(order_ids),
    )


def order_from(row: Row, executions: Iterable[Execution] = ()) -> Order:
    """An individual order from a row of `orders`; `executions` in the order in which they were booked."""
    reason = row["cancellation_reason"]
    return Order(
        id=row["id"],
        portfolio_order_id=row["portfolio_order_id"],
        account_id=row["account_id"],
        user_id=row["user_id"],
        leg=row["leg"],
        side=Side(row["side"]),
        isin=row["isin"],
        cash_amount=row["cash_amount"],
        quantity=row["quantity"],
        locked=row["locked"],
        currency=row["currency"],
        reference_price=row["reference_price"],
        fractional=row["fractional"],
        fee=row["fee"],
        status=OrderStatus(row["status"]),
        cancellation_reason=None if reason is None else OrderCancellationReason(reason),
        initiation_flow=OrderInitiationFlow(row["initiation_flow"]),
        reported_quantity=row["reported_quantity"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        executions=tuple(executions),
    )


def execution_from(row: Row) -> Execution:
    """An execution from a row of `executions`."""
    return Execution(
        row["id"],
        row["order_id"],
        row["portfolio_order_id"],
        row["account_id"],
        row["isin"],
        Side(row["side"]),
        row["cash_amount"],
        row["share_quantity"],
        row["price"],
        row["currency"],
        row["transaction_time"],
        row["settlement_date"],
        ExecutionStatus(row["status"]),
        row["venue_id"],
        row["venue_execution_id"],
        row["created_at"],
    )


def orders_from(order_rows: Iterable[Row], execution_rows: Iterable[Row]) -> dict[UUID, list[Order]]:
    """Individual orders with their executions, by portfolio order. The order of both kinds of rows is kept."""
    executions: dict[UUID, list[Execution]] = {}
    for row in execution_rows:
        executions.setdefault(row["order_id"], []).append(execution_from(row))
    orders: dict[UUID, list[Order]] = {}
    for row in order_rows:
        order = order_from(row, executions.get(row["id"], ()))
        orders.setdefault(order.portfolio_order_id, []).append(order)
    return orders


def instrument_from(row: Row) -> Instrument:
    """An instrument from a row of `instruments`."""
    return Instrument(
        row["isin"],
        row["name"],
        row["currency"],
        row["minimum_amount"],
        row["fractional"],
        TradingStatus(row["trading_status"]),
        row["price"],
    )


def weight_from(row: Row) -> Weight:
    """One entry of an allocation from a row of `allocation_weights`."""
    return Weight(row["isin"], row["weight"])


def allocation_from(row: Row, weights: Sequence[Weight]) -> Allocation:
    """An allocation from a row of `allocations` and its entries."""
    return Allocation(
        row["id"],
        row["client_id"],
        row["name"],
        tuple(weights),
        row["created_at"],
        row["updated_at"],
    )
