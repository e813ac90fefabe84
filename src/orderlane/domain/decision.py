"""What one message does to one account: state in, state, events, journal and orders to send out.

A `Decision` starts from a loaded `AccountState`, which it leaves untouched, and collects. A transition can only be made
through it, and making one emits its event: there is no way to do one without the other.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from orderlane.domain.account import ZERO, Account, AssetType, Holding, JournalEntry, JournalReason
from orderlane.domain.allocation import Allocation
from orderlane.domain.errors import UnknownOrder, UnknownPortfolioOrder
from orderlane.domain.events import Event, PortfolioOrderSnapshot, Subject
from orderlane.domain.instruments import Instrument
from orderlane.domain.money import Currency
from orderlane.domain.order import (
    EXECUTION_TRANSITIONS,
    ORDER_TRANSITIONS,
    Execution,
    ExecutionStatus,
    Order,
    OrderStatus,
)
from orderlane.domain.portfolio_order import (
    PORTFOLIO_ORDER_TRANSITIONS,
    PortfolioOrder,
    PortfolioOrderStatus,
)
from orderlane.domain.records import changed


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a decision may know beside the account: the message, the time, fresh ids, the market."""

    message_id: int
    now: datetime
    new_id: Callable[[], UUID]
    currencies: Mapping[str, Currency]
    instruments: Mapping[str, Instrument]
    allocations: Mapping[UUID, Allocation]


@dataclass(slots=True)
class AccountState:
    """An account, its holdings by asset, and those portfolio orders and individual orders that a message concerns."""

    account: Account
    holdings: dict[str, Holding] = field(default_factory=dict)
    portfolio_orders: dict[UUID, PortfolioOrder] = field(default_factory=dict)
    orders: dict[UUID, Order] = field(default_factory=dict)

    def copy(self) -> "AccountState":
        """The same state in dictionaries of its own; the entries never change."""
        return AccountState(self.account, dict(self.holdings), dict(self.portfolio_orders), dict(self.orders))


