"""The third-party client over real HTTP: what uvicorn hands to an application is what the client signed."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import uvicorn
from cryptography.hazmat.primitives import serialization
from upvest_investment_api import UpvestRequestsAuth

from orderlane.http_signatures import PublicKey, SignatureRefused, SignedRequest, verify


class VerifyingApplication:
    """Answers 200 with what a request's signature covers, or 401 with why it is refused; hands out tokens."""

    def __init__(self, keys: dict[str, PublicKey]) -> None:
        self.keys = keys

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        status, answer = self.answer(scope, body)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def answer(self, scope: Any, body: bytes) -> tuple[int, dict[str, Any]]:
        request = SignedRequest.from_asgi(scope, body)
        try:
            verified = verify(request, self.keys, datetime.now(UTC))
        except SignatureRefused as refused:
            return 401, {"check": refused.check, "detail": str(refused)}
        return 200, {"covered": verified.covered, "access_token": "tok.sig", "expires_in": 1800}


@pytest.fixture(params=["P-256", "P-521"])
def private_key(request: pytest.FixtureRequest, private_keys: dict[str, Any]) -> Any:
    return private_keys[request.param]


@pytest.fixture
def base_url(private_key: Any, register: Callable[[Any], PublicKey]) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    application = VerifyingApplication({"key-1": register(private_key)})
    server = uvicorn.Server(uvicorn.Config(application, lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def client(private_key: Any) -> UpvestRequestsAuth:
    pem = private_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )
    return UpvestRequestsAuth(
        private_key_pem=pem,
        private_key_passphrase=b"passphrase",
        key_id="key-1",
        client_id="ebabcf4d-61c3-4942-875c-e265a7c2d062",
        client_secret="s&cret+ü",
        scopes=["users:admin", "portfolios:admin"],
    )


def test_token_and_calls(base_url: str, client: UpvestRequestsAuth) -> None:
    answers = [
        requests.get(f"{base_url}/users", params={"limit": "2", "q": "a b/ü&="}, auth=client, timeout=10),
        requests.get(f"{base_url}/a%2Fb/ü c", auth=client, timeout=10),
        requests.post(f"{base_url}/users", json={"name": "ü"}, auth=client.with_idempotency_key("k"), timeout=10),
        requests.patch(f"{base_url}/users/1", data=b"\x00\xff" * 50_000, auth=client, timeout=10),
        requests.delete(f"{base_url}/users/1", auth=client, timeout=10),
    ]

    assert [answer.status_code for answer in answers] == [200] * 5
    assert "@query" in answers[0].json()["covered"]
    assert "idempotency-key" in answers[2].json()["covered"]
    assert all("authorization" in answer.json()["covered"] for answer in answers)


def test_a_header_slipped_in_is_noticed(base_url: str, client: UpvestRequestsAuth) -> None:
    def sign_then_add(request: Any) -> Any:
        signed = client(request)
        signed.headers["idempotency-key"] = "slipped in"
        return signed

    answer = requests.post(f"{base_url}/users", json={}, auth=sign_then_add, timeout=10)

    assert answer.status_code == 401
    assert answer.json() == {"check": "component_not_covered", "detail": "the signature must cover idempotency-key"}
