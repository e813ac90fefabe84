"""The keys and secrets with which the requests of each subscription are signed, as they rotate."""

from datetime import datetime
from typing import Final

from orderlane.http_signatures import PublicKey, WebhookSecret, WebhookSigner, WebhookSigningKey
from orderlane.http_signatures.webhook_signing import KEYS_MAX
from orderlane.ports.webhooks import Subscription, WebhookKey, WebhookKeys
from orderlane.sources import Sources, TokenSource

SEED_BYTES: Final = 32
SECRET_BYTES: Final = 32


def new_secret(tokens: TokenSource) -> str:
    """A new secret of a subscription: `whsec_…`."""
    return WebhookSecret(tokens.token_bytes(SECRET_BYTES)).text


def new_key(sources: Sources) -> WebhookKey:
    """A new signing key of ours."""
    return WebhookKey(sources.ids.new_id(), sources.tokens.token_bytes(SEED_BYTES), sources.clock.now())


class KeyRing:
    """The keys that sign now: all that are not retired, so that a receiver may know any one of them."""

    def __init__(self, keys: WebhookKeys, sources: Sources) -> None:
        self._keys = keys
        self._sources = sources
        self.signing: tuple[WebhookSigningKey, ...] = ()
        """The newest first. The same object for as long as the keys are the same."""

    async def refresh(self) -> None:
        """Look the keys up; the very first time, make one.

        Raises:
            StoreUnavailable: the database is lost.
        """
        if not self.signing:
            await self._keys.ensure(new_key(self._sources))
        active = await self._keys.active(self._sources.clock.now())
        if [key.id for key in active] != [key.key_id for key in self.signing]:
            self.signing = tuple(WebhookSigningKey(key.id, key.seed) for key in active)

    @property
    def published(self) -> dict[str, PublicKey]:
        """The public keys by key id."""
        return {key.key_id: key.public_key for key in self.signing}


class SubscriptionSigner:
    """Signs the requests of one subscription with all keys and secrets that are valid right then."""

    def __init__(self, subscription: Subscription, ring: KeyRing) -> None:
        self._subscription = subscription
        self._ring = ring
        self._signer: WebhookSigner | None = None
        self._signs_with: tuple[object, ...] = ()

    def sign(self, message_id: str, now: datetime, body: bytes) -> dict[str, str]:
        """The headers of a request: its `webhook-id`, when it is sent, and the bytes that will be."""
        keys, secrets = self._ring.signing[:KEYS_MAX], self._secrets(now)
        if self._signer is None or self._signs_with != (keys, secrets):
            self._signs_with = (keys, secrets)
            secrets_read = [WebhookSecret.from_text(secret) for secret in secrets]
            self._signer = WebhookSigner(self._subscription.url, keys, secrets_read)
        return self._signer.sign(message_id, now, body)

    def _secrets(self, now: datetime) -> tuple[str, ...]:
        subscription = self._subscription
        expires_at = subscription.previous_secret_expires_at
        if subscription.previous_secret is not None and expires_at is not None and now < expires_at:
            return subscription.secret, subscription.previous_secret
        return (subscription.secret,)
