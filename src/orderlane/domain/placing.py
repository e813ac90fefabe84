"""What a lane does with an accepted portfolio order: check it, split it, reserve for it, send its individual orders."""

from decimal import Decimal

from orderlane.domain.account import AccountStatus, AssetType, JournalReason
from orderlane.domain.decision import Decision
from orderlane.domain.messages import PlacePortfolioOrder
from orderlane.domain.order import Order, OrderInitiationFlow, OrderStatus, Side
from orderlane.domain.planning import Leg, Plan, PlanInput, PlanRefused, plan
from orderlane.domain.portfolio_order import CancellationReason, PortfolioOrder, PortfolioOrderStatus


def place(decision: Decision, message: PlacePortfolioOrder) -> None:
    """Announce the portfolio order, then open its individual orders or cancel it with the reason."""
    placed = decision.portfolio_order(message.portfolio_order_id)
    decision.announce(placed.id)
    try:
        planned = plan(_plan_input(decision, placed))
    except PlanRefused as refusal:
        decision.move_portfolio_order(
            placed.id,
            PortfolioOrderStatus.CANCELLED,
            cancellation_reason=refusal.reason,
            cancellation_details=refusal.details,
        )
        return
    orders = [_order(decision, placed, planned, number, leg) for number, leg in enumerate(planned.legs)]
    for order in orders:
        asset, asset_type = reserved_asset(order)
        decision.post(asset, asset_type, JournalReason.RESERVATION, locked=order.locked, order=order)
    decision.open_orders(placed.id, orders)


def _plan_input(decision: Decision, placed: PortfolioOrder) -> PlanInput:
    account = decision.state.account
    if account.status is not AccountStatus.ACTIVE:
        raise PlanRefused(CancellationReason.ACCOUNT_NOT_ACTIVE, f"the account is {account.status}")
    if placed.allocation_id is None:
        raise PlanRefused(CancellationReason.CONFIGURATION_IS_MISSING, "the account has no portfolio configuration")
    return PlanInput(
        Side(placed.type),
        placed.cash_amount,
        decision.circumstances.currencies[placed.currency],
        account.distribution,
        decision.circumstances.allocations[placed.allocation_id],
        decision.state.holdings,
        decision.circumstances.instruments,
    )


def _order(decision: Decision, placed: PortfolioOrder, planned: Plan, number: int, leg: Leg) -> Order:
    return Order(
        id=decision.circumstances.new_id(),
        portfolio_order_id=placed.id,
        account_id=placed.account_id,
        user_id=placed.user_id,
        leg=number,
        side=planned.side,
        isin=leg.isin,
        cash_amount=leg.amount,
        quantity=Decimal(0),
        locked=leg.reserve,
        currency=placed.currency,
        reference_price=decision.circumstances.instruments[leg.isin].price,
        fractional=decision.circumstances.instruments[leg.isin].fractional,
        fee=Decimal(0),
        status=OrderStatus.NEW,
        cancellation_reason=None,
        initiation_flow=OrderInitiationFlow.PORTFOLIO,
        reported_quantity=None,
        created_at=decision.now,
        updated_at=decision.now,
    )


def reserved_asset(order: Order) -> tuple[str, AssetType]:
    """What an individual order reserves: cash for a BUY, units of its instrument for a SELL."""
    if order.side is Side.BUY:
        return order.currency, AssetType.CASH
    return order.isin, AssetType.INSTRUMENT
