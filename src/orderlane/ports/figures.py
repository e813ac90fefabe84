"""What monitoring asks: whether the database can be used, and how much waits in it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct


class Backlog(Struct, frozen=True, kw_only=True):
    """What waits, over all clients.

    Attributes:
        waiting_messages: messages to lanes that are not applied yet.
        quarantined_messages: messages that could not be applied; each holds its account.
        lanes_without_worker: lanes that no worker owns.
        oldest_undelivered_event_at: when, in business time, the oldest event happened that an enabled subscription
            has not got.
        oldest_message_age_seconds: how long the oldest message waits that is not applied yet.
    """

    waiting_messages: int
    oldest_message_age_seconds: float
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
        """What waits, by one statement.

        Raises:
            StoreUnavailable: the database is lost.
        """
        ...

    async def write_refusal(self) -> str | None:
        """Why the database takes no writes, found out by writing; None when it does.

        Raises:
            StoreUnavailable: the database is lost.
        """
        ...

    async def missing_migrations(self) -> Sequence[str]:
        """The steps of the schema that this version needs and the database does not have.

        Raises:
            StoreUnavailable: the database is lost.
        """
        ...
