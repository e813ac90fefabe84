"""Integrators that use the published package as it is: its settings from the environment, its signing, its tokens."""

import os
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urljoin
from uuid import uuid4

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from upvest_investment_api import HttpSignatureSettings, UpvestRequestsAuth

from tests.system.processes import Service, run_command

CURVES = {"P-256": ec.SECP256R1(), "P-521": ec.SECP521R1()}
PASSPHRASE = "correct horse battery staple"
SCOPES = (
    "users:admin",
    "accounts:admin",
    "payments:admin",
    "positions:read",
    "valuations:read",
    "instruments:read",
    "portfolios:admin",
    "orders:admin",
    "webhooks:admin",
)
SECONDS_MAX = 30


@dataclass(frozen=True)
class KeyPair:
    """A key pair in two files; the private one is encrypted."""

    private: Path
    public: Path


def new_key_pair(folder: Path, curve: str) -> KeyPair:
    key = ec.generate_private_key(CURVES[curve])
    name = uuid4().hex
    pair = KeyPair(folder / f"{name}.pem", folder / f"{name}.public.pem")
    pair.private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(PASSPHRASE.encode()),
        )
    )
    pair.public.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return pair


@dataclass
class Integrator:
    """A client of the service with its own code around the published package."""

    base_url: str
    auth: UpvestRequestsAuth = field(init=False)
    tokens: list[requests.Response] = field(default_factory=list)
    sent: list[requests.PreparedRequest] = field(default_factory=list)

    def send(
        self, method: str, path: str, *, is_idempotent: bool = False, key: str | None = None, **request: Any
    ) -> requests.Response:
        """Send a signed request; with an idempotency key when it must have one, or when one is given."""
        key = key or (str(uuid4()) if is_idempotent else None)
        auth = self.auth if key is None else self.auth.with_idempotency_key(key)
        return requests.request(method, self.base_url + path, auth=auth, timeout=SECONDS_MAX, **request)

    def get(self, path: str, **query: Any) -> Any:
        return answered(self.send("GET", path, params=query), 200)

    def post(self, path: str, body: Any, status: int = 200) -> Any:
        return answered(self.send("POST", path, is_idempotent=True, json=body), status)

    def poll(self, path: str, field_name: str, *final: str) -> Any:
        """Get a resource until a field of it has one of these values."""
        for _ in range(1000):
            resource = self.get(path)
            if resource[field_name] in final:
                return resource
        raise AssertionError(f"{path} stays {resource}")


def answered(answer: requests.Response, status: int) -> Any:
    """The JSON of an answer that must have this status."""
    assert answer.status_code == status, f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}"
    assert answer.headers["upvest-request-id"]
    if status == 204:
        assert answer.content == b""
        return None
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def problem(answer: requests.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of a refusal, checked for its shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["type"] == urljoin(answer.url, f"/errors/{code}"), document
    assert document["status"] == status
    assert document["request_id"] == answer.headers["upvest-request-id"]
    return document


async def new_client(service: Service, *options: str | Path) -> dict[str, str]:
    """Create a client as an operator does: client_id, client_secret, scope, and key_id if it has a key."""
    return await ordered(service, "client", "create", "--name", "integrator", "--json", *options)


async def ordered(service: Service, *arguments: str | Path) -> dict[str, str]:
    """Run a command on the service's data; the JSON that it prints."""
    finished = await run_command(*arguments, "--data-dir", service.data_dir, settings=service.settings)
    assert finished.code == 0, finished.err
    return finished.lines[0] if "--json" in arguments else {}


def environment_of(url: str, client: dict[str, str], pair: KeyPair, *, as_file: bool) -> dict[str, str]:
    """An integrator's configuration: the key as a file, or in the environment itself."""
    pem = {"_FILENAME": str(pair.private)} if as_file else {"_BASE64": b64encode(pair.private.read_bytes()).decode()}
    return {
        "UPVEST_API_BASE_URL": url,
        "UPVEST_API_KEY_ID": client["key_id"],
        "UPVEST_API_CLIENT_ID": client["client_id"],
        "UPVEST_API_CLIENT_SECRET": client["client_secret"],
        "UPVEST_API_SCOPES": ",".join(SCOPES),
        "UPVEST_API_HTTP_SIGN_PRIVATE_KEY_PASSPHRASE": PASSPHRASE,
        **{f"UPVEST_API_HTTP_SIGN_PRIVATE_KEY{suffix}": value for suffix, value in pem.items()},
    }


def configured(environment: dict[str, str]) -> Integrator:
    """An integrator whose configuration is environment variables, as the package reads them."""
    with patch.dict(os.environ, environment):
        settings = HttpSignatureSettings(env_file=os.devnull)
    integrator = Integrator(settings.BASE_URL)
    integrator.auth = UpvestRequestsAuth(
        private_key_pem=settings.HTTP_SIGN_PRIVATE_KEY,
        private_key_passphrase=settings.HTTP_SIGN_PRIVATE_KEY_PASSPHRASE,
        key_id=settings.KEY_ID,
        client_id=settings.CLIENT_ID,
        client_secret=settings.CLIENT_SECRET,
        scopes=settings.SCOPES,
        callback_auth_response=integrator.tokens.append,
        callback_request=integrator.sent.append,
    )
    return integrator
