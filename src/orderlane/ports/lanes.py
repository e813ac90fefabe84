"""What a lane worker needs of its store: a share of the lanes, and batches that are one transaction each."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from orderlane.domain.account import Holding, JournalEntry
from orderlane.domain.allocation import Allocation
from orderlane.domain.decision import AccountState
from orderlane.domain.instruments import Instrument
from orderlane.domain.messages import Message
from orderlane.domain.order import Execution, Order
from orderlane.domain.portfolio_order import PortfolioOrder
from orderlane.ports.venue import VenueOrder


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """A message to an account's lane, numbered in the order in which the account's messages are applied."""

    id: int
    lane: int
    account_id: UUID
    message: Message


@dataclass(frozen=True, slots=True)
class LaneHead:
    """The position and time of a lane's last event."""

    position: int
    last_event_at: datetime


@dataclass(frozen=True, slots=True)
class Loaded:
    """All that a batch of messages needs to be decided."""

    messages: Sequence[InboxMessage]
    heads: Mapping[int, LaneHead]
    accounts: Mapping[UUID, AccountState]
    instruments: Mapping[str, Instrument]
    allocations: Mapping[UUID, Allocation]


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event at its place in its lane, frozen."""

    lane: int
    position: int
    id: UUID
    type: str
    created_at: datetime
    client_id: UUID
    account_id: UUID
    portfolio_order_id: UUID
    sequence: int | None
    payload: bytes


@dataclass(slots=True)
class Changes:
    """All that a batch writes, each row once and as it is at the end of the batch.

    `lanes` maps accounts to lanes, `states` has each account as it is at the end.
    """

    applied: list[int] = field(default_factory=list)
    lanes: dict[UUID, int] = field(default_factory=dict)
    states: dict[UUID, AccountState] = field(default_factory=dict)
    heads: dict[int, LaneHead] = field(default_factory=dict)
    events: list[EventRow] = field(default_factory=list)
    journal: list[JournalEntry] = field(default_factory=list)
    holdings: list[Holding] = field(default_factory=list)
    portfolio_orders: list[PortfolioOrder] = field(default_factory=list)
    new_orders: list[Order] = field(default_factory=list)
    changed_orders: list[Order] = field(default_factory=list)
    new_executions: list[Execution] = field(default_factory=list)
    changed_executions: list[Execution] = field(default_factory=list)
    sends: list[VenueOrder] = field(default_factory=list)


class LaneBatch(Protocol):
    """A transaction over a batch: what was taken out of the inbox, and the one write that applies it."""

    loaded: Loaded
    """The messages, in the order to apply them, with all that they need."""

    async def write(self, changes: Changes) -> None:
        """Write everything, and delete the applied messages. Commits with the batch's context."""
        ...


class LaneStore(Protocol):
    """One worker's hold on its lanes, and its access to them. Ownership ends with the session that it lives in."""

    async def rebalance(self) -> frozenset[int]:
        """Take free lanes up to a fair share, give back what is too much; the lanes now owned."""
        ...

    @property
    def is_rebalance_hinted(self) -> bool:
        """Whether lanes may have come free, or another worker wants some, since the last rebalance."""
        ...

    def batch(self, lanes: Collection[int], limit: int) -> AbstractAsyncContextManager[LaneBatch]:
        """Begin a transaction and take up to `limit` messages of the lanes whose accounts are not held."""
        ...

    async def waiting(self, lanes: Collection[int], limit: int) -> list[int]:
        """The ids of the messages that `batch` would take."""
        ...

    def single(self, message_id: int) -> AbstractAsyncContextManager[LaneBatch]:
        """Begin a transaction for one message alone."""
        ...

    async def quarantine(self, message_id: int, error: str, now: datetime) -> None:
        """Move a message that can't be applied out of the inbox, which holds its account."""
        ...

    async def wait_for_message(self, seconds_max: float) -> None:
        """Return when something may have come into the inbox, at the latest after `seconds_max`."""
        ...

    async def close(self) -> None:
        """Give everything back."""
        ...
