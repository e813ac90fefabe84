"""Webhook subscriptions, the keys that sign what is sent to them, and the seam behind which a request goes out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from msgspec import Struct

from orderlane.domain.events import topic_of
from orderlane.domain.ids import ClientId, EventId, SubscriptionId
from orderlane.ports.errors import PortError
from orderlane.ports.paging import Listing, Page

ALL_TOPICS: Final = "ALL"


class EventFilter(Struct, frozen=True, kw_only=True):
    """Which events a subscription gets: its client's, of these topics; ALL is every topic that is not excluded."""

    client_id: ClientId
    types: tuple[str, ...]
    exclude_types: tuple[str, ...] = ()

    def passes(self, event_type: str) -> bool:
        """Whether the client's events of this type pass."""
        return self.passes_topic(topic_of(event_type))

    def passes_topic(self, topic: str) -> bool:
        """Whether the client's events of this topic pass."""
        return (topic in self.types or ALL_TOPICS in self.types) and topic not in self.exclude_types


class Subscription(Struct, frozen=True, kw_only=True):
    """Where and how a client wants its events.

    `delay_ms` is how long an event may wait for others, `max_package_bytes` bounds a request's body; a single larger
    event goes alone. `previous_secret` signs too until `previous_secret_expires_at`. `number` names the lock by which
    one sender owns the subscription; the store assigns it.
    """

    id: SubscriptionId
    client_id: ClientId
    title: str
    url: str
    types: tuple[str, ...]
    exclude_types: tuple[str, ...]
    enabled: bool
    delay_ms: int
    max_package_bytes: int
    secret: str
    created_at: datetime
    updated_at: datetime
    disabled_reason: str | None = None
    previous_secret: str | None = None
    previous_secret_expires_at: datetime | None = None
    number: int = 0

    def __repr__(self) -> str:
        """Its secrets stay out of logs and tracebacks."""
        return f"Subscription(id={self.id!r}, number={self.number})"

    @property
    def filter(self) -> EventFilter:
        """Which events it gets."""
        return EventFilter(client_id=self.client_id, types=self.types, exclude_types=self.exclude_types)


class Attempt(Struct, frozen=True, kw_only=True):
    """One request that was sent: when, how long it took, what came back.

    `status_code` is None when no answer came; `error_code` is None when the package was delivered.
    """

    id: str
    package_id: str
    attempt: int
    sent_at: datetime
    latency_ms: int
    status_code: int | None
    error_code: str | None
    body_bytes: int
    event_ids: Sequence[EventId]


class Subscriptions(Protocol):
    """Webhook subscriptions, in a unit of work."""

    async def add(self, subscription: Subscription) -> None:
        """Store a new one; its first event is the first that is committed afterwards."""
        ...

    async def get(
        self, client_id: ClientId, subscription_id: SubscriptionId, *, to_change: bool = False
    ) -> Subscription:
        """One subscription; `to_change` keeps others from changing it until the unit of work ends.

        Raises:
            NotFound: there is none, or it is another client's.
        """
        ...

    async def count_to_add(self, client_id: ClientId) -> int:
        """Count the client's subscriptions; no other one is added until the unit of work ends."""
        ...

    async def list(self, client_id: ClientId, page: Page) -> Listing[Subscription]:
        """A page of the client's subscriptions."""
        ...

    async def change(self, subscription: Subscription) -> None:
        """Store what a client may change; a package that waits for its next attempt is tried at once.

        Raises:
            NotFound: there is none, or it is another client's.
        """
        ...

    async def delete(self, client_id: ClientId, subscription_id: SubscriptionId) -> None:
        """Delete it with its cursor and attempts: nothing more is delivered.

        Raises:
            NotFound: there is none, or it is another client's.
        """
        ...

    async def attempts(self, client_id: ClientId, subscription_id: SubscriptionId, page: Page) -> Listing[Attempt]:
        """A page of the attempts to deliver to it.

        Raises:
            NotFound: there is none, or it is another client's.
        """
        ...


class WebhookKey(Struct, frozen=True):
    """An Ed25519 key of ours (its 32-byte seed); from `retired_at` on it neither signs nor is published."""

    id: str
    seed: bytes
    created_at: datetime
    retired_at: datetime | None = None

    def __repr__(self) -> str:
        """Its seed stays out of logs and tracebacks."""
        return f"WebhookKey(id={self.id!r})"


class WebhookKeys(Protocol):
    """The keys that sign webhooks."""

    async def active(self, now: datetime) -> Sequence[WebhookKey]:
        """Those that sign and are published, the newest first.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        ...

    async def ensure(self, new: WebhookKey) -> None:
        """Store `new` unless there is an active key already.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        ...

    async def rotate(self, new: WebhookKey, others_retire_at: datetime) -> None:
        """Store `new` and let the others sign until `others_retire_at`.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        ...


class WebhookResponse(Struct, frozen=True):
    """What a receiver answered: names of `headers` in lower case, `body` cut at the transport's limit."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class WebhookNotSent(Exception):
    """No answer came: `code` says why in a word, `detail` in a sentence; `is_ours` when this host is at fault."""

    def __init__(self, code: str, detail: str, *, is_ours: bool = False) -> None:
        super().__init__(code, detail)
        self.code, self.detail, self.is_ours = code, detail, is_ours

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class TooManyTestCalls(PortError):
    """As many test calls are under way as may be: those of the client (`is_own`), or those of all."""

    def __init__(self, limit: int, retry_after_seconds: int, *, is_own: bool) -> None:
        super().__init__(limit, retry_after_seconds, is_own)
        self.limit, self.retry_after_seconds, self.is_own = limit, retry_after_seconds, is_own

    def __str__(self) -> str:
        whose = "of this client" if self.is_own else "of all clients"
        wait = f"try again in {self.retry_after_seconds} s"
        return f"{self.limit} test calls {whose} are under way, which is the limit: {wait}"


class WebhookTransport(Protocol):
    """Sends requests to the URLs of subscribers."""

    def check_url(self, url: str) -> None:
        """Check whether requests may go there at all.

        Raises:
            Invalid: names the rule that the URL breaks.
        """
        ...

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, *, client_id: ClientId) -> WebhookResponse:
        """Send one request for a client, exactly these headers and bytes; no redirect is followed.

        Raises:
            WebhookNotSent: no answer came.
        """
        ...


class Webhooks(Protocol):
    """What the API asks of whoever sends webhooks."""

    def check_url(self, url: str) -> None:
        """Check whether requests may go there at all.

        Raises:
            Invalid: names the rule that the URL breaks.
        """
        ...

    def new_secret(self) -> str:
        """A secret for a new subscription."""
        ...

    async def verify_keys(self) -> Sequence[Mapping[str, str]]:
        """The public keys that sign, as JSON Web Keys, the newest first.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        ...

    async def try_out(self, subscription: Subscription) -> WebhookResponse:
        """Send a signed request with a test event to a subscription.

        Raises:
            WebhookNotSent: no answer came.
            TooManyTestCalls: others are under way.
            StoreUnavailable: the database does not answer.
        """
        ...
