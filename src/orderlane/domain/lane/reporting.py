"""The reports of a venue: acknowledge, book executions, end orders.

Reports may come late, twice, or out of order: an execution before the acknowledgement implies it, an execution that is
known already changes nothing, and an order is at its end only when all its executions are there.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from msgspec import Struct

from orderlane.domain.account import ZERO, AssetType, Posting, PostingReason
from orderlane.domain.bounds import (
    EXECUTION_CASH_MAX,
    EXECUTION_PRICE_DECIMALS,
    EXECUTION_PRICE_MAX,
    QUANTITY_MAX,
)
from orderlane.domain.decision import Decision, ParentChange
from orderlane.domain.errors import ExecutionConflict, ExecutionImpossible, OverExecuted
from orderlane.domain.ids import OrderId, ParentOrderId, execution_id, parent_of
from orderlane.domain.lane.message import MessageKind
from orderlane.domain.lane.placing import reserved_asset
from orderlane.domain.lane.settling import settle_portfolio_order
from orderlane.domain.money import QUANTITY_DECIMALS, Currency, add, has_decimals, negate, plain, subtract
from orderlane.domain.order import Execution, ExecutionStatus, Order, OrderCancellationReason, OrderStatus, Side
from orderlane.domain.portfolio_order import CancellationReason, PortfolioOrderStatus

DETAILS_LENGTH_MAX = 1000


class OrderAccepted(Struct, frozen=True, tag="ACCEPTED", tag_field="report"):
    """The venue took the order into its book."""

    order_id: OrderId


class OrderExecuted(Struct, frozen=True, kw_only=True, tag="EXECUTED", tag_field="report", omit_defaults=True):
    """The venue traded `quantity` units at `price` for `cash_amount`, in the order's currency.

    `total_quantity` is the sum of all executions of the order when this is its last one, else None: reports may come
    out of order, so the last one is not always the last to arrive.
    """

    order_id: OrderId
    venue_execution_id: str
    quantity: Decimal
    cash_amount: Decimal
    price: Decimal
    transaction_time: datetime
    settlement_date: date
    total_quantity: Decimal | None = None


class OrderEnded(Struct, frozen=True, tag="ENDED", tag_field="report", omit_defaults=True):
    """The venue refused the order, or ended it before it was executed in full; `total_quantity` was traded before.

    `detail` is the venue's own word for it.
    """

    order_id: OrderId
    detail: str
    total_quantity: Decimal = ZERO


VenueReport = OrderAccepted | OrderExecuted | OrderEnded


class ReceiveVenueReports(Struct, frozen=True):
    """What a venue said of individual orders of one account, in the order in which it was said."""

    reports: tuple[VenueReport, ...]


def receive(decision: Decision, message: ReceiveVenueReports) -> None:
    """Apply every report.

    Raises:
        UnknownParentOrder, UnknownOrder: the account has no such order.
        ExecutionImpossible: a figure that no order or execution has.
        ExecutionConflict: a known execution came with other figures.
        OverExecuted: the venue executed more than was ordered.
        HoldingOverdrawn: an execution would leave less than nothing of an asset.
    """
    for report in message.reports:
        _apply(decision, decision.change(parent_of(report.order_id)), report)


def _apply(decision: Decision, change: ParentChange, report: VenueReport) -> None:
    order = change.order(report.order_id)
    match report:
        case OrderAccepted():
            _accept(change, order)
        case OrderExecuted():
            _execute(decision, change, order, report)
        case OrderEnded():
            _end(decision, change, order, report)
        case _:
            raise TypeError(f"no rule for {type(report).__name__}")


def _accept(change: ParentChange, order: Order) -> Order:
    return change.move_order(order, OrderStatus.PROCESSING) if order.status is OrderStatus.NEW else order


def _execute(decision: Decision, change: ParentChange, order: Order, report: OrderExecuted) -> None:
    refuse_impossible(decision.circumstances.currencies[change.parent.currency], report)
    _refuse_impossible_total(order.id, report.total_quantity)
    booked = _execution(decision, order, report)
    counted = report.total_quantity if order.reported_quantity is None else order.reported_quantity
    known = next((trade for trade in order.executions if trade.id == booked.id), None)
    if known is None:
        order = _accept(change, order).replace(reported_quantity=counted)
        _book(decision, change, order, booked)
        order = change.open_execution(order, booked)
    elif (known.share_quantity, known.cash_amount) != (booked.share_quantity, booked.cash_amount):
        raise ExecutionConflict(order.id, report.venue_execution_id)
    elif counted != order.reported_quantity:
        order = change.note(order.replace(reported_quantity=counted))
    _finish_order(decision, change, order)


def refuse_impossible(currency: Currency, report: OrderExecuted) -> None:
    """See to it that an execution has figures that can be booked exactly.

    Raises:
        ExecutionImpossible: names the figure that is out of its bounds, and the bounds.
    """
    for field, value, least, most, decimals in (
        ("quantity", report.quantity, "above 0", QUANTITY_MAX, QUANTITY_DECIMALS),
        ("cash amount", report.cash_amount, "at least 0", EXECUTION_CASH_MAX, currency.decimals),
        ("price", report.price, "above 0", EXECUTION_PRICE_MAX, EXECUTION_PRICE_DECIMALS),
    ):
        if not _is_possible(value, most, decimals) or (not value and least == "above 0"):
            bound = f"{least}, at most {plain(most)}, with at most {decimals} decimals"
            raise ExecutionImpossible(report.order_id, f"execution {report.venue_execution_id}", field, value, bound)


def _refuse_impossible_total(order_id: OrderId, total_quantity: Decimal | None) -> None:
    if total_quantity is not None and not _is_possible(total_quantity, QUANTITY_MAX, QUANTITY_DECIMALS):
        bound = f"at least 0, at most {plain(QUANTITY_MAX)}, with at most {QUANTITY_DECIMALS} decimals"
        raise ExecutionImpossible(order_id, "a report", "total quantity", total_quantity, bound)


def _is_possible(value: Decimal, most: Decimal, decimals: int) -> bool:
    return value.is_finite() and ZERO <= value <= most and has_decimals(value, decimals)


def _execution(decision: Decision, order: Order, report: OrderExecuted) -> Execution:
    return Execution(
        id=execution_id(order.venue_id, report.venue_execution_id, order.id),
        cash_amount=report.cash_amount,
        share_quantity=report.quantity,
        price=report.price,
        transaction_time=report.transaction_time,
        settlement_date=report.settlement_date,
        status=ExecutionStatus.FILLED,
        venue_execution_id=report.venue_execution_id,
        created_at=decision.now,
    )


def _book(decision: Decision, change: ParentChange, order: Order, booked: Execution) -> None:
    """Post both sides of a trade. What a BUY pays and a SELL delivers comes out of what the order has locked."""
    _refuse_over_execution(order, booked)
    cash, units = booked.cash_amount, booked.share_quantity
    is_buy = order.side is Side.BUY
    decision.post(
        Posting(
            asset=change.parent.currency,
            asset_type=AssetType.CASH,
            reason=PostingReason.EXECUTION,
            quantity=negate(cash) if is_buy else cash,
            locked=negate(cash) if is_buy else ZERO,
            pending=ZERO if is_buy else cash,
            order_id=order.id,
            execution_id=booked.id,
        )
    )
    decision.post(
        Posting(
            asset=order.isin,
            asset_type=AssetType.INSTRUMENT,
            reason=PostingReason.EXECUTION,
            quantity=units if is_buy else negate(units),
            locked=ZERO if is_buy else negate(units),
            pending=units if is_buy else ZERO,
            order_id=order.id,
            execution_id=booked.id,
        )
    )


def _used(order: Order) -> Decimal:
    """How much of its reservation an order has used up."""
    return order.executed_cash_amount if order.side is Side.BUY else order.executed_quantity


def _refuse_over_execution(order: Order, booked: Execution) -> None:
    used = add(_used(order), booked.cash_amount if order.side is Side.BUY else booked.share_quantity)
    if order.is_final or used > order.locked:
        raise OverExecuted(order.id, order.locked, used)


def _end(decision: Decision, change: ParentChange, order: Order, report: OrderEnded) -> None:
    _refuse_impossible_total(order.id, report.total_quantity)
    if order.is_final:
        return
    ending = order.replace(
        reported_quantity=report.total_quantity,
        cancellation_reason=OrderCancellationReason.CANCELLED_BY_TRADING_PARTNER,
        cancellation_details=report.detail[:DETAILS_LENGTH_MAX],
    )
    _finish_order(decision, change, change.note(ending))


def _finish_order(decision: Decision, change: ParentChange, order: Order) -> None:
    """End the order once every unit that the venue counts for it is booked."""
    counted = order.reported_quantity
    if order.is_final or counted is None or (executed := order.executed_quantity) < counted:
        return
    if executed > counted:
        raise OverExecuted(order.id, counted, executed)
    ended = OrderStatus.CANCELLED if order.cancellation_reason else OrderStatus.FILLED
    _release(decision, change, order)
    change.move_order(order, ended)
    _finish_portfolio_order(change)


def _release(decision: Decision, change: ParentChange, order: Order) -> None:
    rest = subtract(order.locked, _used(order))
    if rest:
        asset, asset_type = reserved_asset(order, change.parent.currency)
        decision.post(
            Posting(
                asset=asset, asset_type=asset_type, reason=PostingReason.RELEASE, locked=negate(rest), order_id=order.id
            )
        )


def _finish_portfolio_order(change: ParentChange) -> None:
    if not change.is_traded_out:
        return
    cancelled = [order for order in change.orders if order.status is OrderStatus.CANCELLED]
    if not cancelled:
        change.move(PortfolioOrderStatus.FILLED)
        settle_portfolio_order(change)
        return
    is_traded = any(order.standing_executions for order in change.orders)
    change.move(
        PortfolioOrderStatus.CANCELLED,
        cancellation_reason=CancellationReason.PARTIALLY_EXECUTED if is_traded else CancellationReason.NOT_EXECUTED,
        cancellation_details=_details(len(change.orders), cancelled),
    )


def _details(leg_count: int, cancelled: list[Order]) -> str:
    """Which legs the venue ended, in its own words."""
    named = "; ".join(f"{order.isin}: {order.cancellation_details}" for order in cancelled)
    text = f"{len(cancelled)} of {leg_count} individual orders were cancelled at the venue ({named})"
    return text if len(text) <= DETAILS_LENGTH_MAX else f"{text[: DETAILS_LENGTH_MAX - 2]}…)"


def parents_of(reports: Iterable[VenueReport]) -> tuple[ParentOrderId, ...]:
    """The parent orders that reports are about."""
    return tuple(dict.fromkeys(parent_of(report.order_id) for report in reports))


def _parents(message: ReceiveVenueReports) -> tuple[ParentOrderId, ...]:
    return parents_of(message.reports)


KIND = MessageKind("RECEIVE_VENUE_REPORTS", ReceiveVenueReports, receive, parents=_parents)