class Decision:
    """Collects what a message changes, in the order in which it changed; executions by id with their order's."""

    def __init__(self, state: AccountState, circumstances: Circumstances) -> None:
        self.state = state.copy()
        self.circumstances = circumstances
        self.events: list[Event] = []
        self.journal: list[JournalEntry] = []
        self.sends: list[Order] = []
        self.changed_portfolio_orders: dict[UUID, None] = {}
        self._sequences: dict[UUID, int] = {}
        self.changed_orders: dict[UUID, None] = {}
        self.changed_executions: dict[UUID, UUID] = {}

    @property
    def now(self) -> datetime:
        """The time at which the decision is made."""
        return self.circumstances.now

    def portfolio_order(self, portfolio_order_id: UUID) -> PortfolioOrder:
        """Raises UnknownPortfolioOrder."""
        try:
            return self.state.portfolio_orders[portfolio_order_id]
        except KeyError:
            raise UnknownPortfolioOrder(portfolio_order_id, self.state.account.id) from None

    def order(self, order_id: UUID) -> Order:
        """Raises UnknownOrder."""
        try:
            return self.state.orders[order_id]
        except KeyError:
            raise UnknownOrder(order_id, self.state.account.id) from None

    def orders_of(self, portfolio_order_id: UUID) -> tuple[Order, ...]:
        """The individual orders of a portfolio order, in the order of their legs."""
        order_ids = self.portfolio_order(portfolio_order_id).order_ids
        return tuple(self.state.orders[order_id] for order_id in order_ids)

    def holding(self, asset: str, asset_type: AssetType) -> Holding:
        """What the account holds of `asset`, also when that is nothing."""
        return self.state.holdings.get(asset) or Holding(self.state.account.id, asset, asset_type)

    def announce(self, portfolio_order_id: UUID) -> None:
        """Emit the beginning of a portfolio order that was stored as NEW when it was accepted.

        Raises TransitionRefused when it has begun already.
        """
        placed = self.portfolio_order(portfolio_order_id)
        step = PORTFOLIO_ORDER_TRANSITIONS.step(placed.status if placed.sequence else None, PortfolioOrderStatus.NEW)
        self._emit_portfolio_order(step.event, portfolio_order_id)

    def move_portfolio_order(self, portfolio_order_id: UUID, target: PortfolioOrderStatus, **changes: Any) -> None:
        """Take a step of the portfolio order's machine, with `changes` to its fields. Raises TransitionRefused."""
        before = self.portfolio_order(portfolio_order_id)
        step = PORTFOLIO_ORDER_TRANSITIONS.step(before.status, target)
        self.state.portfolio_orders[before.id] = changed(before, status=target, updated_at=self.now, **changes)
        self._emit_portfolio_order(step.event, before.id)

    def open_orders(self, portfolio_order_id: UUID, orders: Sequence[Order]) -> None:
        """Begin the individual orders of a portfolio order, in the order of their legs, and send them to the venue."""
        parent = self.portfolio_order(portfolio_order_id)
        self.state.portfolio_orders[parent.id] = changed(parent, order_ids=tuple(one.id for one in orders))
        self.sends += orders
        for order in orders:
            step = ORDER_TRANSITIONS.step(None, order.status)
            self._store(order)
            self._emit_order(step.event, order)

    def move_order(self, order_id: UUID, target: OrderStatus, **changes: Any) -> None:
        """Take a step of the individual order's machine. Raises TransitionRefused.

        The first order to be PROCESSING takes its portfolio order there, whose event comes first: the guide's sequence.
        """
        before = self.order(order_id)
        step = ORDER_TRANSITIONS.step(before.status, target)
        after = changed(before, status=target, updated_at=self.now, **changes)
        self._store(after)
        parent = self.portfolio_order(before.portfolio_order_id)
        if target is OrderStatus.PROCESSING and parent.status is PortfolioOrderStatus.NEW:
            self.move_portfolio_order(parent.id, PortfolioOrderStatus.PROCESSING)
        self._emit_order(step.event, after)

    def note_order(self, order: Order) -> None:
        """Keep a change of an individual order that is no transition of it."""
        self._store(order)

    def open_execution(self, execution: Execution, reported_quantity: Decimal | None) -> None:
        """Begin an execution of an individual order, of which the venue counts `reported_quantity` in all."""
        step = EXECUTION_TRANSITIONS.step(None, execution.status)
        order = self.order(execution.order_id)
        self._store(
            changed(
                order,
                executions=(*order.executions, execution),
                reported_quantity=reported_quantity,
                updated_at=self.now,
            )
        )
        self.changed_executions[execution.id] = execution.order_id
        self._append(step.event, execution.portfolio_order_id, None, execution)

    def move_execution(self, execution: Execution, target: ExecutionStatus) -> None:
        """Take a step of the execution's machine. Raises TransitionRefused."""
        step = EXECUTION_TRANSITIONS.step(execution.status, target)
        after = changed(execution, status=target)
        order = self.order(execution.order_id)
        executions = tuple(after if one.id == after.id else one for one in order.executions)
        self._store(changed(order, executions=executions, updated_at=self.now))
        self.changed_executions[after.id] = after.order_id
        self._append(step.event, after.portfolio_order_id, None, after)

    def complete(self) -> None:
        """Note in each portfolio order how many events it has now."""
        for portfolio_order_id, sequence in self._sequences.items():
            before = self.portfolio_order(portfolio_order_id)
            self.state.portfolio_orders[portfolio_order_id] = changed(before, sequence=sequence)

    def post(
        self,
        asset: str,
        asset_type: AssetType,
        reason: JournalReason,
        *,
        quantity: Decimal = ZERO,
        locked: Decimal = ZERO,
        pending: Decimal = ZERO,
        order: Order | None = None,
        execution_id: UUID | None = None,
        deposit_id: UUID | None = None,
    ) -> None:
        """Change a holding by a journal entry. Raises HoldingOverdrawn."""
        entry = JournalEntry(
            self.state.account.id,
            asset,
            asset_type,
            quantity,
            locked,
            pending,
            reason,
            self.circumstances.message_id,
            self.now,
            order.portfolio_order_id if order else None,
            order.id if order else None,
            execution_id,
            deposit_id,
        )
        self.state.holdings[asset] = self.holding(asset, asset_type).after(entry)
        self.journal.append(entry)

    def _store(self, order: Order) -> None:
        self.state.orders[order.id] = order
        self.changed_orders[order.id] = None

    def _emit_portfolio_order(self, event_type: str, portfolio_order_id: UUID) -> None:
        snapshot = PortfolioOrderSnapshot(self.portfolio_order(portfolio_order_id), self.orders_of(portfolio_order_id))
        self._append(event_type, portfolio_order_id, self._next_sequence(portfolio_order_id), snapshot)

    def _emit_order(self, event_type: str, order: Order) -> None:
        self._append(event_type, order.portfolio_order_id, self._next_sequence(order.portfolio_order_id), order)

    def _next_sequence(self, portfolio_order_id: UUID) -> int:
        """The number of the next event; `complete` writes the last one into the portfolio order."""
        last = self._sequences.get(portfolio_order_id)
        if last is None:
            last = self.portfolio_order(portfolio_order_id).sequence
        self._sequences[portfolio_order_id] = last + 1
        self.changed_portfolio_orders[portfolio_order_id] = None
        return last + 1

    def _append(self, event_type: str, portfolio_order_id: UUID, sequence: int | None, subject: Subject) -> None:
        account = self.state.account
        self.events.append(
            Event(
                self.circumstances.new_id(),
                event_type,
                self.circumstances.now,
                account.client_id,
                account.id,
                portfolio_order_id,
                sequence,
                subject,
            )
        )
