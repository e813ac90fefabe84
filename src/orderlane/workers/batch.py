"""Deciding a batch of messages in memory: what was loaded in, what is to be written out."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from time import perf_counter
from uuid import UUID

from orderlane.domain.decision import Circumstances, Decision
from orderlane.domain.events import Event
from orderlane.domain.lane import decide
from orderlane.domain.order import Execution, Order
from orderlane.ports.lanes import Changes, EventRow, InboxMessage, LaneHead, Loaded
from orderlane.ports.venue import VenueOrder
from orderlane.resources.events import freeze
from orderlane.resources.formats import CURRENCIES

TURN_SECONDS = 0.02
"""For how long messages are decided before others have their turn: the API may be in the same process."""


class UnknownAccount(Exception):
    """A message is for an account that does not exist."""

    def __init__(self, account_id: UUID) -> None:
        super().__init__(account_id)
        self.account_id = account_id

    def __str__(self) -> str:
        return f"there is no account {self.account_id}"


async def decide_batch(
    loaded: Loaded, now: datetime, new_id: Callable[[], UUID], turn_seconds: float = TURN_SECONDS
) -> Changes:
    """Apply the messages in their order. Raises DomainError and UnknownAccount; then nothing is to be kept."""
    batch, turn_began = _Batch(loaded, now, new_id), perf_counter()
    for message in loaded.messages:
        batch.apply(message)
        if perf_counter() - turn_began > turn_seconds:
            await asyncio.sleep(0)
            turn_began = perf_counter()
    return batch.changes()


class _Batch:
    def __init__(self, loaded: Loaded, now: datetime, new_id: Callable[[], UUID]) -> None:
        self._loaded = loaded
        self._now = now
        self._new_id = new_id
        self._states = dict(loaded.accounts)
        self._changes = Changes(heads=dict(loaded.heads))
        self._portfolio_orders: dict[UUID, UUID] = {}
        self._orders: dict[UUID, UUID] = {}
        self._executions: dict[UUID, UUID] = {}
        self._holdings: dict[tuple[UUID, str], None] = {}

    def apply(self, message: InboxMessage) -> None:
        state = self._states.get(message.account_id)
        if state is None:
            raise UnknownAccount(message.account_id)
        now = max(self._now, self._changes.heads[message.lane].last_event_at)
        decision = decide(state, message.message, self._circumstances(message.id, now))
        self._states[message.account_id] = decision.state
        self._changes.lanes[message.account_id] = message.lane
        self._changes.applied.append(message.id)
        self._collect(decision, message)
        self._number(decision.events, message.lane, now)

    def _circumstances(self, message_id: int, now: datetime) -> Circumstances:
        return Circumstances(
            message_id, now, self._new_id, CURRENCIES, self._loaded.instruments, self._loaded.allocations
        )

    def _collect(self, decision: Decision, message: InboxMessage) -> None:
        account_id = message.account_id
        self._changes.journal += decision.journal
        self._holdings.update(((account_id, entry.asset), None) for entry in decision.journal)
        self._portfolio_orders.update(dict.fromkeys(decision.changed_portfolio_orders, account_id))
        self._orders.update(dict.fromkeys(decision.changed_orders, account_id))
        self._executions.update(decision.changed_executions)
        self._changes.sends += [venue_order(order, message.lane) for order in decision.sends]

    def _number(self, events: Iterable[Event], lane: int, now: datetime) -> None:
        position = self._changes.heads[lane].position
        for event in events:
            position += 1
            self._changes.events.append(_event_row(event, lane, position))
        self._changes.heads[lane] = LaneHead(position, now)

    def changes(self) -> Changes:
        changes = self._changes
        states = changes.states = self._states
        changes.holdings = [states[account_id].holdings[asset] for account_id, asset in self._holdings]
        changes.portfolio_orders = [
            states[account_id].portfolio_orders[one] for one, account_id in self._portfolio_orders.items()
        ]
        self._sort_orders()
        self._sort_executions()
        return changes

    def _sort_orders(self) -> None:
        """New or changed, by whether it was loaded."""
        for order_id, account_id in self._orders.items():
            known = order_id in self._loaded.accounts[account_id].orders
            kept = self._changes.changed_orders if known else self._changes.new_orders
            kept.append(self._states[account_id].orders[order_id])

    def _sort_executions(self) -> None:
        for execution_id, order_id in self._executions.items():
            account_id = self._orders[order_id]
            loaded = self._loaded.accounts[account_id].orders.get(order_id)
            known = loaded is not None and any(one.id == execution_id for one in loaded.executions)
            kept = self._changes.changed_executions if known else self._changes.new_executions
            kept.append(_execution(self._states[account_id].orders[order_id], execution_id))


def _execution(order: Order, execution_id: UUID) -> Execution:
    return next(one for one in order.executions if one.id == execution_id)


def _event_row(event: Event, lane: int, position: int) -> EventRow:
    return EventRow(
        lane,
        position,
        event.id,
        event.type,
        event.created_at,
        event.client_id,
        event.account_id,
        event.portfolio_order_id,
        event.sequence,
        freeze(event),
    )


def venue_order(order: Order, lane: int) -> VenueOrder:
    """An individual order as its venue gets it."""
    return VenueOrder(
        order.id,
        order.portfolio_order_id,
        order.account_id,
        lane,
        order.side,
        order.isin,
        order.cash_amount,
        order.quantity,
        order.locked,
        order.currency,
        order.reference_price,
        order.fractional,
    )
