"""The keys and secrets that sign webhooks, in the text forms of the Standard Webhooks specification."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from orderlane.http_signatures.errors import KeyRefused
from orderlane.http_signatures.keys import PublicKey

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - the form's name, not a secret
SECRET_BYTES_MIN: Final = 24
SECRET_BYTES_MAX: Final = 64
SEED_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """A subscription's shared secret: 24 to 64 random bytes (a `TokenSource` gives them).

    Raises:
        KeyRefused: there are fewer or more bytes.
    """

    value: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not SECRET_BYTES_MIN <= len(self.value) <= SECRET_BYTES_MAX:
            raise KeyRefused(f"a webhook secret has {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes")

    @classmethod
    def from_text(cls, text: str) -> "WebhookSecret":
        """Read `whsec_` followed by base64.

        Raises:
            KeyRefused: it is something else.
        """
        if not text.startswith(SECRET_PREFIX):
            raise KeyRefused("a webhook secret is whsec_ followed by base64")
        try:
            return cls(b64decode(text.removeprefix(SECRET_PREFIX), validate=True))
        except KeyRefused:
            raise
        except ValueError:
            raise KeyRefused("what follows whsec_ is not base64") from None

    @property
    def text(self) -> str:
        """The secret as its owner sees it: `whsec_…`."""
        return SECRET_PREFIX + b64encode(self.value).decode()

    def sign(self, content: bytes) -> bytes:
        """Return the HMAC-SHA256 of `content`."""
        return hmac.digest(self.value, content, hashlib.sha256)


class WebhookSigningKey:
    """An Ed25519 key of ours with its id.

    Args:
        key_id: the `keyid` that receivers find in the published key set.
        seed: the 32 random bytes that are the private key.

    Raises:
        KeyRefused: the seed has another length, or the id is not plain text without quotes.
    """

    __slots__ = ("_private_key", "key_id")

    def __init__(self, key_id: str, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise KeyRefused(f"an Ed25519 seed has {SEED_BYTES} bytes")
        if not (key_id and key_id.isascii() and key_id.isprintable()) or {'"', "\\"} & set(key_id):
            raise KeyRefused("a key id is printable ASCII without quotes and backslashes")
        self.key_id = key_id
        self._private_key = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public_key(self) -> PublicKey:
        """The public half, to be published."""
        return PublicKey.from_ed25519(self._private_key.public_key())

    def sign(self, content: bytes) -> bytes:
        """Return the 64-byte signature of `content`."""
        return self._private_key.sign(content)
