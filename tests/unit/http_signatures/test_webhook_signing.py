"""Signed webhooks, verified by libraries written by others: `standardwebhooks` and `http_message_signatures`."""

import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import standardwebhooks
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import HTTPMessageVerifier, InvalidSignature, algorithms
from http_message_signatures.resolvers import MappingKeyResolver

from orderlane.http_signatures import (
    WEBHOOK_POLICY,
    ComponentNotCovered,
    DigestRefused,
    KeyRefused,
    SignatureMismatch,
    SignedRequest,
    WebhookSecret,
    WebhookSigner,
    WebhookSigningKey,
    verify,
    verify_webhook,
)
from orderlane.http_signatures.webhook_signing import KEYS_MAX

URL = "https://Hooks.example.com:443/orders/events?tenant=7&x=%20"
BODY = json.dumps({"payload": [{"id": "54b8d84f", "note": "ü"}]}, ensure_ascii=False).encode()
OLD, NEW = WebhookSigningKey("wk-2025", b"\x01" * 32), WebhookSigningKey("wk-2026", b"\x02" * 32)
OLD_SECRET, NEW_SECRET = WebhookSecret(b"\x03" * 24), WebhookSecret(b"\x04" * 64)
MESSAGE_ID = "msg_01J9ZC3"


def as_received(headers: dict[str, str], body: bytes = BODY, url: str = URL) -> SignedRequest:
    target, _, query = url.removeprefix("https://").partition("?")
    host, slash, path = target.partition("/")
    sent = {"Host": host.lower().removesuffix(":443"), "User-Agent": "Orderlane"} | headers
    return SignedRequest(method="POST", path=slash + path, query=query, headers=sent.items(), body=body)


def library_verifies(
    headers: dict[str, str], keys: list[WebhookSigningKey], url: str = URL, body: bytes = BODY
) -> list[set[str]]:
    """Let the RFC 9421 library verify every signature; return what each covers."""
    public = {key.key_id: Ed25519PublicKey.from_public_bytes(raw_public_key(key)) for key in keys}
    known = MappingKeyResolver(public_keys=public, private_keys={})
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=known)
    message = SimpleNamespace(method="POST", url=url, headers=headers)
    results = verifier.verify(message, expect_tag="orderlane-webhook", body=body)
    return [set(result.covered_components) for result in results]


def raw_public_key(key: WebhookSigningKey) -> bytes:
    return b64decode(key.public_key.webhook_key.removeprefix("whpk_"))


@pytest.fixture
def clock() -> datetime:
    """The time by the system's clock: the libraries read it themselves."""
    return datetime.now(UTC)


