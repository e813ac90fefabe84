"""Portfolio orders, individual orders and executions as JSON."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from msgspec import UNSET, Struct, UnsetType

from orderlane.domain.listed_order import ListedPortfolioOrder
from orderlane.domain.money import plain, subtract, total
from orderlane.domain.order import Execution, Order, OrderStatus, Side
from orderlane.domain.parent_order import ParentOrder
from orderlane.resources.formats import Uuid, write_amount, write_time
from orderlane.resources.reasons import told_order_reason, told_reason
from orderlane.resources.requests import AccountIdText, AmountText, CurrencyCode, RequestBody, Text, UserIdText


class PortfolioOrderRequest(RequestBody, frozen=True):
    """An order for a whole portfolio: `cash_amount` of `currency`, over the allocation of the account."""

    user_id: UserIdText
    account_id: AccountIdText
    cash_amount: AmountText
    currency: CurrencyCode
    side: Side
    post_tax: bool = False
    client_reference: Text = ""


class OrderReference(Struct, frozen=True):
    """An individual order as its portfolio order lists it; `state` repeats `status`."""

    id: Uuid
    side: str
    status: str
    state: str


class PortfolioOrderResource(Struct, frozen=True, kw_only=True):
    """A portfolio order with its individual orders. What there is none of is absent: allocation, reason and details."""

    id: Uuid
    created_at: str
    updated_at: str
    user_id: Uuid
    account_id: Uuid
    allocation_id: Uuid | UnsetType = UNSET
    cash_amount: str
    currency: str
    type: str
    status: str
    post_tax: bool
    client_reference: str
    initiation_flow: str
    orders: list[OrderReference]
    cancellation_reason: str | UnsetType = UNSET
    cancellation_details: str | UnsetType = UNSET
    executed_cash_amount: str
    remaining_cash_amount: str


class Tax(Struct, frozen=True):
    """A tax withheld from an execution."""

    type: str
    amount: str


class ExecutionResource(Struct, frozen=True):
    """A trade at the venue."""

    id: Uuid
    order_id: Uuid
    side: str
    cash_amount: str
    share_quantity: str
    price: str
    currency: str
    transaction_time: str
    settlement_date: str
    status: str
    taxes: list[Tax]
    venue_id: Uuid
    venue: str


class OrderResource(Struct, frozen=True, kw_only=True):
    """An individual order with its executions; `client_reference` is the id of its portfolio order.

    `cancellation_reason` is absent while there is none.
    """

    id: Uuid
    created_at: str
    updated_at: str
    user_id: Uuid
    account_id: Uuid
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
    cancellation_reason: str | UnsetType = UNSET
    client_reference: Uuid
    initiation_flow: str
    executions: list[ExecutionResource]


class _Leg(Protocol):
    """What a portfolio order shows of an individual order."""

    @property
    def id(self) -> str: ...
    @property
    def side(self) -> Side: ...
    @property
    def status(self) -> OrderStatus: ...
    @property
    def executed_cash_amount(self) -> Decimal: ...


def portfolio_order_resource(parent: ParentOrder, *, official_reasons: bool) -> PortfolioOrderResource:
    """A portfolio order as JSON, with what its individual orders have executed so far.

    `official_reasons`: its client is told reasons in the public API's words.
    """
    return _portfolio_order_resource(parent, parent.orders, official_reasons)


def listed_portfolio_order_resource(listed: ListedPortfolioOrder, *, official_reasons: bool) -> PortfolioOrderResource:
    """A portfolio order of a list as JSON: the same as when it is read alone."""
    return _portfolio_order_resource(listed.parent, listed.orders, official_reasons)


def _portfolio_order_resource(
    parent: ParentOrder, legs: Sequence[_Leg], official_reasons: bool
) -> PortfolioOrderResource:
    executed = total(leg.executed_cash_amount for leg in legs)
    remaining = max(subtract(parent.cash_amount, executed), Decimal(0))
    return PortfolioOrderResource(
        id=parent.id,
        created_at=write_time(parent.created_at),
        updated_at=write_time(parent.updated_at),
        user_id=parent.user_id,
        account_id=parent.account_id,
        allocation_id=parent.allocation_id or UNSET,
        cash_amount=write_amount(parent.cash_amount, parent.currency),
        currency=parent.currency,
        type=parent.type,
        status=parent.status,
        post_tax=parent.post_tax,
        client_reference=parent.client_reference,
        initiation_flow=parent.initiation_flow,
        orders=[OrderReference(leg.id, leg.side, leg.status, leg.status) for leg in legs],
        cancellation_reason=told_reason(parent.cancellation_reason, official=official_reasons),
        cancellation_details=parent.cancellation_details if parent.cancellation_reason else UNSET,
        executed_cash_amount=write_amount(executed, parent.currency),
        remaining_cash_amount=write_amount(remaining, parent.currency),
    )


def order_resource(parent: ParentOrder, order: Order, *, official_reasons: bool) -> OrderResource:
    """An individual order as JSON. Its reason shows once it is cancelled: a venue may give it before its executions."""
    reason = order.cancellation_reason if order.status is OrderStatus.CANCELLED else None
    return OrderResource(
        id=order.id,
        created_at=write_time(order.created_at),
        updated_at=write_time(order.updated_at),
        user_id=parent.user_id,
        account_id=parent.account_id,
        side=order.side,
        instrument_id=order.isin,
        instrument_id_type="ISIN",
        order_type="MARKET",
        cash_amount=write_amount(order.cash_amount, parent.currency) if order.cash_amount else "0",
        quantity=plain(order.quantity),
        currency=parent.currency,
        limit_price="",
        stop_price="",
        fee=plain(order.fee),
        status=order.status,
        cancellation_reason=told_order_reason(reason, official=official_reasons),
        client_reference=parent.id,
        initiation_flow=order.initiation_flow,
        executions=[execution_resource(parent, order, trade) for trade in order.executions],
    )


def execution_resource(parent: ParentOrder, order: Order, trade: Execution) -> ExecutionResource:
    """An execution as JSON; `venue` is the name of the venue whose id is `venue_id`."""
    return ExecutionResource(
        id=trade.id,
        order_id=order.id,
        side=order.side,
        cash_amount=write_amount(trade.cash_amount, parent.currency),
        share_quantity=plain(trade.share_quantity),
        price=plain(trade.price),
        currency=parent.currency,
        transaction_time=write_time(trade.transaction_time),
        settlement_date=trade.settlement_date.isoformat(),
        status=trade.status,
        taxes=[],
        venue_id=order.venue_id,
        venue=order.venue,
    )
