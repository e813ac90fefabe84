"""What the API asks: whether a URL is allowed, the public keys, and a test call to a subscription."""

from collections.abc import Mapping, Sequence

import msgspec

from orderlane.http_signatures import key_set
from orderlane.ports.webhooks import Subscription, WebhookResponse, WebhookTransport
from orderlane.resources.events import addressed
from orderlane.resources.formats import write_time
from orderlane.resources.webhooks import WebhookTestEvent, WebhookTestSubject
from orderlane.sources import Sources
from orderlane.webhooks.signing import KeyRing, SubscriptionSigner, new_secret


class HttpWebhooks:
    """Webhooks over a transport, signed with the keys of a ring."""

    def __init__(self, transport: WebhookTransport, ring: KeyRing, sources: Sources) -> None:
        self._transport = transport
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
            StoreUnavailable: the database is lost.
        """
        await self._ring.refresh()
        now, new_id = self._sources.clock.now(), self._sources.ids.new_id
        subject = WebhookTestSubject(subscription.id, subscription.title, subscription.url)
        event = WebhookTestEvent(new_id(), write_time(now), "WEBHOOK.TEST", None, None, subject)
        body = b'{"payload":[%s]}' % addressed(msgspec.json.encode(event), subscription.id)
        headers = SubscriptionSigner(subscription, self._ring).sign(new_id(), now, body)
        return await self._transport.post(subscription.url, headers, body)
