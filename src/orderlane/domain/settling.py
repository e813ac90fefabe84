"""What a lane does when executions settle: what was pending is there, and the portfolio order with it."""

from uuid import UUID

from orderlane.domain.account import AssetType, JournalReason
from orderlane.domain.decision import Decision
from orderlane.domain.errors import UnknownExecution
from orderlane.domain.messages import SettleExecutions
from orderlane.domain.order import Execution, ExecutionStatus, Side
from orderlane.domain.portfolio_order import PortfolioOrderStatus


def settle(decision: Decision, message: SettleExecutions) -> None:
    """Settle those of the executions that are not yet, then the portfolio orders of which all are.

    Raises UnknownExecution.
    """
    executions = _executions(decision, message)
    for execution in executions:
        if execution.status is ExecutionStatus.FILLED:
            _settle_execution(decision, execution)
    for portfolio_order_id in dict.fromkeys(one.portfolio_order_id for one in executions):
        settle_portfolio_order(decision, portfolio_order_id)


def settle_portfolio_order(decision: Decision, portfolio_order_id: UUID) -> None:
    """Settle a portfolio order that is FILLED, once all its executions are."""
    standing = [one for order in decision.orders_of(portfolio_order_id) for one in order.standing_executions]
    all_settled = all(one.status is ExecutionStatus.SETTLED for one in standing)
    if all_settled and decision.portfolio_order(portfolio_order_id).status is PortfolioOrderStatus.FILLED:
        decision.move_portfolio_order(portfolio_order_id, PortfolioOrderStatus.SETTLED)


def _executions(decision: Decision, message: SettleExecutions) -> list[Execution]:
    known = {one.id: one for order in decision.state.orders.values() for one in order.executions}
    due = dict.fromkeys(message.execution_ids)
    for execution_id in due:
        if execution_id not in known:
            raise UnknownExecution(execution_id, decision.state.account.id)
    return [known[execution_id] for execution_id in due]


def _settle_execution(decision: Decision, execution: Execution) -> None:
    bought = execution.side is Side.BUY
    decision.post(
        execution.isin if bought else execution.currency,
        AssetType.INSTRUMENT if bought else AssetType.CASH,
        JournalReason.SETTLEMENT,
        pending=-(execution.share_quantity if bought else execution.cash_amount),
        order=decision.order(execution.order_id),
        execution_id=execution.id,
    )
    decision.move_execution(execution, ExecutionStatus.SETTLED)
