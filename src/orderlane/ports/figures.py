"""What monitoring asks: whether the database can be used, and how much waits in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits, over all clients.

    Attributes:
        waiting_messages: messages to lanes that are not applied yet.
        quarantined_messages: messages that could not be applied; each holds its account.
        lanes_without_worker: lanes that no worker owns.
        oldest_undelivered_event_at: when the oldest event happened that an enabled subscription has not got.
    """

    waiting_messages: int
    quarantined_messages: int
    lanes_without_worker: int
    oldest_undelivered_event_at: datetime | None


class Figures(Protocol):
    """The figures of a process and its database."""

    @property
    def statement_count(self) -> int:
        """How many SQL statements this process has sent."""
        ...

    async def backlog(self) -> Backlog:
        """What waits, by one statement. Raises StoreUnavailable."""
        ...

    async def missing_migrations(self) -> Sequence[str]:
        """The steps of the schema that this version needs and the database does not have. Raises StoreUnavailable."""
        ...
