"""What the API asks: whether a URL is allowed, the public keys, and a test call to a subscription."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import ceil
from time import perf_counter

import msgspec

from orderlane.domain.ids import ClientId
from orderlane.http_signatures import key_set
from orderlane.ports.webhooks import Subscription, TooManyTestCalls, WebhookResponse, WebhookTransport
from orderlane.resources.events import addressed
from orderlane.resources.formats import write_time
from orderlane.resources.webhooks import WebhookTestEvent, WebhookTestSubject
from orderlane.sources import Sources
from orderlane.webhooks.signing import KeyRing, SubscriptionSigner, new_secret


class CallLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How many test calls may be under way, of one client and of all, and how long one may take."""

    per_client: int = 4
    total: int = 100
    seconds_max: float = 15.0


class CallsUnderWay:
    """The test calls that wait for their receivers, by client; times are those of one clock, in seconds."""

    def __init__(self, limits: CallLimits) -> None:
        self._limits = limits
        self._began: dict[ClientId, list[float]] = {}

    @contextmanager
    def one_more(self, client_id: ClientId, now: float) -> Iterator[None]:
        """Count one more for as long as the block lasts.

        Raises:
            TooManyTestCalls: there are as many as may be.
        """
        self._check(client_id, now)
        self._began.setdefault(client_id, []).append(now)
        try:
            yield
        finally:
            self._began[client_id].remove(now)
            if not self._began[client_id]:
                del self._began[client_id]

    def _check(self, client_id: ClientId, now: float) -> None:
        own, limits = self._began.get(client_id, []), self._limits
        every = [began for calls in self._began.values() for began in calls]
        if len(own) >= limits.per_client:
            raise TooManyTestCalls(limits.per_client, self._seconds_until_one_ends(own, now), is_own=True)
        if len(every) >= limits.total:
            raise TooManyTestCalls(limits.total, self._seconds_until_one_ends(every, now), is_own=False)

    def _seconds_until_one_ends(self, began: Sequence[float], now: float) -> int:
        return max(ceil(min(began) + self._limits.seconds_max - now), 1)


class HttpWebhooks:
    """Webhooks over a transport, signed with the keys of a ring."""

    def __init__(
        self, transport: WebhookTransport, ring: KeyRing, sources: Sources, limits: CallLimits | None = None
    ) -> None:
        self._transport = transport
        self._under_way = CallsUnderWay(limits or CallLimits())
        self._ring = ring
        self._sources = sources

    def check_url(self, url: str) -> None:
        """Check whether requests may go there at all.

        Raises:
            Invalid: names the rule that the URL breaks.
        """
        self._transport.check_url(url)

    def new_secret(self) -> str:
        """A secret for a new subscription."""
        return new_secret(self._sources.tokens)

    async def verify_keys(self) -> Sequence[Mapping[str, str]]:
        """The public keys that sign, as JSON Web Keys, the newest first.

        Raises:
            StoreUnavailable: the database is lost.
        """
        await self._ring.refresh()
        return key_set(self._ring.published)["keys"]

    async def try_out(self, subscription: Subscription) -> WebhookResponse:
        """Send a signed request with a test event to a subscription.

        Raises:
            WebhookNotSent: no answer came.
            TooManyTestCalls: others are under way.
            StoreUnavailable: the database is lost.
        """
        with self._under_way.one_more(subscription.client_id, perf_counter()):
            return await self._sent(subscription)

    async def _sent(self, subscription: Subscription) -> WebhookResponse:
        await self._ring.refresh()
        now, new_id = self._sources.clock.now(), self._sources.ids.new_id
        subject = WebhookTestSubject(subscription.id, subscription.title, subscription.url)
        event = WebhookTestEvent(new_id(), write_time(now), "WEBHOOK.TEST", None, None, subject)
        body = b'{"payload":[%s]}' % addressed(msgspec.json.encode(event), subscription.id)
        headers = SubscriptionSigner(subscription, self._ring).sign(new_id(), now, body)
        return await self._transport.post(subscription.url, headers, body, client_id=subscription.client_id)
