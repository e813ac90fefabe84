"""Signing of webhook requests, in two ways at once: Standard Webhooks and RFC 9421.

One fixed profile, whose unchanging parts are made once for each subscription: a signature costs two
Ed25519 operations for each key, one HMAC for each secret and one SHA-256 of the body, and little else.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from orderlane.http_signatures.digests import content_digest
from orderlane.http_signatures.webhook_keys import WebhookSecret, WebhookSigningKey

CONTENT_TYPE: Final = "application/json"
# Lets a receiver's library pick our signatures out of others (RFC 9421, section 2.3).
TAG: Final = "orderlane-webhook"
KEYS_MAX: Final = 3

_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_MESSAGE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_URL: Final = re.compile(r"[!-~]{1,2000}")
_FIELDS: Final = ("content-digest", "content-type", "webhook-id", "webhook-timestamp")


class WebhookSigner:
    """Signs the requests of one subscription.

    Several keys or secrets are those of a rotation: each request carries the signature of every one.

    Args:
        url: where the requests go, exactly as the HTTP client will send it: in ASCII, percent-encoded.
        keys: our Ed25519 keys, at least one, the newest first.
        secrets: the subscription's secrets, the newest first.

    Raises:
        ValueError: the URL cannot be signed, or there are no keys, or more than `KEYS_MAX` of either.
    """

    __slots__ = ("_covered", "_keys", "_message", "_secrets")

    def __init__(self, url: str, keys: Sequence[WebhookSigningKey], secrets: Sequence[WebhookSecret] = ()) -> None:
        if not 1 <= len(keys) <= KEYS_MAX or len(secrets) > KEYS_MAX:
            raise ValueError(f"a webhook is signed by 1 to {KEYS_MAX} keys and by 0 to {KEYS_MAX} secrets")
        components = _components(url)
        self._keys, self._secrets = tuple(keys), tuple(secrets)
        names = (*components, *_FIELDS)
        self._covered = "(" + " ".join(f'"{name}"' for name in names) + ")"
        self._message = "".join(f'"{name}": {value}\n' for name, value in components.items())

    def sign(self, message_id: str, timestamp: datetime, body: bytes) -> dict[str, str]:
        """Return the headers that the request must carry, the covered `content-type` among them.

        Args:
            message_id: the `webhook-id`, the same for every retry; letters, digits, - and _.
            timestamp: when this attempt is made, aware; whole seconds count.
            body: the bytes that will be sent.

        Raises:
            ValueError: the message id holds something else.
        """
        if _MESSAGE_ID.fullmatch(message_id) is None:
            raise ValueError("a webhook-id is 1 to 128 letters, digits, - and _")
        seconds = int(timestamp.timestamp())
        digest = content_digest(body)
        inputs, signatures = self._message_signatures(message_id, seconds, digest)
        return {
            "content-type": CONTENT_TYPE,
            "webhook-id": message_id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": self._webhook_signatures(message_id, seconds, body),
            "content-digest": digest,
            "signature-input": inputs,
            "signature": signatures,
        }

    def _webhook_signatures(self, message_id: str, seconds: int, body: bytes) -> str:
        content = standard_webhooks_content(message_id, seconds, body)
        signatures = [f"v1a,{_base64(key.sign(content))}" for key in self._keys]
        signatures += [f"v1,{_base64(secret.sign(content))}" for secret in self._secrets]
        return " ".join(signatures)

    def _message_signatures(self, message_id: str, seconds: int, digest: str) -> tuple[str, str]:
        message = (
            f'{self._message}"content-digest": {digest}\n"content-type": {CONTENT_TYPE}\n'
            f'"webhook-id": {message_id}\n"webhook-timestamp": {seconds}\n"@signature-params": '
        )
        inputs, signatures = [], []
        for number, key in enumerate(self._keys, 1):
            parameters = f'{self._covered};created={seconds};keyid="{key.key_id}";alg="ed25519";tag="{TAG}"'
            inputs.append(f"sig{number}={parameters}")
            signatures.append(f"sig{number}=:{_base64(key.sign((message + parameters).encode('ascii')))}:")
        return ", ".join(inputs), ", ".join(signatures)


def standard_webhooks_content(message_id: str, seconds: int, body: bytes) -> bytes:
    """Return what Standard Webhooks signs: the id, the time and the body, joined by dots."""
    return f"{message_id}.{seconds}.".encode() + body


def _components(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    if _URL.fullmatch(url) is None or parts.scheme not in _DEFAULT_PORTS or not parts.netloc:
        raise ValueError("a webhook URL is http or https, in ASCII and percent-encoded")
    authority = parts.netloc.rpartition("@")[2].lower().removesuffix(_DEFAULT_PORTS[parts.scheme])
    components = {"@method": "POST", "@authority": authority, "@path": parts.path or "/"}
    if parts.query:
        components["@query"] = f"?{parts.query}"
    return components


def _base64(value: bytes) -> str:
    return b64encode(value).decode("ascii")
