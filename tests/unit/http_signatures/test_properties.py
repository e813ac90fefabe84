"""What holds for every signed request: no byte of what is covered can change, and no input crashes the verifier."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderlane.http_signatures import (
    PublicKey,
    SignatureForm,
    SignatureRefused,
    SignedRequest,
    WebhookSecret,
    WebhookSigner,
    WebhookSigningKey,
    verify,
    verify_webhook,
)
from orderlane.http_signatures.message import combined_fields

PRINTABLE = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
COVERED_FIELDS = ["accept", "authorization", "idempotency-key", "content-type", "content-digest"]


def altered(text: str, data: st.DataObject) -> str:
    """The same text with one character changed into another one that a header may hold."""
    at = data.draw(st.integers(0, len(text) - 1), label="at")
    other = data.draw(PRINTABLE.filter(lambda character: character != text[at]), label="other")
    return text[:at] + other + text[at + 1 :]


@given(st.data())
def test_no_character_of_a_covered_field_can_change(hand_signed: Any, now: datetime, data: st.DataObject) -> None:
    field = data.draw(st.sampled_from(COVERED_FIELDS))
    headers = hand_signed.received().fields | {field: altered(hand_signed.value(field), data)}

    with pytest.raises(SignatureRefused):
        verify(hand_signed.received(headers=headers.items()), hand_signed.keys, now)


@given(st.data())
def test_no_character_of_method_path_and_query_can_change(hand_signed: Any, now: datetime, data: st.DataObject) -> None:
    part = data.draw(st.sampled_from(["method", "path", "query"]))
    changes = {part: altered(getattr(hand_signed, part), data)}

    with pytest.raises(SignatureRefused):
        verify(hand_signed.received(**changes), hand_signed.keys, now)


@given(st.data())
def test_no_byte_of_the_body_can_change(hand_signed: Any, now: datetime, data: st.DataObject) -> None:
    body = bytearray(hand_signed.body)
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] ^= data.draw(st.integers(1, 255))

    with pytest.raises(SignatureRefused):
        verify(hand_signed.received(body=bytes(body)), hand_signed.keys, now)


@given(st.data())
def test_no_character_of_the_signed_parameters_can_change(hand_signed: Any, now: datetime, data: st.DataObject) -> None:
    """The label before the parameters is not signed: it only joins the two fields."""
    text = f"{hand_signed.label}={altered(hand_signed.signature_params, data)}"
    headers = hand_signed.received().fields | {"signature-input": text}

    with pytest.raises(SignatureRefused):
        verify(hand_signed.received(headers=headers.items()), hand_signed.keys, now)


@given(st.data())
def test_no_bit_of_the_signature_can_change(hand_signed: Any, now: datetime, data: st.DataObject) -> None:
    signature = bytearray(hand_signed.signature)
    at = data.draw(st.integers(0, len(signature) - 1))
    signature[at] ^= 1 << data.draw(st.integers(0, 7))

    key = hand_signed.keys[hand_signed.key_id]
    assert key.accepts(hand_signed.signature, hand_signed.base.encode(), hand_signed.form)
    assert not key.accepts(bytes(signature), hand_signed.base.encode(), hand_signed.form)


@given(st.data())
def test_the_order_and_the_case_of_the_headers_do_not_matter(
    hand_signed: Any, now: datetime, data: st.DataObject
) -> None:
    sent = [*hand_signed.headers, *hand_signed.signature_headers, ("X-Forwarded-For", "192.0.2.1")]
    headers = [
        (data.draw(st.sampled_from([name.lower(), name.upper(), name])), f"\t {value} ")
        for name, value in data.draw(st.permutations(sent))
    ]

    assert verify(hand_signed.received(headers=headers), hand_signed.keys, now).nonce == "n-0001"


@given(st.data())
def test_the_order_of_components_and_parameters_does_not_matter(
    hand_signed: Any, now: datetime, data: st.DataObject
) -> None:
    signed = hand_signed.but(
        covered=tuple(data.draw(st.permutations(hand_signed.covered))),
        parameters=tuple(data.draw(st.permutations(hand_signed.parameters))),
    )

    assert verify(signed.received(), signed.keys, now).covered == signed.covered


FRAGMENTS = [*'=;, \t()":?*%é\\\x00@', "sig1", "sig1=(", '"@method"', '"@path"', "keyid", '"key-1"', "created", "-1",
             "1795361400", "expires", "nonce", "alg", '"ed25519"', "9" * 16, ":AAAA:", "=:AA==:", "15"]  # fmt: skip
HOSTILE = st.one_of(st.lists(st.sampled_from(FRAGMENTS), max_size=20).map("".join), st.text(max_size=60))
SIGNATURE_FIELDS = ["signature", "signature-input", "content-digest", "upvest-signature-version", "host", "accept"]


@given(st.dictionaries(st.sampled_from(SIGNATURE_FIELDS), HOSTILE), HOSTILE, HOSTILE, st.binary(max_size=40))
def test_hostile_requests_are_refused_and_never_crash(
    hand_signed: Any, now: datetime, hostile: dict[str, str], path: str, query: str, body: bytes
) -> None:
    headers = hand_signed.received().fields | hostile
    request = SignedRequest(method="POST", path=path, query=query, headers=headers.items(), body=body)

    with pytest.raises(SignatureRefused) as refused:
        verify(request, hand_signed.keys, now)
    assert str(refused.value)


@given(HOSTILE, HOSTILE)
def test_a_damaged_signature_input_never_crashes(hand_signed: Any, now: datetime, before: str, after: str) -> None:
    signed = hand_signed.received().fields
    field = signed["signature-input"]
    headers = signed | {"signature-input": field[: len(before)] + before + field[len(before) :] + after}

    try:
        verified = verify(hand_signed.received(headers=headers.items()), hand_signed.keys, now)
    except SignatureRefused:
        return
    assert verified.signature_base == hand_signed.base


# --- webhooks

KEY = WebhookSigningKey("wk-1", b"\x01" * 32)
SECRET = WebhookSecret(b"\x02" * 32)
SIGNER = WebhookSigner("https://hooks.example.com/orders?tenant=7", [KEY], [SECRET])
WEBHOOK_FIELDS = ["webhook-id", "webhook-timestamp", "webhook-signature"]


@given(st.binary(max_size=200), st.data())
def test_no_byte_of_a_webhook_can_change(now: datetime, body: bytes, data: st.DataObject) -> None:
    headers = SIGNER.sign("msg_1", now, body)
    field = data.draw(st.sampled_from(["webhook-id", "webhook-timestamp"]))

    assert verify_webhook(headers, body, now, secrets=[SECRET]).message_id == "msg_1"
    with pytest.raises(SignatureRefused):
        verify_webhook(headers | {field: altered(headers[field], data)}, body, now, keys=[KEY.public_key])
    with pytest.raises(SignatureRefused):
        verify_webhook(headers, body + b" ", now, keys=[KEY.public_key], secrets=[SECRET])


@given(st.dictionaries(st.sampled_from(WEBHOOK_FIELDS), HOSTILE, min_size=1))
def test_hostile_webhooks_are_refused_and_never_crash(now: datetime, hostile: dict[str, str]) -> None:
    signed = SIGNER.sign("msg_1", now, b"{}")

    try:
        received = verify_webhook(signed | hostile, b"{}", now, keys=[KEY.public_key], secrets=[SECRET])
    except SignatureRefused:
        return
    assert combined_fields((signed | hostile).items())["webhook-id"] == received.message_id == "msg_1"


@given(st.binary(max_size=150), st.binary(max_size=50))
def test_nothing_but_the_right_signature_is_accepted(signature: bytes, message: bytes) -> None:
    for form in SignatureForm:
        assert not PublicKey.from_webhook_key(KEY.public_key.webhook_key).accepts(signature, message, form)
