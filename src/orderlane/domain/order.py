"""The individual order, its executions, and its state machine."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, TypedDict, TypeVar, Unpack

from msgspec import Struct, structs

from orderlane.domain.ids import ExecutionId, OrderId, ParentOrderId, VenueId, leg_of, parent_of
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


class Execution(Struct, frozen=True, kw_only=True):
    """A trade for an individual order: `share_quantity` units for `cash_amount`, in the parent's currency."""

    id: ExecutionId
    cash_amount: Decimal
    share_quantity: Decimal
    price: Decimal
    transaction_time: datetime
    settlement_date: date
    status: ExecutionStatus
    venue_execution_id: str
    created_at: datetime

    def moved_to(self, status: ExecutionStatus) -> "Execution":
        """The execution in another state."""
        return structs.replace(self, status=status)


class Trade(Protocol):
    """What counts of an execution for the money that an order has traded."""

    @property
    def cash_amount(self) -> Decimal:
        """Cash traded, in the parent's currency."""
        ...

    @property
    def status(self) -> ExecutionStatus:
        """Whether it stands."""
        ...


TradeT = TypeVar("TradeT", bound=Trade)


def standing(executions: Iterable[TradeT]) -> tuple[TradeT, ...]:
    """The executions without those that the venue took back."""
    return tuple(trade for trade in executions if trade.status is not ExecutionStatus.CANCELLED)


class OrderChanges(TypedDict, total=False):
    """What may change of an individual order after it was opened."""

    status: OrderStatus
    cancellation_reason: OrderCancellationReason | None
    cancellation_details: str
    reported_quantity: Decimal | None
    executions: tuple[Execution, ...]
    updated_at: datetime


class Order(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One leg of a parent order, for one instrument. Its account, user and currency are its parent's.

    `cash_amount` (in the parent's currency) is what to trade, or zero when `quantity` (units) is. `locked` is what the
    leg has reserved: cash for a BUY, units of the instrument for a SELL. `reference_price` is the price that the plan
    was made with, `fractional` whether the instrument traded in fractions then. `venue_id` and `venue` (its name) say
    where it is executed, `wave` with which of the parent's waves it was opened, from 0. `reported_quantity` is the
    total quantity that the venue named when it said that the order is at its end, None until then.
    """

    id: OrderId
    side: Side
    isin: str
    venue_id: VenueId
    venue: str
    cash_amount: Decimal = Decimal(0)
    quantity: Decimal = Decimal(0)
    locked: Decimal
    reference_price: Decimal
    fractional: bool
    fee: Decimal = Decimal(0)
    status: OrderStatus
    wave: int = 0
    cancellation_reason: OrderCancellationReason | None = None
    cancellation_details: str = ""
    initiation_flow: OrderInitiationFlow = OrderInitiationFlow.PORTFOLIO
    reported_quantity: Decimal | None = None
    created_at: datetime
    updated_at: datetime
    executions: tuple[Execution, ...] = ()

    @property
    def leg(self) -> int:
        """Its number among all legs of its parent order, from 1."""
        return leg_of(self.id)

    @property
    def parent_id(self) -> ParentOrderId:
        """The parent order that it belongs to."""
        return parent_of(self.id)

    @property
    def is_final(self) -> bool:
        """Whether nothing more can happen to it at the venue."""
        return self.status in (OrderStatus.FILLED, OrderStatus.CANCELLED)

    @property
    def standing_executions(self) -> tuple[Execution, ...]:
        """Its executions without those that the venue took back."""
        return standing(self.executions)

    @property
    def executed_cash_amount(self) -> Decimal:
        """Cash traded so far, in the parent's currency."""
        return total(trade.cash_amount for trade in self.standing_executions)

    @property
    def executed_quantity(self) -> Decimal:
        """Units traded so far."""
        return total(trade.share_quantity for trade in self.standing_executions)

    def replace(self, **changes: Unpack[OrderChanges]) -> "Order":
        """The order with other values in some fields."""
        return structs.replace(self, **changes)
