"""What the timers need of their store: to be the only ones, and the chores that are due by the clock."""

from datetime import date, datetime
from typing import Protocol


class TimerStore(Protocol):
    """One process's hold on the timers. Every method raises StoreUnavailable.

    Ownership ends with the session that it lives in. Every chore may be done twice without harm.
    """

    async def own(self) -> bool:
        """Take the timers if nobody has them; whether they are owned now."""
        ...

    async def make_event_partition(self, day: date) -> bool:
        """Give the events of a day (in UTC) a partition of their own; whether it had none."""
        ...

    async def settle_due(self, today: date, limit: int) -> int:
        """Tell the lanes of up to `limit` executions that are due to settle; how many.

        Not told: executions of portfolio orders that still trade, and of accounts that have not applied what they were
        told before.
        """
        ...

    async def forget_idempotency_records(self, before: datetime, limit: int) -> int:
        """Drop up to `limit` idempotency records that are older; how many."""
        ...

    async def forget_nonces(self, now: datetime, limit: int) -> int:
        """Drop up to `limit` nonces whose signatures are too old to count; how many."""
        ...

    async def forget_attempts(self, before: datetime, limit: int) -> int:
        """Drop up to `limit` attempts to deliver webhooks that were made earlier; how many."""
        ...

    async def close(self) -> None:
        """Give the timers back."""
        ...
