"""The receiver's verification, against requests that the service's own signer has signed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orderlane.http_signatures import WebhookSecret, WebhookSigner, WebhookSigningKey, key_set
from orderlane_client import ReceivedRequest, WebhookRefused, WebhookVerifier

URL = "http://127.0.0.1:9000/webhooks?tenant=7"
BODY = b'{"payload":[]}'
KEY, OTHER_KEY = (WebhookSigningKey(name, bytes([number]) * 32) for number, name in enumerate(("key-1", "key-2"), 1))
SECRET, OTHER_SECRET = (WebhookSecret(bytes([number]) * 32) for number in (3, 4))


def signed(
    keys: tuple[WebhookSigningKey, ...] = (KEY,),
    secrets: tuple[WebhookSecret, ...] = (SECRET,),
    age: timedelta = timedelta(0),
) -> ReceivedRequest:
    headers = WebhookSigner(URL, keys, secrets).sign("message-1", datetime.now(UTC) - age, BODY)
    return ReceivedRequest("POST", URL, headers, BODY)


def verifier(keys: tuple[WebhookSigningKey, ...] = (KEY,), secrets: tuple[WebhookSecret, ...] = (SECRET,)):
    published = key_set({one.key_id: one.public_key for one in keys})
    return WebhookVerifier(published["keys"], [one.text for one in secrets])


def test_a_request_of_the_service_is_accepted() -> None:
    verifier().verify(signed())


def test_one_known_key_and_one_known_secret_are_enough_while_both_rotate() -> None:
    rotating = signed((OTHER_KEY, KEY), (OTHER_SECRET, SECRET))

    verifier().verify(rotating)
    verifier((OTHER_KEY,), (OTHER_SECRET,)).verify(rotating)
    verifier((KEY, OTHER_KEY), (SECRET, OTHER_SECRET)).verify(signed())


@pytest.mark.parametrize(
    ("fault", "signature"),
    [
        (lambda one: replace(one, body=BODY.replace(b"[]", b"[ ]")), "v1"),
        (lambda one: replace(one, url=URL.replace("7", "8")), "HTTP message signature"),
        (lambda one: replace(one, method="PUT"), "HTTP message signature"),
        (lambda one: replace(one, headers=one.headers | {"webhook-id": "message-2"}), "v1"),
        (
            lambda one: replace(one, headers=one.headers | {"content-digest": "sha-256=:AAAA:"}),
            "HTTP message signature",
        ),
        (lambda one: replace(one, headers=one.headers | {"signature-input": ""}), "HTTP message signature"),
    ],
)
def test_a_changed_request_is_refused(fault, signature: str) -> None:
    with pytest.raises(WebhookRefused) as refused:
        verifier().verify(fault(signed()))

    assert refused.value.signature == signature


@pytest.mark.parametrize("missing", ["webhook-signature", "webhook-id", "webhook-timestamp", "signature"])
def test_a_request_without_a_part_of_its_signatures_is_refused(missing: str) -> None:
    request = signed()
    headers = {name: value for name, value in request.headers.items() if name != missing}

    with pytest.raises(WebhookRefused):
        verifier().verify(replace(request, headers=headers))


def test_each_signature_counts_by_itself() -> None:
    with pytest.raises(WebhookRefused, match=r"^v1: "):
        verifier(secrets=(OTHER_SECRET,)).verify(signed())
    with pytest.raises(WebhookRefused, match=r"^v1a: "):
        verifier(keys=(OTHER_KEY,)).verify(signed())
    without_v1a = signed()
    only_v1 = " ".join(one for one in without_v1a.headers["webhook-signature"].split() if one.startswith("v1,"))
    with pytest.raises(WebhookRefused, match=r"^v1a: "):
        verifier().verify(replace(without_v1a, headers={**without_v1a.headers, "webhook-signature": only_v1}))


@pytest.mark.parametrize("age", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_an_old_or_a_future_request_is_refused(age: timedelta) -> None:
    with pytest.raises(WebhookRefused):
        verifier().verify(signed(age=age))


def test_nobody_is_trusted_without_keys_and_secrets() -> None:
    with pytest.raises(WebhookRefused, match="no secret"):
        WebhookVerifier([], []).verify(signed())
