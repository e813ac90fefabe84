"""The client's request signer, against the service's verification and against a library that others wrote."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from http_message_signatures import HTTPMessageVerifier, algorithms
from hypothesis import given
from hypothesis import strategies as st

from orderlane.http_signatures import (
    DigestRefused,
    PublicKey,
    SignatureExpired,
    SignatureMismatch,
    SignatureRefused,
    SignedRequest,
    verify,
)
from orderlane_client import KeyUnusable, OrderlaneClient, RequestSigner, SignatureForm

NOW = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
BODY = b'{"cash_amount": "1000.00"}'
HEADERS = {
    "Authorization": "Bearer abc.def",
    "Idempotency-Key": "4f7f3b1e-1f3f-4f5e-9d7a-0a4b1c2d3e4f",
    "Content-Type": "application/json",
}
KEYS: dict[str, Any] = {
    "P-256": ec.generate_private_key(ec.SECP256R1()),
    "P-521": ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
}
CASES = [
    ("P-256", SignatureForm.RFC_9421),
    ("Ed25519", SignatureForm.RFC_9421),
    ("P-256", SignatureForm.DRAFT_15),
    ("P-521", SignatureForm.DRAFT_15),
    ("Ed25519", SignatureForm.DRAFT_15),
]


def registered(key: Any) -> dict[str, PublicKey]:
    encoding, spki = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return {"key-1": PublicKey.from_pem(key.public_key().public_bytes(encoding, spki))}


def signer_of(kind: str, form: SignatureForm) -> RequestSigner:
    return RequestSigner("key-1", KEYS[kind], form, clock=NOW.timestamp)


def received(
    signer: RequestSigner, target: str = "/portfolios/orders", content: bytes = BODY, **changes: Any
) -> SignedRequest:
    """What the service gets: signed as it is, then changed on the way."""
    path, _, query = target.partition("?")
    headers = {**HEADERS, **signer.sign("POST", target, HEADERS, content)}
    pieces = {"method": "POST", "path": path, "query": query, "headers": headers.items(), "body": content}
    return SignedRequest(**(pieces | changes))


@pytest.mark.parametrize(("kind", "form"), CASES)
@pytest.mark.parametrize("target", ["/portfolios/orders", "/a%20b/%C3%BC?limit=2&q=a+b%2F%C3%BC&empty="])
@pytest.mark.parametrize("body", [BODY, b"", b"\x00\xff"])
def test_the_service_accepts_it(kind: str, form: SignatureForm, target: str, body: bytes) -> None:
    verified = verify(received(signer_of(kind, form), target, body), registered(KEYS[kind]), NOW)

    assert verified.form == form
    assert {"@method", "@path", "authorization", "idempotency-key", "content-type"} <= set(verified.covered)
    assert ("content-digest" in verified.covered) is bool(body)
    assert ("@query" in verified.covered) is ("?" in target)


@pytest.mark.parametrize(("kind", "form"), CASES)
@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"method": "PUT"}, SignatureMismatch),
        ({"path": "/portfolios/orders/1"}, SignatureMismatch),
        ({"query": "a=2"}, SignatureMismatch),
        ({"body": b"{}"}, DigestRefused),
    ],
)
def test_a_change_on_the_way_is_noticed(
    kind: str, form: SignatureForm, change: dict[str, Any], refusal: type[SignatureRefused]
) -> None:
    with pytest.raises(refusal):
        verify(received(signer_of(kind, form), "/portfolios/orders?a=1", **change), registered(KEYS[kind]), NOW)


def test_it_does_not_last() -> None:
    request = received(signer_of("Ed25519", SignatureForm.RFC_9421))

    with pytest.raises(SignatureExpired):
        verify(request, registered(KEYS["Ed25519"]), datetime.fromtimestamp(NOW.timestamp() + 61, UTC))


def test_each_signature_has_a_nonce_of_its_own() -> None:
    signer = signer_of("Ed25519", SignatureForm.RFC_9421)
    nonces = {verify(received(signer), registered(KEYS["Ed25519"]), NOW).nonce for _ in range(100)}

    assert len(nonces) == 100


@given(
    values=st.lists(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40), max_size=5),
    path=st.text(st.sampled_from("/abc%20-._~"), max_size=30),
    query=st.text(st.sampled_from("ab=&+%2F?"), max_size=30),
    body=st.binary(max_size=100),
)
def test_whatever_is_sent(values: list[str], path: str, query: str, body: bytes) -> None:
    headers = {f"X-Note-{number}": value for number, value in zip(count(), values, strict=False)}
    signer = signer_of("Ed25519", SignatureForm.RFC_9421)
    added = signer.sign("PUT", f"/{path}?{query}", headers, body)
    request = SignedRequest(method="PUT", path=f"/{path}", query=query, headers=(headers | added).items(), body=body)

    assert verify(request, registered(KEYS["Ed25519"]), NOW).key_id == "key-1"


@dataclass
class Message:
    method: str
    url: str
    headers: dict[str, str]
    body: bytes


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [("Ed25519", algorithms.ED25519), ("P-256", algorithms.ECDSA_P256_SHA256)],
)
def test_another_library_accepts_the_final_form(kind: str, algorithm: Any) -> None:
    class Resolver:
        def resolve_public_key(self, key_id: str) -> Any:
            assert key_id == "key-1"
            return KEYS[kind].public_key()

        def resolve_private_key(self, key_id: str) -> Any:
            raise NotImplementedError

    url = "https://orders.example.com/users?limit=2&q=a+b"
    signer = RequestSigner("key-1", KEYS[kind])
    headers = {**HEADERS, **signer.sign("POST", "/users?limit=2&q=a+b", HEADERS, BODY)}
    verifier = HTTPMessageVerifier(signature_algorithm=algorithm, key_resolver=Resolver())

    [result] = verifier.verify(Message("POST", url, headers, BODY), body=BODY)

    assert '"content-digest"' in result.covered_components


@pytest.mark.parametrize(
    "encoding", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL]
)
def test_encrypted_keys_are_read(encoding: serialization.PrivateFormat) -> None:
    pem = KEYS["P-256"].private_bytes(
        serialization.Encoding.PEM, encoding, serialization.BestAvailableEncryption(b"passphrase")
    )

    signer = RequestSigner.from_pem("key-1", pem.decode(), "passphrase")

    assert verify(received(signer), registered(KEYS["P-256"]), datetime.now(UTC)).key_id == "key-1"
    with pytest.raises(KeyUnusable, match="cannot be read"):
        RequestSigner.from_pem("key-1", pem, b"wrong")
    with pytest.raises(KeyUnusable, match="cannot be read"):
        RequestSigner.from_pem("key-1", pem)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: RequestSigner("k", KEYS["P-521"]), "no algorithm for P-521"),
        (lambda: RequestSigner("k", ec.generate_private_key(ec.SECP384R1()), SignatureForm.DRAFT_15), "P-521 key"),
        (lambda: RequestSigner("k", rsa.generate_private_key(65537, 2048)), "P-521 key"),
        (lambda: RequestSigner("k", KEYS["Ed25519"].public_key()), "cannot sign"),
        (lambda: RequestSigner('k"', KEYS["Ed25519"]), "without quotes"),
        (lambda: RequestSigner("k\n", KEYS["Ed25519"]), "printable"),
        (lambda: RequestSigner.from_pem("k", "nothing"), "cannot be read"),
    ],
)
def test_keys_that_are_of_no_use(make: Callable[[], RequestSigner], reason: str) -> None:
    with pytest.raises(KeyUnusable, match=reason):
        make()


async def test_the_client_sends_what_it_signs() -> None:
    """Over real HTTP: token request, GET with a query that has to be encoded, POST, PATCH, DELETE."""
    verified: list[tuple[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        parts = urlsplit(request.raw_path)
        headers = [(name.decode(), value.decode()) for name, value in request.raw_headers]
        signed = SignedRequest(
            method=request.method, path=parts.path, query=parts.query, headers=headers, body=await request.read()
        )
        covered = verify(signed, registered(KEYS["P-256"]), datetime.now(UTC)).covered
        assert ("authorization" in covered) is (request.path != "/auth/token")
        verified.append((request.method, request.raw_path))
        return web.json_response({"access_token": "t", "expires_in": 1800})

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with OrderlaneClient(
            url, "id", "s&cret+ü", ["users:read"], signer=RequestSigner("key-1", KEYS["P-256"]), retry_seconds=0
        ) as client:
            await client.call("GET", "/users/a b/ü", dict, query={"q": "a b/ü&=", "limit": 2, "none": None})
            await client.call("POST", "/users", dict, body={"name": "ü"})
            await client.call("PATCH", "/users/1", dict, body={"name": "ü"})
            await client.call("DELETE", "/users/1", dict)
    finally:
        await runner.cleanup()

    assert [method for method, _ in verified] == ["POST", "GET", "POST", "PATCH", "DELETE"]
    assert "?" in verified[1][1]
