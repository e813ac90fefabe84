"""What a lane does with the reports of a venue: acknowledge, book executions, end orders.

Reports may come late, twice, or out of order: an execution before the acknowledgement implies it, an execution that is
known already changes nothing, and an order is at its end only when all its executions are there.
"""

from decimal import Decimal

from orderlane.domain.account import AssetType, JournalReason
from orderlane.domain.decision import Decision
from orderlane.domain.errors import ExecutionConflict, ExecutionImpossible, OverExecuted
from orderlane.domain.messages import (
    OrderAccepted,
    OrderEnded,
    OrderExecuted,
    ReceiveVenueReports,
    VenueReport,
)
from orderlane.domain.money import Currency, add, quantity_floor, subtract
from orderlane.domain.order import (
    Execution,
    ExecutionStatus,
    Order,
    OrderCancellationReason,
    OrderStatus,
    Side,
    execution_id,
)
from orderlane.domain.placing import reserved_asset
from orderlane.domain.portfolio_order import CancellationReason, PortfolioOrderStatus
from orderlane.domain.records import changed
from orderlane.domain.settling import settle_portfolio_order


def receive(decision: Decision, message: ReceiveVenueReports) -> None:
    """Apply every report.

    Raises UnknownOrder, ExecutionImpossible, ExecutionConflict, OverExecuted, HoldingOverdrawn.
    """
    for report in message.reports:
        _apply(decision, report)


def _apply(decision: Decision, report: VenueReport) -> None:
    match report:
        case OrderAccepted():
            _accept(decision, decision.order(report.order_id))
        case OrderExecuted():
            _execute(decision, report)
        case OrderEnded():
            _end(decision, report)
        case _:
            raise TypeError(f"no rule for {type(report).__name__}")


def _accept(decision: Decision, order: Order) -> None:
    if order.status is OrderStatus.NEW:
        decision.move_order(order.id, OrderStatus.PROCESSING)


def _execute(decision: Decision, report: OrderExecuted) -> None:
    order = decision.order(report.order_id)
    _refuse_impossible(decision.circumstances.currencies[order.currency], report)
    booked = _execution(decision, order, report)
    known = next((one for one in order.executions if one.id == booked.id), None)
    counted = report.total_quantity if order.reported_quantity is None else order.reported_quantity
    if known is None:
        _accept(decision, order)
        _book(decision, decision.order(order.id), booked)
        decision.open_execution(booked, counted)
    elif (known.share_quantity, known.cash_amount) != (booked.share_quantity, booked.cash_amount):
        raise ExecutionConflict(order.id, report.venue_execution_id)
    elif counted != order.reported_quantity:
        decision.note_order(changed(order, reported_quantity=counted))
    _finish_order(decision, decision.order(order.id))


def _refuse_impossible(currency: Currency, report: OrderExecuted) -> None:
    for field, value, possible in (
        ("quantity", report.quantity, report.quantity > 0 and report.quantity == quantity_floor(report.quantity)),
        ("cash amount", report.cash_amount, report.cash_amount >= 0 and currency.is_exact(report.cash_amount)),
        ("price", report.price, report.price > 0),
    ):
        if not possible:
            raise ExecutionImpossible(report.order_id, report.venue_execution_id, field, value)


def _execution(decision: Decision, order: Order, report: OrderExecuted) -> Execution:
    return Execution(
        id=execution_id(report.venue_id, report.venue_execution_id),
        order_id=order.id,
        portfolio_order_id=order.portfolio_order_id,
        account_id=order.account_id,
        isin=order.isin,
        side=order.side,
        cash_amount=report.cash_amount,
        share_quantity=report.quantity,
        price=report.price,
        currency=order.currency,
        transaction_time=report.transaction_time,
        settlement_date=report.settlement_date,
        status=ExecutionStatus.FILLED,
        venue_id=report.venue_id,
        venue_execution_id=report.venue_execution_id,
        created_at=decision.now,
    )


def _book(decision: Decision, order: Order, booked: Execution) -> None:
    """Post both sides of a trade. What a BUY pays and a SELL delivers comes out of what the order has locked."""
    _refuse_over_execution(order, booked)
    sign = 1 if order.side is Side.BUY else -1
    paid, units = sign * booked.cash_amount, sign * booked.share_quantity
    decision.post(
        order.currency,
        AssetType.CASH,
        JournalReason.EXECUTION,
        quantity=-paid,
        locked=-max(paid, Decimal(0)),
        pending=max(-paid, Decimal(0)),
        order=order,
        execution_id=booked.id,
    )
    decision.post(
        order.isin,
        AssetType.INSTRUMENT,
        JournalReason.EXECUTION,
        quantity=units,
        locked=-max(-units, Decimal(0)),
        pending=max(units, Decimal(0)),
        order=order,
        execution_id=booked.id,
    )


def _used(order: Order) -> Decimal:
    """How much of its reservation an order has used up."""
    return order.executed_cash_amount if order.side is Side.BUY else order.executed_quantity


def _refuse_over_execution(order: Order, booked: Execution) -> None:
    used = add(_used(order), booked.cash_amount if order.side is Side.BUY else booked.share_quantity)
    if order.is_final or used > order.locked:
        raise OverExecuted(order.id, order.locked, used)


def _end(decision: Decision, report: OrderEnded) -> None:
    order = decision.order(report.order_id)
    if order.is_final:
        return
    reason = OrderCancellationReason.CANCELLED_BY_TRADING_PARTNER
    decision.note_order(changed(order, reported_quantity=report.total_quantity, cancellation_reason=reason))
    _finish_order(decision, decision.order(order.id))


def _finish_order(decision: Decision, order: Order) -> None:
    """End the order once every unit that the venue counts for it is booked."""
    counted = order.reported_quantity
    if order.is_final or counted is None or (executed := order.executed_quantity) < counted:
        return
    if executed > counted:
        raise OverExecuted(order.id, counted, executed)
    ended = OrderStatus.CANCELLED if order.cancellation_reason else OrderStatus.FILLED
    _release(decision, order)
    decision.move_order(order.id, ended)
    _finish_portfolio_order(decision, order)


def _release(decision: Decision, order: Order) -> None:
    rest = subtract(order.locked, _used(order))
    if rest:
        asset, asset_type = reserved_asset(order)
        decision.post(asset, asset_type, JournalReason.RELEASE, locked=-rest, order=order)


def _finish_portfolio_order(decision: Decision, order: Order) -> None:
    order_ids = decision.portfolio_order(order.portfolio_order_id).order_ids
    # Legs mostly end in their order: the last one tells soonest that it is too early.
    if not all(decision.order(order_id).is_final for order_id in reversed(order_ids)):
        return
    siblings = decision.orders_of(order.portfolio_order_id)
    cancelled = [one for one in siblings if one.status is OrderStatus.CANCELLED]
    if not cancelled:
        decision.move_portfolio_order(order.portfolio_order_id, PortfolioOrderStatus.FILLED)
        settle_portfolio_order(decision, order.portfolio_order_id)
        return
    traded = any(one.standing_executions for one in siblings)
    decision.move_portfolio_order(
        order.portfolio_order_id,
        PortfolioOrderStatus.CANCELLED,
        cancellation_reason=CancellationReason.PARTIALLY_EXECUTED if traded else CancellationReason.NOT_EXECUTED,
        cancellation_details=f"{len(cancelled)} of {len(siblings)} individual orders were cancelled at the venue",
    )
