"""Executions whose settlement date has come: what was pending is there, and the portfolio order with it."""

from datetime import date

from msgspec import Struct

from orderlane.domain.account import AssetType, Posting, PostingReason
from orderlane.domain.decision import Decision, ParentChange
from orderlane.domain.ids import ParentOrderId
from orderlane.domain.lane.message import MessageKind
from orderlane.domain.money import negate
from orderlane.domain.order import Execution, ExecutionStatus, Order, Side
from orderlane.domain.portfolio_order import PortfolioOrderStatus


class SettleExecutions(Struct, frozen=True):
    """The settlement date `due_on` has come for executions of these parent orders."""

    parent_ids: tuple[ParentOrderId, ...]
    due_on: date


def settle(decision: Decision, message: SettleExecutions) -> None:
    """Settle the executions that are due and not settled yet, then the portfolio orders of which all are.

    Raises:
        UnknownParentOrder: the account has no such parent order.
    """
    for parent_id in message.parent_ids:
        change = decision.change(parent_id)
        for order in change.orders:
            _settle_order(decision, change, order, message.due_on)
        settle_portfolio_order(change)


def settle_portfolio_order(change: ParentChange) -> None:
    """Settle a portfolio order that is FILLED, once all its executions are."""
    if change.parent.status is not PortfolioOrderStatus.FILLED:
        return
    standing = (trade for order in change.orders for trade in order.standing_executions)
    if all(trade.status is ExecutionStatus.SETTLED for trade in standing):
        change.move(PortfolioOrderStatus.SETTLED)


def _settle_order(decision: Decision, change: ParentChange, order: Order, due_on: date) -> None:
    for trade in order.executions:
        if trade.status is ExecutionStatus.FILLED and trade.settlement_date <= due_on:
            decision.post(_settlement(change, order, trade))
            order = change.move_execution(order, trade, ExecutionStatus.SETTLED)


def _settlement(change: ParentChange, order: Order, trade: Execution) -> Posting:
    is_bought = order.side is Side.BUY
    return Posting(
        asset=order.isin if is_bought else change.parent.currency,
        asset_type=AssetType.INSTRUMENT if is_bought else AssetType.CASH,
        reason=PostingReason.SETTLEMENT,
        pending=negate(trade.share_quantity if is_bought else trade.cash_amount),
        order_id=order.id,
        execution_id=trade.id,
    )


def _parents(message: SettleExecutions) -> tuple[ParentOrderId, ...]:
    return message.parent_ids


KIND = MessageKind("SETTLE_EXECUTIONS", SettleExecutions, settle, parents=_parents)
