"""Portfolio orders, individual orders and executions as JSON."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from msgspec import Struct

from orderlane.domain.money import plain, total
from orderlane.domain.order import Execution, Order, OrderStatus, Side
from orderlane.domain.portfolio_order import PortfolioOrder
from orderlane.resources.formats import write_amount, write_time
from orderlane.resources.requests import CurrencyCode, DecimalText, RequestBody, Text


class PortfolioOrderRequest(RequestBody, frozen=True):
    """An order for a whole portfolio: `cash_amount` of `currency`, over the allocation of the account."""

    user_id: UUID
    account_id: UUID
    cash_amount: DecimalText
    currency: CurrencyCode
    side: Side
    post_tax: bool = False
    client_reference: Text = ""


class OrderReference(Struct, frozen=True):
    """An individual order as its portfolio order lists it; `state` repeats `status`."""

    id: UUID
    side: str
    status: str
    state: str


class PortfolioOrderResource(Struct, frozen=True):
    """A portfolio order with its individual orders."""

    id: UUID
    created_at: str
    updated_at: str
    user_id: UUID
    account_id: UUID
    allocation_id: UUID | None
    cash_amount: str
    currency: str
    type: str
    status: str
    post_tax: bool
    client_reference: str
    initiation_flow: str
    orders: list[OrderReference]
    cancellation_reason: str | None
    cancellation_details: str
    executed_cash_amount: str
    remaining_cash_amount: str


class Tax(Struct, frozen=True):
    """A tax withheld from an execution."""

    type: str
    amount: str


class ExecutionResource(Struct, frozen=True):
    """A trade at the venue."""

    id: UUID
    order_id: UUID
    side: str
    cash_amount: str
    share_quantity: str
    price: str
    currency: str
    transaction_time: str
    settlement_date: str
    status: str
    taxes: list[Tax]
    venue_id: str


class OrderResource(Struct, frozen=True):
    """An individual order with its executions; `client_reference` is the id of its portfolio order."""

    id: UUID
    created_at: str
    updated_at: str
    user_id: UUID
    account_id: UUID
    side: str
    instrument_id: str
    instrument_id_type: str
    order_type: str
    cash_amount: str
    quantity: str
    currency: str
    limit_price: str
    stop_price: str
    fee: str
    status: str
    cancellation_reason: str | None
    client_reference: UUID
    initiation_flow: str
    executions: list[ExecutionResource]


def portfolio_order_resource(one: PortfolioOrder, orders: Sequence[Order]) -> PortfolioOrderResource:
    """A portfolio order as JSON, with what its `orders` have executed so far."""
    executed = total(order.executed_cash_amount for order in orders)
    return PortfolioOrderResource(
        id=one.id,
        created_at=write_time(one.created_at),
        updated_at=write_time(one.updated_at),
        user_id=one.user_id,
        account_id=one.account_id,
        allocation_id=one.allocation_id,
        cash_amount=write_amount(one.cash_amount, one.currency),
        currency=one.currency,
        type=one.type,
        status=one.status,
        post_tax=one.post_tax,
        client_reference=one.client_reference,
        initiation_flow=one.initiation_flow,
        orders=[OrderReference(order.id, order.side, order.status, order.status) for order in orders],
        cancellation_reason=one.cancellation_reason,
        cancellation_details=one.cancellation_details,
        executed_cash_amount=write_amount(executed, one.currency),
        remaining_cash_amount=write_amount(max(one.cash_amount - executed, Decimal(0)), one.currency),
    )


def order_resource(one: Order) -> OrderResource:
    """An individual order as JSON. Its reason shows once it is cancelled: a venue may give it before its executions."""
    return OrderResource(
        id=one.id,
        created_at=write_time(one.created_at),
        updated_at=write_time(one.updated_at),
        user_id=one.user_id,
        account_id=one.account_id,
        side=one.side,
        instrument_id=one.isin,
        instrument_id_type="ISIN",
        order_type="MARKET",
        cash_amount=write_amount(one.cash_amount, one.currency) if one.cash_amount else "0",
        quantity=plain(one.quantity),
        currency=one.currency,
        limit_price="",
        stop_price="",
        fee=plain(one.fee),
        status=one.status,
        cancellation_reason=one.cancellation_reason if one.status is OrderStatus.CANCELLED else None,
        client_reference=one.portfolio_order_id,
        initiation_flow=one.initiation_flow,
        executions=[execution_resource(execution) for execution in one.executions],
    )


def execution_resource(one: Execution) -> ExecutionResource:
    """An execution as JSON."""
    return ExecutionResource(
        id=one.id,
        order_id=one.order_id,
        side=one.side,
        cash_amount=write_amount(one.cash_amount, one.currency),
        share_quantity=plain(one.share_quantity),
        price=plain(one.price),
        currency=one.currency,
        transaction_time=write_time(one.transaction_time),
        settlement_date=one.settlement_date.isoformat(),
        status=one.status,
        taxes=[],
        venue_id=one.venue_id,
    )
