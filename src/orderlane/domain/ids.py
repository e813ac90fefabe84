"""Ids: UUIDs as canonical text, of which those of a lane's things carry their slot (RFC 9562, versions 7 and 8).

A slot (0 … 1023) is the low 10 bits of an id, for ever; the lane is the slot modulo the number of lanes. An individual
order's id is its parent order's with the number of its leg in the 12 bits after the version, so the parent and the lane
of an order are pure functions of its id. Every function here works on text in canonical lower case, which the edges
make once (`parse_id`).

    xxxxxxxx-xxxx-7aaa-yrrr-rrrrrrrrrrrs   x milliseconds, a `rand_a`, y variant and randomness, s ends with the slot
"""

import re
from datetime import datetime
from hashlib import sha256
from typing import Final, NewType, TypeVar
from uuid import UUID

ClientId = NewType("ClientId", str)
UserId = NewType("UserId", str)
AccountGroupId = NewType("AccountGroupId", str)
AccountId = NewType("AccountId", str)
AllocationId = NewType("AllocationId", str)
InstrumentId = NewType("InstrumentId", str)
VenueId = NewType("VenueId", str)
DepositId = NewType("DepositId", str)
ParentOrderId = NewType("ParentOrderId", str)
OrderId = NewType("OrderId", str)
ExecutionId = NewType("ExecutionId", str)
EventId = NewType("EventId", str)
SubscriptionId = NewType("SubscriptionId", str)
SubjectId = NewType("SubjectId", str)
"""Whose messages a lane applies in sequence: an account, or later a user, an allocation or a client."""

SLOTS: Final = 1024
LEGS_MAX: Final = 4095
FRAMES_MAX: Final = 4096

_WRITTEN: Final = re.compile(r"[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{12}")
_RAND_A: Final = slice(15, 18)
_RAND_B: Final = 19

IdT = TypeVar("IdT", bound=str)


def parse_id(text: str) -> str:
    """The canonical text of a UUID, written with or without hyphens, in any case. Raises ValueError."""
    if not _WRITTEN.fullmatch(text):
        raise ValueError(f"{text!r} is no UUID")
    return str(UUID(text))


def slot_of(any_id: str) -> int:
    """The slot that an id carries, 0 to 1023."""
    return int(any_id[-3:], 16) % SLOTS


def lane_of(any_id: str, lane_count: int) -> int:
    """The lane of an id, 0 to `lane_count` - 1; `lane_count` is a power of two up to 1024."""
    return int(any_id[-3:], 16) % lane_count


def in_slot(fresh: IdT, slot: int) -> IdT:
    """A new id in a slot: `fresh`, a UUID of version 7, with its low 10 bits replaced."""
    return type(fresh)(f"{fresh[:-3]}{int(fresh[-3:], 16) & ~(SLOTS - 1) | slot:03x}")


def account_id(fresh: str, group_id: AccountGroupId) -> AccountId:
    """The id of a new account: in its group's slot, as the cash of a group never spans lanes."""
    return AccountId(in_slot(fresh, slot_of(group_id)))


def parent_order_id(fresh: str, now: datetime, account: AccountId) -> ParentOrderId:
    """The id of a new parent order of an account, made `now`: leg number 0, which no individual order has."""
    return ParentOrderId(_version_7(now, 0, in_slot(fresh, slot_of(account))))


def deposit_id(fresh: str, now: datetime, account: AccountId) -> DepositId:
    """The id of a new deposit of an account, made `now`: by the law of the account's parent orders."""
    return DepositId(parent_order_id(fresh, now, account))


def order_id(parent: ParentOrderId, leg: int) -> OrderId:
    """The id of a parent order's leg, 1 to 4095, counted over all its waves. Raises ValueError for any other number."""
    if not 1 <= leg <= LEGS_MAX:
        raise ValueError(f"a parent order has legs 1 to {LEGS_MAX}, not {leg}")
    return OrderId(f"{parent[:15]}{leg:03x}{parent[18:]}")


def parent_of(order: OrderId) -> ParentOrderId:
    """The parent order of an individual order."""
    return ParentOrderId(f"{order[:15]}000{order[18:]}")


def leg_of(order: OrderId) -> int:
    """The number of an individual order among all legs of its parent order."""
    return int(order[_RAND_A], 16)


def event_id(fresh: str, now: datetime, frame: int, slot: int) -> EventId:
    """The id of an event: its segment's time, its frame (0 to 4095) in the segment, the segment's randomness, a slot.

    The events of one segment share `fresh`. Raises ValueError for a frame that no segment has.
    """
    if not 0 <= frame < FRAMES_MAX:
        raise ValueError(f"a segment has frames 0 to {FRAMES_MAX - 1}, not {frame}")
    return EventId(_version_7(now, frame, in_slot(fresh, slot)))


def event_ids(fresh: str, now: datetime, frames: int, slot: int) -> list[EventId]:
    """The ids of a segment's events, frame by frame. Raises ValueError for more frames than a segment has."""
    if frames > FRAMES_MAX:
        raise ValueError(f"a segment has at most {FRAMES_MAX} frames, not {frames}")
    first = event_id(fresh, now, 0, slot)
    head, tail = first[:15], first[18:]
    return [EventId(f"{head}{frame:03x}{tail}") for frame in range(frames)]


def execution_id(venue: VenueId, venue_execution_id: str, order: OrderId) -> ExecutionId:
    """The id of a venue's execution for one order: a UUID of version 8, so a second report of it meets the first.

    A block fill that the desk gives to many orders is an execution of its own in each of them. The low 10 bits are the
    order's slot.
    """
    digest = sha256(f"{venue}\n{venue_execution_id}\n{order}".encode()).hexdigest()
    variant = "89ab"[int(digest[16], 16) % 4]
    text = f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"
    return ExecutionId(in_slot(text, slot_of(order)))


def _version_7(now: datetime, rand_a: int, fresh: str) -> str:
    """The time and `rand_a` of a new id, with the variant and the randomness of `fresh`."""
    milliseconds = f"{round(now.timestamp() * 1000):012x}"
    return f"{milliseconds[:8]}-{milliseconds[8:]}-7{rand_a:03x}-{fresh[_RAND_B:]}"
