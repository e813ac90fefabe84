"""What one message does to one account: state in, state, events, postings and orders to send out.

A `Decision` starts from a loaded `AccountState`, which it leaves untouched, and collects. A transition can only be made
through the `ParentChange` of its parent order, and making one emits its event: there is no way to do one without the
other. Every step hands back the record that it changed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Unpack

from msgspec import Struct, field

from orderlane.domain.account import Account, AssetType, Holding, Posting
from orderlane.domain.allocation import Allocation
from orderlane.domain.errors import UnknownOrder, UnknownParentOrder, WaveRefused
from orderlane.domain.events import Event, ExecutionSnapshot, OrderSnapshot, PortfolioOrderSnapshot
from orderlane.domain.ids import AllocationId, OrderId, ParentOrderId, UserId, leg_of
from orderlane.domain.instruments import Instrument
from orderlane.domain.money import Currency
from orderlane.domain.order import (
    EXECUTION_TRANSITIONS,
    ORDER_TRANSITIONS,
    Execution,
    ExecutionStatus,
    Order,
    OrderChanges,
    OrderStatus,
)
from orderlane.domain.parent_order import ParentChanges, ParentOrder
from orderlane.domain.planning import PlanFacts
from orderlane.domain.portfolio_order import PORTFOLIO_ORDER_TRANSITIONS, PortfolioOrderStatus
from orderlane.domain.users import UserStatus


class Circumstances(Struct, frozen=True):
    """What a decision may know beside the account: the time, the market, and where the relation with users stands.

    All of it is as of the decision, whatever it was when the message was accepted.
    """

    now: datetime
    currencies: Mapping[str, Currency]
    instruments: Mapping[str, Instrument]
    allocations: Mapping[AllocationId, Allocation]
    user_statuses: Mapping[UserId, UserStatus]


class AccountState(Struct, frozen=True):
    """An account, its holdings by asset, and those parent orders that a message concerns."""

    account: Account
    holdings: dict[str, Holding] = field(default_factory=dict)
    parents: dict[ParentOrderId, ParentOrder] = field(default_factory=dict)

    def copy(self) -> "AccountState":
        """The same state in dictionaries of its own; the entries never change."""
        return AccountState(self.account, dict(self.holdings), dict(self.parents))


class ParentChange:
    """One parent order while a message is applied to it: as it is now, and the events so far."""

    def __init__(self, parent: ParentOrder, now: datetime) -> None:
        self.parent = parent
        self._orders = list(parent.orders)
        self._sequence = parent.sequence
        self._now = now
        self._open_legs = sum(not order.is_final for order in self._orders)
        self.is_changed = False
        self.sends: list[Order] = []
        self.events: list[Event] = []

    @property
    def orders(self) -> Sequence[Order]:
        """The individual orders as they are now, in the order of their legs."""
        return self._orders

    @property
    def is_traded_out(self) -> bool:
        """Whether every individual order is at its end, and no other is to come."""
        return self.parent.is_last_wave and not self._open_legs

    def order(self, order_id: OrderId) -> Order:
        """One of its individual orders.

        Raises:
            UnknownOrder: it has no such order.
        """
        leg = leg_of(order_id)
        if not 0 < leg <= len(self._orders):
            raise UnknownOrder(order_id, self.parent.account_id)
        return self._orders[leg - 1]

    def result(self) -> ParentOrder:
        """The parent order with everything that changed."""
        return self.parent.replace(orders=tuple(self._orders), sequence=self._sequence)

    def announce(self) -> None:
        """Emit the beginning of a portfolio order that was stored as NEW when it was accepted.

        Raises:
            TransitionRefused: it has begun already.
        """
        status = self.parent.status if self._sequence else None
        self._emit_parent(PORTFOLIO_ORDER_TRANSITIONS.step(status, PortfolioOrderStatus.NEW).event)

    def move(self, target: PortfolioOrderStatus, **changes: Unpack[ParentChanges]) -> None:
        """Take a step of the portfolio order's machine, with `changes` to its fields.

        Raises:
            TransitionRefused: the machine has no such step.
        """
        step = PORTFOLIO_ORDER_TRANSITIONS.step(self.parent.status, target)
        changes["status"], changes["updated_at"] = target, self._now
        self.parent = self.parent.replace(**changes)
        self._emit_parent(step.event)

    def open_wave(self, orders: Sequence[Order], *, is_last: bool = True) -> None:
        """Begin one more wave of individual orders, whose legs go on where the last wave's end, and send them.

        Raises:
            WaveRefused: the parent order is at its end, its last wave was opened, or there is nothing to open.
        """
        if self.parent.is_final or not orders or (self.parent.wave and self.parent.is_last_wave):
            raise WaveRefused(self.parent.id, self.parent.wave, len(orders))
        self.parent = self.parent.replace(wave=self.parent.wave + 1, is_last_wave=is_last)
        self.sends += orders
        for order in orders:
            step = ORDER_TRANSITIONS.step(None, order.status)
            self._orders.append(order)
            self._open_legs += 1
            self._emit_order(step.event, order)

    def move_order(self, before: Order, target: OrderStatus, **changes: Unpack[OrderChanges]) -> Order:
        """Take a step of the individual order's machine; the order as it is then.

        The first order to be PROCESSING takes its portfolio order there, whose event comes first: the guide's sequence.

        Raises:
            TransitionRefused: the machine has no such step.
        """
        step = ORDER_TRANSITIONS.step(before.status, target)
        changes["status"], changes["updated_at"] = target, self._now
        order = self.note(before.replace(**changes))
        if target is OrderStatus.PROCESSING and self.parent.status is PortfolioOrderStatus.NEW:
            self.move(PortfolioOrderStatus.PROCESSING)
        self._emit_order(step.event, order)
        return order

    def note(self, order: Order) -> Order:
        """Keep a change of an individual order that is no transition of it; the order."""
        self._open_legs += self._orders[order.leg - 1].is_final - order.is_final
        self._orders[order.leg - 1] = order
        self.is_changed = True
        return order

    def open_execution(self, before: Order, execution: Execution) -> Order:
        """Begin an execution of an individual order; the order with it."""
        step = EXECUTION_TRANSITIONS.step(None, execution.status)
        order = self.note(before.replace(executions=(*before.executions, execution), updated_at=self._now))
        self._emit_execution(step.event, order, execution)
        return order

    def move_execution(self, before: Order, execution: Execution, target: ExecutionStatus) -> Order:
        """Take a step of the execution's machine; its order as it is then.

        Raises:
            TransitionRefused: the machine has no such step.
        """
        step = EXECUTION_TRANSITIONS.step(execution.status, target)
        after = execution.moved_to(target)
        executions = tuple(after if trade.id == after.id else trade for trade in before.executions)
        order = self.note(before.replace(executions=executions, updated_at=self._now))
        self._emit_execution(step.event, order, after)
        return order

    def _emit_parent(self, event_type: str) -> None:
        sequence = self._next_sequence()
        self.events.append(Event(event_type, sequence, PortfolioOrderSnapshot(self.result())))

    def _emit_order(self, event_type: str, order: Order) -> None:
        self.events.append(Event(event_type, self._next_sequence(), OrderSnapshot(self.parent, order)))

    def _emit_execution(self, event_type: str, order: Order, execution: Execution) -> None:
        self.events.append(Event(event_type, None, ExecutionSnapshot(self.parent, order, execution)))

    def _next_sequence(self) -> int:
        self._sequence += 1
        self.is_changed = True
        return self._sequence


class Decision:
    """Collects what a message changes, in the order in which it changed."""

    def __init__(self, state: AccountState, circumstances: Circumstances) -> None:
        self.account = state.account
        self.circumstances = circumstances
        self.holdings = dict(state.holdings)
        self.postings: list[Posting] = []
        self.facts: PlanFacts | None = None
        self.changes: dict[ParentOrderId, ParentChange] = {}
        self._parents = state.parents

    @property
    def now(self) -> datetime:
        """The time at which the decision is made."""
        return self.circumstances.now

    def change(self, parent_id: ParentOrderId) -> ParentChange:
        """The parent order, to be changed.

        Raises:
            UnknownParentOrder: the account has no such parent order, or it was not loaded.
        """
        change = self.changes.get(parent_id)
        if change is None:
            parent = self._parents.get(parent_id)
            if parent is None:
                raise UnknownParentOrder(parent_id, self.account.id)
            change = self.changes[parent_id] = ParentChange(parent, self.now)
        return change

    def holding(self, asset: str, asset_type: AssetType) -> Holding:
        """What the account holds of `asset`, also when that is nothing."""
        return self.holdings.get(asset) or Holding(account_id=self.account.id, asset=asset, asset_type=asset_type)

    def post(self, posting: Posting) -> None:
        """Change a holding.

        Raises:
            HoldingOverdrawn: that would leave less than nothing.
        """
        self.holdings[posting.asset] = self.holding(posting.asset, posting.asset_type).after(posting)
        self.postings.append(posting)

    def apply_to(self, state: AccountState) -> None:
        """Put everything that changed into `state`, which must be what the decision started from."""
        state.holdings.update(self.holdings)
        changed = ((parent_id, change) for parent_id, change in self.changes.items() if change.is_changed)
        state.parents.update((parent_id, change.result()) for parent_id, change in changed)
