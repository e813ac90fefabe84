"""The individual order, its executions, and its state machine."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import NAMESPACE_URL, UUID, uuid5

from orderlane.domain.money import total
from orderlane.domain.transitions import Transition, TransitionTable


class Side(StrEnum):
    """Which way an order trades."""

    BUY = "BUY"
    SELL = "SELL"


class OrderStatus(StrEnum):
    """The states of an individual order. There is no partial state: partial fills show as executions."""

    NEW = "NEW"
    PROCESSING = "PROCESSING"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"


class OrderCancellationReason(StrEnum):
    """Why an individual order was cancelled."""

    CANCELLED_BY_CLIENT = "CANCELLED_BY_CLIENT"
    CANCELLED_BY_OPERATIONS = "CANCELLED_BY_OPERATIONS"
    CANCELLED_BY_TRADING_PARTNER = "CANCELLED_BY_TRADING_PARTNER"
    CANCELLED_BY_PLATFORM = "CANCELLED_BY_PLATFORM"


class OrderInitiationFlow(StrEnum):
    """What made an individual order."""

    PORTFOLIO = "PORTFOLIO"
    PORTFOLIO_REBALANCING = "PORTFOLIO_REBALANCING"


class ExecutionStatus(StrEnum):
    """The states of an execution."""

    FILLED = "FILLED"
    SETTLED = "SETTLED"
    CANCELLED = "CANCELLED"


ORDER_TRANSITIONS = TransitionTable(
    "individual order",
    OrderStatus,
    (
        Transition(None, OrderStatus.NEW, "ORDER.NEW", "the portfolio order was split"),
        Transition(OrderStatus.NEW, OrderStatus.PROCESSING, "ORDER.PROCESSING", "the venue accepted it"),
        Transition(OrderStatus.PROCESSING, OrderStatus.FILLED, "ORDER.FILLED", "the venue executed it in full"),
        Transition(
            OrderStatus.PROCESSING,
            OrderStatus.CANCELLED,
            "ORDER.CANCELLED",
            "the venue ended it before it was executed in full",
        ),
        Transition(OrderStatus.NEW, OrderStatus.CANCELLED, "ORDER.CANCELLED", "the venue refused it"),
    ),
)

EXECUTION_TRANSITIONS = TransitionTable(
    "execution",
    ExecutionStatus,
    (
        Transition(None, ExecutionStatus.FILLED, "EXECUTION.FILLED", "the venue reported it"),
        Transition(
            ExecutionStatus.FILLED,
            ExecutionStatus.SETTLED,
            "EXECUTION.SETTLED",
            "its settlement date has come",
        ),
        Transition(ExecutionStatus.FILLED, ExecutionStatus.CANCELLED, "EXECUTION.CANCELLED", "the venue took it back"),
    ),
)


def execution_id(venue_id: str, venue_execution_id: str) -> UUID:
    """The id of a venue's execution: a name-based UUID (RFC 9562, version 5), so a second report meets the first."""
    return uuid5(NAMESPACE_URL, f"orderlane:execution:{venue_id}:{venue_execution_id}")


@dataclass(frozen=True, slots=True)
class Execution:
    """A trade at the venue for an individual order: `share_quantity` units for `cash_amount` in `currency`."""

    id: UUID
    order_id: UUID
    portfolio_order_id: UUID
    account_id: UUID
    isin: str
    side: Side
    cash_amount: Decimal
    share_quantity: Decimal
    price: Decimal
    currency: str
    transaction_time: datetime
    settlement_date: date
    status: ExecutionStatus
    venue_id: str
    venue_execution_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """One leg of a portfolio order, for one instrument.

    `cash_amount` (in `currency`) is what to trade, or zero when `quantity` (units) is. `locked` is what the leg has
    reserved: cash of `currency` for a BUY, units of the instrument for a SELL. `reference_price` is the price that the
    plan was made with, `fractional` whether the instrument traded in fractions then. `reported_quantity` is the total
    quantity that the venue named when it said that the order is at its end, None until then.
    """

    id: UUID
    portfolio_order_id: UUID
    account_id: UUID
    user_id: UUID
    leg: int
    side: Side
    isin: str
    cash_amount: Decimal
    quantity: Decimal
    locked: Decimal
    currency: str
    reference_price: Decimal
    fractional: bool
    fee: Decimal
    status: OrderStatus
    cancellation_reason: OrderCancellationReason | None
    initiation_flow: OrderInitiationFlow
    reported_quantity: Decimal | None
    created_at: datetime
    updated_at: datetime
    executions: tuple[Execution, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether nothing more can happen to it at the venue."""
        return self.status in (OrderStatus.FILLED, OrderStatus.CANCELLED)

    @property
    def standing_executions(self) -> tuple[Execution, ...]:
        """Its executions without those that the venue took back."""
        return tuple(one for one in self.executions if one.status is not ExecutionStatus.CANCELLED)

    @property
    def executed_cash_amount(self) -> Decimal:
        """Cash traded so far, in `currency`."""
        return total(one.cash_amount for one in self.standing_executions)

    @property
    def executed_quantity(self) -> Decimal:
        """Units traded so far."""
        return total(one.share_quantity for one in self.standing_executions)
