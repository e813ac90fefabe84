"""Requests signed by the real code of the published third-party client are accepted."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from upvest_investment_api import UpvestRequestsAuth

from orderlane.http_signatures import (
    DigestRefused,
    PublicKey,
    SignatureExpired,
    SignatureForm,
    SignatureMismatch,
    SignedRequest,
    verify,
)

KEY_ID = "c5c4b0a4-9f4e-4f7a-8a5a-2f2b4f1f0001"
CLIENT_ID = "ebabcf4d-61c3-4942-875c-e265a7c2d062"
PASSPHRASE = b"correct horse"
FORMATS = {
    "PKCS#8": serialization.PrivateFormat.PKCS8,
    "traditional": serialization.PrivateFormat.TraditionalOpenSSL,
}


@pytest.fixture(params=[(kind, form) for kind in ("P-256", "P-521") for form in FORMATS], ids=": ".join)
def pair(
    request: pytest.FixtureRequest, private_keys: dict[str, Any], register: Callable[[Any], PublicKey]
) -> tuple[bytes, PublicKey]:
    """The private key as an encrypted PEM, and the public key as we would register it."""
    kind, form = request.param
    key = private_keys[kind]
    private_pem = key.private_bytes(
        serialization.Encoding.PEM, FORMATS[form], serialization.BestAvailableEncryption(PASSPHRASE)
    )
    return private_pem, register(key)


@pytest.fixture
def client(pair: tuple[bytes, PublicKey]) -> UpvestRequestsAuth:
    """The client with a token that it would have fetched before."""
    auth = UpvestRequestsAuth(
        private_key_pem=pair[0],
        private_key_passphrase=PASSPHRASE,
        key_id=KEY_ID,
        client_id=CLIENT_ID,
        client_secret="secret",
        scopes=["users:admin"],
    )
    auth.auth_token = {"access_token": "tok.sig"}
    auth.auth_token_expiry = datetime.now() + timedelta(hours=1)  # noqa: DTZ005 - the client reckons so
    return auth


def prepared(
    method: str, path: str, auth: Callable[[Any], Any], headers: dict[str, str] | None = None, **body: Any
) -> SignedRequest:
    """What arrives when `requests` sends this: its target and its headers, the host added by the connection."""
    url = f"https://orders.example.com{path}"
    request = requests.Session().prepare_request(requests.Request(method, url, headers=headers, auth=auth, **body))
    target, _, query = request.path_url.partition("?")
    sent = request.body or b""
    return SignedRequest(
        method=str(request.method),
        path=target,
        query=query,
        headers=[("Host", "orders.example.com"), *((name, str(value)) for name, value in request.headers.items())],
        body=sent.encode() if isinstance(sent, str) else sent,
    )


def clock() -> datetime:
    return datetime.now(UTC)


def test_a_post_with_an_idempotency_key(client: UpvestRequestsAuth, pair: tuple[bytes, PublicKey]) -> None:
    idempotent = client.with_idempotency_key("0b0f5d4e-96ff-4c04-9a8a-3f2a4c0c8e57")
    request = prepared("POST", "/portfolios/orders", idempotent, json={"cash_amount": "1000.00", "note": "ü"})

    verified = verify(request, {KEY_ID: pair[1]}, clock())

    assert verified.key_id == KEY_ID
    assert verified.form is SignatureForm.DRAFT_15
    assert verified.nonce is not None
    assert len(verified.nonce) == 36
    assert {"@method", "@path", "content-digest", "authorization", "idempotency-key"} <= set(verified.covered)
    assert verified.expires == verified.created + timedelta(seconds=10)
    assert verified.valid_until == verified.expires + timedelta(seconds=30)


@pytest.mark.parametrize(
    "path",
    ["/users", "/users?limit=2&offset=0", "/users?q=a+b%2F%C3%BC&empty=", "/a%20b/%C3%BC?x=%22%0A"],
)
def test_a_get(path: str, client: UpvestRequestsAuth, pair: tuple[bytes, PublicKey]) -> None:
    request = prepared("GET", path, client)

    verified = verify(request, {KEY_ID: pair[1]}, clock())

    assert ("@query" in verified.covered) is ("?" in path)


def test_a_delete_without_a_body(client: UpvestRequestsAuth, pair: tuple[bytes, PublicKey]) -> None:
    verified = verify(prepared("DELETE", "/users/1", client), {KEY_ID: pair[1]}, clock())

    assert "content-digest" not in verified.covered


def test_the_request_for_a_token_itself(client: UpvestRequestsAuth, pair: tuple[bytes, PublicKey]) -> None:
    form = {"client_id": CLIENT_ID, "client_secret": "secret", "grant_type": "client_credentials"}

    verified = verify(prepared("POST", "/auth/token", client, data=form), {KEY_ID: pair[1]}, clock())

    assert "authorization" not in verified.covered
    assert "content-digest" in verified.covered


def test_headers_of_the_integrator_are_covered_too(client: UpvestRequestsAuth, pair: tuple[bytes, PublicKey]) -> None:
    headers = {"Accept-Language": "de-DE, de;q=0.9", "X-Trace": "not covered"}

    verified = verify(prepared("GET", "/users", client, headers), {KEY_ID: pair[1]}, clock())

    assert "accept-language" in verified.covered
    assert "x-trace" not in verified.covered


def test_what_is_changed_on_the_way_is_noticed(client: UpvestRequestsAuth, pair: tuple[bytes, PublicKey]) -> None:
    request = prepared("POST", "/portfolios/orders", client, json={"cash_amount": "10.00"})
    request.body = json.dumps({"cash_amount": "99.00"}).encode()

    with pytest.raises(DigestRefused):
        verify(request, {KEY_ID: pair[1]}, clock())

    request = prepared("DELETE", "/portfolios/orders/1", client)
    request.path = "/portfolios/orders/2"
    with pytest.raises(SignatureMismatch) as refused:
        verify(request, {KEY_ID: pair[1]}, clock())
    assert '"@path": /portfolios/orders/2' in str(refused.value.signature_base)


def test_an_old_request_is_refused(client: UpvestRequestsAuth, pair: tuple[bytes, PublicKey]) -> None:
    request = prepared("GET", "/users", client)

    with pytest.raises(SignatureExpired):
        verify(request, {KEY_ID: pair[1]}, clock() + timedelta(seconds=42))
