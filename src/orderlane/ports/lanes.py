"""What a lane worker needs of its store: a share of the lanes, and batches that are one transaction each."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from msgspec import Struct, field

from orderlane.domain.account import Holding, Posting
from orderlane.domain.allocation import Allocation
from orderlane.domain.decision import AccountState
from orderlane.domain.ids import AccountId, AllocationId, ClientId, EventId, OrderId, ParentOrderId, SubjectId, UserId
from orderlane.domain.instruments import Instrument
from orderlane.domain.lane.messages import Message
from orderlane.domain.parent_order import ParentOrder
from orderlane.domain.planning import PlanFacts
from orderlane.domain.users import UserStatus
from orderlane.ports.venue import VenueOrder


class InboxMessage(Struct, frozen=True, kw_only=True):
    """A message to a lane, numbered in the order in which its subject's messages are applied.

    `actor` asked for it (client:<id>, venue:<name>, timer, operator), by the request `request_id` if it was one.
    """

    id: int
    lane: int
    subject_id: SubjectId
    actor: str
    request_id: str
    received_at: datetime
    message: Message


class LaneHead(Struct, frozen=True):
    """The position and time of a lane's last segment of events, and the version that the next write compares."""

    position: int
    version: int
    last_event_at: datetime


class Loaded(Struct, frozen=True, kw_only=True):
    """All that a batch needs; `now` is the database's business time, `epoch` the number of its last epoch.

    `official_clients` has those of the accounts' clients that are told reasons in the public API's words.
    """

    messages: Sequence[InboxMessage]
    now: datetime
    epoch: int
    heads: Mapping[int, LaneHead]
    accounts: Mapping[AccountId, AccountState]
    instruments: Mapping[str, Instrument]
    allocations: Mapping[AllocationId, Allocation]
    user_statuses: Mapping[UserId, UserStatus]
    official_clients: Collection[ClientId] = frozenset()


class Segment(Struct, frozen=True, kw_only=True):
    """The events of one message and one parent order (or of none), frozen, at their place in their lane.

    `payload` is the JSON of each event, one a line; the lists have an entry for each event.
    """

    lane: int
    position: int
    created_at: datetime
    epoch: int
    client_id: ClientId
    subject_id: SubjectId
    parent_id: ParentOrderId | None
    message_id: int
    topics: Sequence[str]
    ids: Sequence[EventId]
    types: Sequence[str]
    sequences: Sequence[int | None]
    order_ids: Sequence[OrderId | None]
    payload: bytes


class JournalRow(Struct, frozen=True, kw_only=True):
    """One applied message: who asked for what, what was decided from, and every change of a holding that followed."""

    message: InboxMessage
    parent_id: ParentOrderId | None
    facts: PlanFacts | None
    postings: Sequence[Posting]
    created_at: datetime


class Sends(Struct, frozen=True, kw_only=True):
    """The individual orders that one wave of a parent order sends to one venue."""

    lane: int
    venue_number: int
    parent_id: ParentOrderId
    account_id: AccountId
    wave: int
    orders: Sequence[VenueOrder]


class Changes(Struct, kw_only=True):
    """All that a batch writes, each row once and as it is at the end of the batch.

    `heads` are the lanes' new heads; the store compares their versions with those that were read.
    """

    applied: list[InboxMessage] = field(default_factory=list)
    heads: dict[int, LaneHead] = field(default_factory=dict)
    states: dict[AccountId, AccountState] = field(default_factory=dict)
    segments: list[Segment] = field(default_factory=list)
    journal: list[JournalRow] = field(default_factory=list)
    holdings: list[Holding] = field(default_factory=list)
    parents: list[ParentOrder] = field(default_factory=list)
    sends: list[Sends] = field(default_factory=list)


class LaneLost(Exception):
    """Another writer has moved the lanes' heads: nothing of the batch is kept, and the lanes are not this worker's."""

    def __init__(self, lanes: Collection[int]) -> None:
        super().__init__(lanes)
        self.lanes = frozenset(lanes)

    def __str__(self) -> str:
        return f"lanes {', '.join(str(lane) for lane in sorted(self.lanes))} were written by somebody else"


class LaneBatch(Protocol):
    """A transaction over a batch: what was taken out of the inbox, and the one write that applies it."""

    loaded: Loaded | None
    """The messages, in the order to apply them, with all that they need; None when nothing waits."""

    async def write(self, changes: Changes) -> None:
        """Write everything, and delete the applied messages. Commits with the batch's context.

        Raises:
            LaneLost: another writer was faster; the transaction rolls back.
        """
        ...


class LaneStore(Protocol):
    """One worker's hold on its lanes, and its access to them. Ownership ends with the session that it lives in.

    Every method raises StoreUnavailable.
    """

    lane_count: int

    async def redistribute(self) -> frozenset[int]:
        """Claim free lanes up to a fair share, give back what is too much; the lanes now owned."""
        ...

    async def give_up(self, lanes: Collection[int]) -> None:
        """Give lanes back at once, and forget all that is remembered of them."""
        ...

    @property
    def is_hinted(self) -> bool:
        """Whether lanes may have come free, or another worker wants some, since they were last redistributed."""
        ...

    def batch(self, lanes: Sequence[int], limit: int) -> AbstractAsyncContextManager[LaneBatch]:
        """Begin a transaction and take up to `limit` messages, lane by lane in the order of `lanes`."""
        ...

    async def waiting(self, lanes: Sequence[int], limit: int) -> Sequence[tuple[int, int]]:
        """Lane and id of the messages that `batch` would take."""
        ...

    def single(self, lane: int, message_id: int) -> AbstractAsyncContextManager[LaneBatch]:
        """Begin a transaction for one message alone."""
        ...

    async def quarantine(self, lane: int, message_id: int, error: str) -> None:
        """Move a message that cannot be applied out of the inbox, which holds its subject."""
        ...

    async def wait_for_message(self, seconds_max: float) -> None:
        """Return when something may have come into the inbox, at the latest after `seconds_max`."""
        ...

    async def close(self) -> None:
        """Give everything back."""
        ...
