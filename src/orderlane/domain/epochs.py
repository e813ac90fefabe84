"""Epochs: histories of the database, each of which may have lost what readers of the one before have seen.

A failover to a standby or a restore begins a new epoch, with the lanes' heads that were found then. What lay above
these heads is gone, and its positions are given to other events.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct


class Epoch(Struct, frozen=True, kw_only=True):
    """One history of the database; `heads` has the position of each lane's last event when it began."""

    number: int
    system_identifier: int
    timeline: int
    heads: tuple[int, ...]
    reason: str
    began_at: datetime

    def is_of(self, system_identifier: int, timeline: int) -> bool:
        """Whether a database with this identity is still in this epoch."""
        return (self.system_identifier, self.timeline) == (system_identifier, timeline)


def forked_lanes(cursor_epoch: int, positions: Sequence[int], epochs: Iterable[Epoch]) -> frozenset[int]:
    """The lanes of a cursor that cannot go on: a later epoch began below it, so it has seen what is no more.

    A cursor is the number of the epoch in which it was moved last, and a position for each lane. When no lane is
    forked, it may be moved on under the number of the latest of the epochs.

    Raises:
        ValueError: the cursor and an epoch have different numbers of lanes.
    """
    return frozenset(
        lane
        for epoch in epochs
        if epoch.number > cursor_epoch
        for lane, (head, position) in enumerate(zip(epoch.heads, positions, strict=True))
        if head < position
    )
