"""Verification of received webhooks by their Standard Webhooks headers.

The RFC 9421 signature of the same request is verified by `verify` with `WEBHOOK_POLICY`.
"""

import hmac
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from orderlane.http_signatures.errors import (
    CreatedInFuture,
    SignatureExpired,
    SignatureMalformed,
    SignatureMismatch,
    SignatureMissing,
    SignatureTooLarge,
)
from orderlane.http_signatures.keys import KeyKind, PublicKey, SignatureForm
from orderlane.http_signatures.message import combined_fields
from orderlane.http_signatures.webhook_keys import WebhookSecret
from orderlane.http_signatures.webhook_signing import standard_webhooks_content

TOLERANCE: Final = timedelta(minutes=5)
WEBHOOK_SIGNATURES_MAX: Final = 16
_SIGNATURE_LENGTH_MAX: Final = 8192


class ReceivedWebhook(NamedTuple):
    """What is proven: this message was sent at that time by whoever holds the key or the secret."""

    message_id: str
    timestamp: datetime
    scheme: str


def verify_webhook(
    headers: Mapping[str, str] | Iterable[tuple[str, str]],
    body: bytes,
    now: datetime,
    *,
    keys: Sequence[PublicKey] = (),
    secrets: Sequence[WebhookSecret] = (),
    tolerance: timedelta = TOLERANCE,
) -> ReceivedWebhook:
    """Verify the Standard Webhooks headers of a received request.

    Args:
        headers: the request's headers, names in any case.
        body: the bytes as received.
        now: the receiver's time, aware.
        keys: the sender's Ed25519 keys, any of which may have signed (`v1a`).
        secrets: the subscription's secrets, any of which may have signed (`v1`).
        tolerance: how old, or how far ahead, the request's time may be.

    Raises:
        SignatureRefused: one of its subclasses says what is wrong.
    """
    fields = combined_fields(headers.items() if isinstance(headers, Mapping) else headers)
    message_id, sent, signature = (
        _field(fields, name) for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    )
    if "." in message_id:  # the dots divide what is signed, so one in the id could shift the time
        raise SignatureMalformed("webhook-id", "it must not hold a dot")
    seconds = _seconds(sent)
    _check_time(seconds, now, tolerance)
    content = standard_webhooks_content(message_id, seconds, body)
    for scheme, value in _signatures(signature):
        if _accepted(scheme, value, content, keys, secrets):
            return ReceivedWebhook(message_id, datetime.fromtimestamp(seconds, UTC), scheme)
    raise SignatureMismatch(message_id)


def _field(fields: Mapping[str, str], name: str) -> str:
    value = fields.get(name)
    if not value:
        raise SignatureMissing(name)
    if not value.isascii():
        raise SignatureMalformed(name, "only ASCII is signed")
    return value


def _seconds(text: str) -> int:
    if not text.isdecimal() or len(text) > 15:
        raise SignatureMalformed("webhook-timestamp", "expected whole seconds since 1970")
    return int(text)


def _check_time(seconds: int, now: datetime, tolerance: timedelta) -> None:
    clock, slack = int(now.timestamp()), int(tolerance.total_seconds())
    if seconds > clock + slack:
        raise CreatedInFuture(seconds, clock, slack)
    if seconds < clock - slack:
        raise SignatureExpired(seconds, clock, slack)


def _signatures(text: str) -> list[tuple[str, bytes]]:
    if len(text) > _SIGNATURE_LENGTH_MAX:
        raise SignatureTooLarge("webhook-signature", _SIGNATURE_LENGTH_MAX, "characters")
    parts = text.split(" ")
    if len(parts) > WEBHOOK_SIGNATURES_MAX:
        raise SignatureTooLarge("webhook-signature", WEBHOOK_SIGNATURES_MAX, "signatures")
    return [_signature(part) for part in parts]


def _signature(part: str) -> tuple[str, bytes]:
    scheme, _, encoded = part.partition(",")
    try:
        return scheme, b64decode(encoded, validate=True)
    except ValueError:
        raise SignatureMalformed("webhook-signature", "expected v1a,base64 or v1,base64") from None


def _accepted(
    scheme: str,
    signature: bytes,
    content: bytes,
    keys: Sequence[PublicKey],
    secrets: Sequence[WebhookSecret],
) -> bool:
    if scheme == "v1a":
        return any(
            key.kind is KeyKind.ED25519 and key.accepts(signature, content, SignatureForm.RFC_9421) for key in keys
        )
    if scheme == "v1":
        return any(hmac.compare_digest(secret.sign(content), signature) for secret in secrets)
    return False
