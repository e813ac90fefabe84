"""An accepted portfolio order: check it, split it, reserve for it, send its individual orders."""

from decimal import Decimal

from msgspec import Struct

from orderlane.domain.account import AccountStatus, AssetType, Posting, PostingReason
from orderlane.domain.decision import Decision, ParentChange
from orderlane.domain.errors import TooManyLegs
from orderlane.domain.ids import LEGS_MAX, ParentOrderId, order_id
from orderlane.domain.lane.message import MessageKind
from orderlane.domain.order import Order, OrderStatus, Side
from orderlane.domain.parent_order import ParentOrder
from orderlane.domain.planning import Leg, Plan, PlanInput, PlanRefused, facts_of, plan
from orderlane.domain.portfolio_order import CancellationReason, PortfolioOrderStatus
from orderlane.domain.users import UserStatus


class PlacePortfolioOrder(Struct, frozen=True):
    """An accepted portfolio order waits to be checked and split."""

    parent_id: ParentOrderId


def place(decision: Decision, message: PlacePortfolioOrder) -> None:
    """Announce the portfolio order, then open its individual orders or cancel it with the reason.

    What the order says, its allocation among it, is what was accepted. Everything else (the status of user and account,
    the allocation's weights, instruments, prices, holdings) is as of now.

    Raises:
        UnknownParentOrder: the account has no such portfolio order.
        TransitionRefused: it was announced before.
    """
    change = decision.change(message.parent_id)
    change.announce()
    try:
        planned = _planned(decision, change.parent)
    except PlanRefused as refusal:
        change.move(
            PortfolioOrderStatus.CANCELLED,
            cancellation_reason=refusal.reason,
            cancellation_details=refusal.details,
        )
        return
    open_wave(decision, change, planned)


def open_wave(decision: Decision, change: ParentChange, planned: Plan, *, is_last: bool = True) -> None:
    """Reserve for the legs of a plan and open them as the next wave of their parent order.

    Raises:
        TooManyLegs: the parent order would have more legs than ids can name.
    """
    first = len(change.orders) + 1
    if first + len(planned.legs) - 1 > LEGS_MAX:
        raise TooManyLegs(change.parent.id, first + len(planned.legs) - 1)
    orders = [_order(decision, change, planned, first + number, leg) for number, leg in enumerate(planned.legs)]
    for order in orders:
        decision.post(_reservation(order, change.parent.currency))
    change.open_wave(orders, is_last=is_last)


def reserved_asset(order: Order, currency: str) -> tuple[str, AssetType]:
    """What an individual order reserves: cash in the account's currency for a BUY, units for a SELL."""
    if order.side is Side.BUY:
        return currency, AssetType.CASH
    return order.isin, AssetType.INSTRUMENT


def _reservation(order: Order, currency: str) -> Posting:
    asset, asset_type = reserved_asset(order, currency)
    return Posting(
        asset=asset,
        asset_type=asset_type,
        reason=PostingReason.RESERVATION,
        locked=order.locked,
        order_id=order.id,
    )


def _planned(decision: Decision, placed: ParentOrder) -> Plan:
    account = decision.account
    user_status = decision.circumstances.user_statuses[placed.user_id]
    if user_status is not UserStatus.ACTIVE:
        raise PlanRefused(CancellationReason.ACCOUNT_NOT_ACTIVE, f"the account's user is {user_status}")
    if account.status is not AccountStatus.ACTIVE:
        raise PlanRefused(CancellationReason.ACCOUNT_NOT_ACTIVE, f"the account is {account.status}")
    if placed.allocation_id is None:
        raise PlanRefused(
            CancellationReason.CONFIGURATION_IS_MISSING,
            "the account had no portfolio configuration when the portfolio order was accepted",
        )
    given = PlanInput(
        side=Side(placed.type),
        amount=placed.cash_amount,
        currency=decision.circumstances.currencies[placed.currency],
        distribution=account.distribution,
        allocation=decision.circumstances.allocations[placed.allocation_id],
        holdings=decision.holdings,
        instruments=decision.circumstances.instruments,
    )
    decision.facts = facts_of(given)
    return plan(given)


def _order(decision: Decision, change: ParentChange, planned: Plan, number: int, leg: Leg) -> Order:
    traded = decision.circumstances.instruments[leg.isin]
    return Order(
        id=order_id(change.parent.id, number),
        side=planned.side,
        isin=leg.isin,
        venue_id=traded.venue.id,
        venue=traded.venue.name,
        cash_amount=leg.amount,
        quantity=Decimal(0),
        locked=leg.reserve,
        reference_price=traded.price,
        fractional=traded.fractional,
        fee=Decimal(0),
        status=OrderStatus.NEW,
        wave=change.parent.wave,
        created_at=decision.now,
        updated_at=decision.now,
    )


def _parents(message: PlacePortfolioOrder) -> tuple[ParentOrderId]:
    return (message.parent_id,)


def _plans(_: PlacePortfolioOrder, __: ParentOrder) -> bool:
    return True


KIND = MessageKind("PLACE_PORTFOLIO_ORDER", PlacePortfolioOrder, place, parents=_parents, plans=_plans)