def test_standard_webhooks_accepts_the_secrets_signature(clock: datetime) -> None:
    headers = WebhookSigner(URL, [NEW], [NEW_SECRET]).sign(MESSAGE_ID, clock, BODY)

    payload = standardwebhooks.Webhook(NEW_SECRET.text).verify(BODY, headers)

    assert payload == json.loads(BODY)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(OLD_SECRET.text).verify(BODY, headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(NEW_SECRET.text).verify(BODY + b" ", headers)


def test_the_asymmetric_signature_is_over_id_time_and_body(now: datetime) -> None:
    headers = WebhookSigner(URL, [NEW], [NEW_SECRET]).sign(MESSAGE_ID, now, BODY)

    version, signature = headers["webhook-signature"].split(" ")[0].split(",")

    assert version == "v1a"
    Ed25519PublicKey.from_public_bytes(raw_public_key(NEW)).verify(
        b64decode(signature), f"{MESSAGE_ID}.{int(now.timestamp())}.".encode() + BODY
    )


def test_the_message_signature_is_accepted_by_the_library(clock: datetime) -> None:
    headers = WebhookSigner(URL, [NEW], [NEW_SECRET]).sign(MESSAGE_ID, clock, BODY)

    assert library_verifies(headers, [NEW]) == [{
        '"@method"', '"@authority"', '"@path"', '"@query"',
        '"content-digest"', '"content-type"', '"webhook-id"', '"webhook-timestamp"',
        '"@signature-params"',
    }]  # fmt: skip
    with pytest.raises(InvalidSignature):
        library_verifies(headers, [NEW], body=BODY + b" ")
    with pytest.raises(InvalidSignature):
        library_verifies(headers | {"webhook-id": "msg_2"}, [NEW])


@pytest.mark.parametrize("url", ["https://hooks.example.com", "https://hooks.example.com:8443/", "http://h:80/a%2Fb"])
def test_urls_without_a_query_and_with_ports(url: str, clock: datetime) -> None:
    headers = WebhookSigner(url, [NEW]).sign(MESSAGE_ID, clock, BODY)

    (covered,) = library_verifies(headers, [NEW], url)
    assert '"@query"' not in covered


def test_during_a_rotation_old_and_new_are_accepted(clock: datetime) -> None:
    headers = WebhookSigner(URL, [NEW, OLD], [NEW_SECRET, OLD_SECRET]).sign(MESSAGE_ID, clock, BODY)

    for secret in (OLD_SECRET, NEW_SECRET):
        assert standardwebhooks.Webhook(secret.text).verify(BODY, headers) == json.loads(BODY)
        assert verify_webhook(headers, BODY, clock, secrets=[secret]).scheme == "v1"
    assert len(library_verifies(headers, [OLD, NEW])) == 2
    for key in (OLD, NEW):
        assert verify_webhook(headers, BODY, clock, keys=[key.public_key]).scheme == "v1a"
        verified = verify(as_received(headers), {key.key_id: key.public_key}, clock, WEBHOOK_POLICY)
        assert verified.key_id == key.key_id


def test_our_own_verifier_agrees(now: datetime) -> None:
    headers = WebhookSigner(URL, [NEW], [NEW_SECRET]).sign(MESSAGE_ID, now, BODY)
    keys = {NEW.key_id: NEW.public_key}

    assert verify(as_received(headers), keys, now, WEBHOOK_POLICY).key_id == NEW.key_id
    with pytest.raises(DigestRefused):
        verify(as_received(headers, BODY + b" "), keys, now, WEBHOOK_POLICY)
    with pytest.raises(SignatureMismatch):
        verify(as_received(headers, url=URL.replace("7", "8")), keys, now, WEBHOOK_POLICY)
    with pytest.raises(SignatureMismatch):
        verify(as_received(headers | {"webhook-id": "msg_2"}), keys, now, WEBHOOK_POLICY)


def test_a_webhook_must_cover_its_id(now: datetime) -> None:
    headers = WebhookSigner(URL, [NEW]).sign(MESSAGE_ID, now, BODY)
    headers["signature-input"] = headers["signature-input"].replace(' "webhook-id"', "")

    with pytest.raises(ComponentNotCovered) as refused:
        verify(as_received(headers), {NEW.key_id: NEW.public_key}, now, WEBHOOK_POLICY)
    assert refused.value.component == "webhook-id"


def test_a_retry_has_a_new_time_and_the_same_id_and_digest(now: datetime) -> None:
    signer = WebhookSigner(URL, [NEW], [NEW_SECRET])

    first = signer.sign(MESSAGE_ID, now, BODY)
    again = signer.sign(MESSAGE_ID, now + timedelta(seconds=600), BODY)

    changed = {name for name, value in first.items() if again[name] != value}
    assert changed == {"webhook-timestamp", "webhook-signature", "signature-input", "signature"}


@pytest.mark.parametrize(
    "url",
    ["", "hooks.example.com/x", "ftp://example.com/", "https:///x", "https://exämple.com/", "https://e.com/ü",
     "https://e.com/a b", "https://e.com/\n", "https://e.com/" + "a" * 2000],
)  # fmt: skip
def test_urls_that_cannot_be_signed(url: str) -> None:
    with pytest.raises(ValueError, match="a webhook URL is http or https"):
        WebhookSigner(url, [NEW])


def test_credentials_and_fragments_of_the_url_are_not_signed(clock: datetime) -> None:
    headers = WebhookSigner("https://user:pass@hooks.example.com/x#part", [NEW]).sign(MESSAGE_ID, clock, BODY)

    assert library_verifies(headers, [NEW], "https://hooks.example.com/x")


@pytest.mark.parametrize("keys", [[], [NEW] * (KEYS_MAX + 1)], ids=len)
def test_the_number_of_keys_is_bounded(keys: list[WebhookSigningKey]) -> None:
    with pytest.raises(ValueError, match="1 to 3 keys"):
        WebhookSigner(URL, keys)


@pytest.mark.parametrize("message_id", ["", "a.b", "a b", "ü", "a\n", "x" * 129])
def test_message_ids_that_would_be_ambiguous(message_id: str, now: datetime) -> None:
    with pytest.raises(ValueError, match="webhook-id"):
        WebhookSigner(URL, [NEW]).sign(message_id, now, BODY)


def test_secrets_and_their_text() -> None:
    assert WebhookSecret.from_text(NEW_SECRET.text) == NEW_SECRET
    assert NEW_SECRET.text.startswith("whsec_")
    assert "\\x04" not in repr(NEW_SECRET)


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_AAAA", "AAAA", "whsec_*", "whsec_ü", "whsec_" + "A" * 100])
def test_texts_that_are_no_secret(text: str) -> None:
    with pytest.raises(KeyRefused):
        WebhookSecret.from_text(text)


@pytest.mark.parametrize(("key_id", "seed"), [("", b"1" * 32), ('a"b', b"1" * 32), ("ü", b"1" * 32), ("k", b"1")])
def test_signing_keys_that_are_none(key_id: str, seed: bytes) -> None:
    with pytest.raises(KeyRefused):
        WebhookSigningKey(key_id, seed)
