"""What the timers need of their store: to be the only ones, and the chores that are due by the database's clock."""

from datetime import date, timedelta
from typing import Protocol


class ComparedClock(Protocol):
    """The database's clock, and how the machine's own compares to it."""

    @property
    def difference(self) -> timedelta:
        """How much the machine's own clock is ahead of the database's."""
        ...

    @property
    def differs(self) -> bool:
        """Whether that is so much that no timer may go by either."""
        ...


class TimerStore(Protocol):
    """One process's hold on the timers. Every method raises StoreUnavailable.

    Ownership ends with the session that it lives in. Every chore may be done twice without harm.
    """

    async def own(self) -> bool:
        """Claim the timers if they are free; whether they are owned now."""
        ...

    async def give_up(self) -> None:
        """Leave the timers to another process."""
        ...

    async def business_date(self) -> date:
        """The day, in UTC, that the service is in."""
        ...

    async def make_event_partition(self, day: date) -> bool:
        """Give the events of a day (in UTC) a partition of their own; whether it had none."""
        ...

    async def settle_due(self, today: date, limit: int) -> int:
        """Put messages into the inbox for up to `limit` parent orders with executions due to settle; how many.

        Left for later: parent orders that still trade, and accounts with a message of this kind that still waits.
        """
        ...

    async def forget_idempotency_records(self, older_than: timedelta, limit: int) -> int:
        """Delete up to `limit` idempotency records that are older; how many."""
        ...

    async def forget_nonces(self, older_than: timedelta, limit: int) -> int:
        """Delete up to `limit` nonces whose signatures expired that long ago; how many."""
        ...

    async def forget_attempts(self, older_than: timedelta, limit: int) -> int:
        """Delete up to `limit` attempts to deliver webhooks that were made that long ago; how many."""
        ...

    async def close(self) -> None:
        """Give the timers back."""
        ...
