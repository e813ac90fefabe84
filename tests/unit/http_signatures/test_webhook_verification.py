"""Received webhooks: accepted when genuine and fresh, refused with a reason otherwise."""

from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import standardwebhooks
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from orderlane.http_signatures import (
    CreatedInFuture,
    PublicKey,
    SignatureExpired,
    SignatureMalformed,
    SignatureMismatch,
    SignatureMissing,
    SignatureRefused,
    SignatureTooLarge,
    WebhookSecret,
    WebhookSigner,
    WebhookSigningKey,
    verify_webhook,
)
from orderlane.http_signatures.webhook_verification import TOLERANCE, WEBHOOK_SIGNATURES_MAX

KEY = WebhookSigningKey("wk-1", b"\x01" * 32)
OTHER = WebhookSigningKey("wk-2", b"\x02" * 32)
SECRET = WebhookSecret(b"\x03" * 32)
BODY = b'{"payload": []}'


@pytest.fixture
def headers(now: datetime) -> dict[str, str]:
    return WebhookSigner("https://hooks.example.com/", [KEY], [SECRET]).sign("msg_1", now, BODY)


def test_a_webhook_signed_by_the_library_is_accepted(now: datetime) -> None:
    signature = standardwebhooks.Webhook(SECRET.text).sign("msg_1", now, BODY.decode())
    headers = [
        ("Webhook-Id", "msg_1"),
        ("WEBHOOK-TIMESTAMP", str(int(now.timestamp()))),
        ("webhook-signature", signature),
    ]

    received = verify_webhook(headers, BODY, now, secrets=[SECRET])

    assert received == ("msg_1", now, "v1")


def test_any_of_several_keys_may_have_signed(headers: dict[str, str], now: datetime) -> None:
    received = verify_webhook(headers, BODY, now, keys=[OTHER.public_key, KEY.public_key])

    assert received.scheme == "v1a"


def test_a_genuine_signature_by_a_key_of_another_kind(
    headers: dict[str, str], now: datetime, private_keys: dict[str, Any], register: Callable[[Any], PublicKey]
) -> None:
    """`v1a` is Ed25519: what another kind of key signed is not of that scheme."""
    key = private_keys["P-256"]
    content = f"msg_1.{int(now.timestamp())}.".encode() + BODY
    r, s = decode_dss_signature(key.sign(content, ec.ECDSA(hashes.SHA256())))
    signature = b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).decode()

    with pytest.raises(SignatureMismatch):
        verify_webhook(headers | {"webhook-signature": f"v1a,{signature}"}, BODY, now, keys=[register(key)])


def test_without_a_key_nothing_is_accepted(headers: dict[str, str], now: datetime) -> None:
    with pytest.raises(SignatureMismatch):
        verify_webhook(headers, BODY, now)


@pytest.mark.parametrize(
    ("offset", "refused"),
    [
        (TOLERANCE, None),
        (-TOLERANCE, None),
        (TOLERANCE + timedelta(seconds=1), SignatureExpired),
        (-TOLERANCE - timedelta(seconds=1), CreatedInFuture),
    ],
)
def test_times(
    headers: dict[str, str], now: datetime, offset: timedelta, refused: type[SignatureRefused] | None
) -> None:
    if refused is None:
        assert verify_webhook(headers, BODY, now + offset, secrets=[SECRET]).timestamp == now
    else:
        with pytest.raises(refused):
            verify_webhook(headers, BODY, now + offset, secrets=[SECRET])


@pytest.mark.parametrize("field", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_field(headers: dict[str, str], now: datetime, field: str) -> None:
    for damaged in ({name: value for name, value in headers.items() if name != field}, headers | {field: " "}):
        with pytest.raises(SignatureMissing) as refused:
            verify_webhook(damaged, BODY, now, secrets=[SECRET])
        assert refused.value.component == field


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("webhook-id", "msg.1"),
        ("webhook-id", "ü"),
        ("webhook-timestamp", "soon"),
        ("webhook-timestamp", "-1"),
        ("webhook-timestamp", "1.5"),
        ("webhook-timestamp", "9" * 16),
        ("webhook-timestamp", "\u0661"),
        ("webhook-signature", "v1,*"),
        ("webhook-signature", "v1,AAA"),
    ],
)
def test_a_field_that_cannot_be_read(headers: dict[str, str], now: datetime, field: str, value: str) -> None:
    with pytest.raises(SignatureMalformed) as refused:
        verify_webhook(headers | {field: value}, BODY, now, secrets=[SECRET])
    assert refused.value.component == field


@pytest.mark.parametrize("value", ["v1", "v2,AAAA", "v1,AAAA v1a,AAAA", "v1a,"])
def test_signatures_of_nobody(headers: dict[str, str], now: datetime, value: str) -> None:
    with pytest.raises(SignatureMismatch):
        verify_webhook(headers | {"webhook-signature": value}, BODY, now, keys=[KEY.public_key], secrets=[SECRET])


@pytest.mark.parametrize("value", ["v1,AAAA " * WEBHOOK_SIGNATURES_MAX + "v1,AAAA", "v1," + "A" * 9000])
def test_bounds(headers: dict[str, str], now: datetime, value: str) -> None:
    with pytest.raises(SignatureTooLarge):
        verify_webhook(headers | {"webhook-signature": value}, BODY, now, secrets=[SECRET])
