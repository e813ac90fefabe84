"""Deciding a batch of messages in memory: what was loaded in, what is to be written out."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from time import perf_counter

from orderlane.domain.account import Holding
from orderlane.domain.decision import AccountState, Circumstances, Decision, ParentChange
from orderlane.domain.errors import DomainError
from orderlane.domain.events import Event, topic_of
from orderlane.domain.ids import FRAMES_MAX, AccountId, ParentOrderId, SubjectId, event_ids, slot_of
from orderlane.domain.lane.messages import decide, kind_of
from orderlane.domain.order import Order
from orderlane.ports.lanes import Changes, InboxMessage, JournalRow, LaneHead, Loaded, Segment, Sends
from orderlane.ports.venue import venue_order
from orderlane.resources.events import freeze
from orderlane.resources.formats import CURRENCIES

TURN_SECONDS = 0.02
"""For how long messages are decided before others have their turn: the API may be in the same process."""


class UnknownAccount(DomainError):
    """A message is for an account that does not exist."""

    def __init__(self, subject_id: SubjectId) -> None:
        super().__init__(subject_id)
        self.subject_id = subject_id

    def __str__(self) -> str:
        return f"there is no account {self.subject_id}"


async def decide_batch(loaded: Loaded, new_id: Callable[[], str], turn_seconds: float = TURN_SECONDS) -> Changes:
    """Apply the messages in their order, to the loaded states themselves.

    Raises:
        DomainError: a rule forbids a message; then nothing is to be kept, nor used again.
    """
    batch, turn_began = _Batch(loaded, new_id), perf_counter()
    for message in loaded.messages:
        batch.apply(message)
        if perf_counter() - turn_began > turn_seconds:
            await asyncio.sleep(0)
            turn_began = perf_counter()
    return batch.changes()


class _Batch:
    def __init__(self, loaded: Loaded, new_id: Callable[[], str]) -> None:
        self._loaded = loaded
        self._new_id = new_id
        self._states = loaded.accounts
        self._changes = Changes(heads=dict(loaded.heads))
        self._parents: dict[ParentOrderId, AccountId] = {}
        self._holdings: dict[tuple[AccountId, str], None] = {}

    def apply(self, message: InboxMessage) -> None:
        state = self._states.get(AccountId(message.subject_id))
        if state is None:
            raise UnknownAccount(message.subject_id)
        now = self._time_of(message, state)
        decision = decide(state, message.message, self._circumstances(now))
        decision.apply_to(state)
        self._changes.applied.append(message)
        self._changes.states[state.account.id] = state
        self._collect(decision, message, now)

    def _time_of(self, message: InboxMessage, state: AccountState) -> datetime:
        """The time of what the message leads to: never before the lane's last event, nor before its parent orders."""
        parents = (state.parents.get(parent_id) for parent_id in kind_of(message.message).parents(message.message))
        return max(
            self._loaded.now,
            self._changes.heads[message.lane].last_event_at,
            *(parent.created_at for parent in parents if parent is not None),
        )

    def _circumstances(self, now: datetime) -> Circumstances:
        loaded = self._loaded
        return Circumstances(now, CURRENCIES, loaded.instruments, loaded.allocations, loaded.user_statuses)

    def _collect(self, decision: Decision, message: InboxMessage, now: datetime) -> None:
        account_id = decision.account.id
        self._holdings.update(((account_id, posting.asset), None) for posting in decision.postings)
        self._changes.journal.append(_journal_row(decision, message, now))
        for change in decision.changes.values():
            if not change.is_changed:
                continue
            self._parents[change.parent.id] = account_id
            self._changes.sends += self._sends(change, message.lane)
            for events in _segments_of(change.events):
                self._append(events, change, message, now)

    def _append(self, events: list[Event], change: ParentChange, message: InboxMessage, now: datetime) -> None:
        """Give a segment its place in its lane."""
        head = self._changes.heads[message.lane]
        self._changes.heads[message.lane] = LaneHead(head.position + 1, head.version, now)
        parent = change.parent
        ids = event_ids(self._new_id(), now, len(events), slot_of(parent.id))
        epoch = self._loaded.epoch
        self._changes.segments.append(
            Segment(
                lane=message.lane,
                position=head.position + 1,
                created_at=now,
                epoch=epoch,
                client_id=parent.client_id,
                subject_id=message.subject_id,
                parent_id=parent.id,
                message_id=message.id,
                topics=list(dict.fromkeys(topic_of(event.type) for event in events)),
                ids=ids,
                types=[event.type for event in events],
                sequences=[event.sequence for event in events],
                order_ids=[event.order_id for event in events],
                payload=freeze(
                    events,
                    ids,
                    created_at=now,
                    parent_id=parent.id,
                    epoch=epoch,
                    official_reasons=parent.client_id in self._loaded.official_clients,
                ),
            )
        )

    def _sends(self, change: ParentChange, lane: int) -> Iterator[Sends]:
        """What a message sends of a parent order, by venue."""
        by_venue: defaultdict[int, list[Order]] = defaultdict(list)
        for order in change.sends:
            by_venue[self._loaded.instruments[order.isin].venue.number].append(order)
        for venue_number, orders in by_venue.items():
            yield Sends(
                lane=lane,
                venue_number=venue_number,
                parent_id=change.parent.id,
                account_id=change.parent.account_id,
                wave=orders[0].wave,
                orders=[venue_order(change.parent, order, lane) for order in orders],
            )

    def changes(self) -> Changes:
        changes = self._changes
        changes.holdings = [self._holding(account_id, asset) for account_id, asset in self._holdings]
        changes.parents = [
            self._state(account_id).parents[parent_id] for parent_id, account_id in self._parents.items()
        ]
        return changes

    def _holding(self, account_id: AccountId, asset: str) -> Holding:
        return self._state(account_id).holdings[asset]

    def _state(self, account_id: AccountId) -> AccountState:
        return self._changes.states[account_id]


def _segments_of(events: list[Event]) -> Iterator[list[Event]]:
    """The events of one message and one parent order, cut where a segment is full."""
    for first in range(0, len(events), FRAMES_MAX):
        yield events[first : first + FRAMES_MAX]


def _journal_row(decision: Decision, message: InboxMessage, now: datetime) -> JournalRow:
    parents = kind_of(message.message).parents(message.message)
    return JournalRow(
        message=message,
        parent_id=parents[0] if len(parents) == 1 else None,
        facts=decision.facts,
        postings=decision.postings,
        created_at=now,
    )
