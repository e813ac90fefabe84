"""What an operator asks of a running service: how it is, and what waits for a person."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from msgspec import Struct

from orderlane.domain.epochs import Epoch
from orderlane.domain.ids import ClientId, ParentOrderId, SubjectId, SubscriptionId
from orderlane.domain.parent_order import ParentOrder

DISABLED_BY_OPERATOR: Final = "the operator disabled it"
"""Why a subscription is disabled that an operator disabled, as its client is told."""


class Quarantined(Struct, frozen=True, kw_only=True):
    """A message that could not be applied; while it is there its subject (an account) is held.

    `set_aside` counts the messages for the subject that came meanwhile.
    """

    id: int
    lane: int
    subject_id: SubjectId
    kind: str
    error: str
    quarantined_at: datetime
    set_aside: int


class VenueHealth(Struct, frozen=True, kw_only=True):
    """A venue, and the lanes of which no gateway serves it."""

    name: str
    without_gateway: Sequence[int]


class LaneHealth(Struct, frozen=True, kw_only=True):
    """The lanes, those of them that no worker owns, the venues, and how long the oldest message has waited."""

    lane_count: int
    without_worker: Sequence[int]
    venues: Sequence[VenueHealth]
    waiting_messages: int
    oldest_message_age: timedelta | None


class DeliveryHealth(Struct, frozen=True, kw_only=True):
    """An enabled or disabled webhook subscription, and how old the oldest event is that it has not got.

    `oldest_undelivered_age` is None when there is none; `last_error` is None when the last attempt succeeded.
    `last_attempt_at` is None when there was none in the time for which attempts are kept.
    `stopped_lanes` are those whose history forked in front of its cursor (`cursor_forked`): nothing of them is sent.
    """

    subscription_id: SubscriptionId
    title: str
    url: str
    enabled: bool
    disabled_reason: str | None
    has_sender: bool
    oldest_undelivered_age: timedelta | None
    attempts: int
    last_error: str | None
    client_id: ClientId
    client_name: str
    last_attempt_at: datetime | None = None
    stopped_lanes: Sequence[int] = ()


class StandbyHealth(Struct, frozen=True, kw_only=True):
    """A standby that is connected, as the primary sees it."""

    name: str
    state: str
    sync_state: str
    lag: timedelta


class ReplicationHealth(Struct, frozen=True, kw_only=True):
    """Whom COMMITs wait for, and who is there.

    Attributes:
        synchronous_names: the setting `synchronous_standby_names`; empty when no COMMIT waits.
        standbys: those whose state may be seen.
        hidden_standbys: how many more there are, of which this role sees nothing else.
        sees_all: whether this role sees the standbys and sessions of other roles.
        longest_wait: how long the oldest COMMIT waits for a standby, None when none does.
    """

    synchronous_names: str
    standbys: Sequence[StandbyHealth]
    hidden_standbys: int
    sees_all: bool
    waiting_commits: int
    longest_wait: timedelta | None


class SessionHealth(Struct, frozen=True, kw_only=True):
    """A session that should beat; `pid` is that of its server process, `host` that of the program.

    `clock_is_wrong` says whether the clock of that host differs so much that its timers refuse to work.
    """

    pid: int
    role: str
    process_id: str
    host: str
    silence: timedelta
    clock_difference: timedelta
    clock_is_wrong: bool
    waits_for_standby: bool


class Operator(Protocol):
    """An operator's view, over all clients. Every method raises StoreUnavailable."""

    async def server_version(self) -> str:
        """The version of the PostgreSQL server."""
        ...

    async def refused_locks(self) -> str | None:
        """Prove the advisory locks with two sessions; why they are no locks, or None when they are."""
        ...

    async def replication(self) -> ReplicationHealth:
        """The standbys, and the COMMITs that wait for one."""
        ...

    async def epochs(self) -> Sequence[Epoch]:
        """Every epoch of the database, the first first."""
        ...

    async def sessions(self) -> Sequence[SessionHealth]:
        """The sessions of all processes, those that are silent for longest first; none on a standby."""
        ...

    async def lanes(self) -> LaneHealth:
        """How the lanes are."""
        ...

    async def quarantined(self) -> Sequence[Quarantined]:
        """List quarantined messages, the oldest first."""
        ...

    async def release(self, message_id: int) -> None:
        """Put a quarantined message, and what was set aside behind it, back into the inbox.

        Raises:
            NotFound: there is no such message.
        """
        ...

    async def deliveries(self) -> Sequence[DeliveryHealth]:
        """How the webhook subscriptions are."""
        ...

    async def webhook(self, subscription_id: SubscriptionId) -> DeliveryHealth:
        """How one webhook subscription is.

        Raises:
            NotFound: there is no such subscription.
        """
        ...

    async def enable_webhook(self, subscription_id: SubscriptionId, *, enabled: bool) -> None:
        """Enable a webhook subscription of any client, or disable it in the name of the operator.

        Raises:
            NotFound: there is no such subscription.
        """
        ...

    async def delete_webhook(self, subscription_id: SubscriptionId) -> None:
        """Delete a webhook subscription of any client, with its cursor and attempts.

        Raises:
            NotFound: there is no such subscription.
        """
        ...

    async def portfolio_order(self, portfolio_order_id: ParentOrderId) -> ParentOrder:
        """One portfolio order of any client.

        Raises:
            NotFound: there is no such portfolio order.
        """
        ...

    async def events(self, portfolio_order_id: ParentOrderId) -> Sequence[bytes]:
        """The frozen JSON of every event of a portfolio order, of any client, in their order.

        Raises:
            NotFound: there is no such portfolio order.
        """
        ...

    async def wait_for_event(self, seconds_max: float) -> None:
        """Return when something may have happened to some portfolio order, at the latest after `seconds_max`."""
        ...

    async def close(self) -> None:
        """End the session."""
        ...
