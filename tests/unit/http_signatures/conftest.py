"""Clients that sign by hand: the signature base is built here with plain strings, apart from the code under test."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha512
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from orderlane.http_signatures import KeyKind, PublicKey, SignatureForm, SignedRequest

NOW = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
CREATED = int(NOW.timestamp())
BODY = b'{"cash_amount": "1000.00"}'

GENERATORS: dict[str, Callable[[], Any]] = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}


def sha512_digest(body: bytes) -> str:
    return f"sha-512=:{b64encode(sha512(body).digest()).decode()}:"


def fields_of(headers: list[tuple[str, str]]) -> dict[str, str]:
    fields: dict[str, list[str]] = {}
    for name, value in headers:
        fields.setdefault(name.lower(), []).append(value.strip(" \t"))
    return {name: ", ".join(values) for name, values in fields.items()}


@dataclass(frozen=True)
class HandSigned:
    """A request in pieces, so that a test can change any piece before or after it is signed."""

    key: Any
    form: SignatureForm
    key_id: str = "key-1"
    method: str = "POST"
    path: str = "/portfolios/orders"
    query: str = "dry_run=false&note=a%20b"
    body: bytes = BODY
    headers: tuple[tuple[str, str], ...] = (
        ("Host", "orders.example.com"),
        ("Accept", "application/json"),
        ("Authorization", "Bearer abc.def"),
        ("Idempotency-Key", "4f7f3b1e-1f3f-4f5e-9d7a-0a4b1c2d3e4f"),
        ("Content-Type", "application/json"),
        ("Content-Digest", sha512_digest(BODY)),
    )
    covered: tuple[str, ...] = (
        "@method",
        "@path",
        "@query",
        "accept",
        "authorization",
        "idempotency-key",
        "content-type",
        "content-digest",
    )
    parameters: tuple[str, ...] = field(
        default=(f"created={CREATED}", f"expires={CREATED + 10}", 'nonce="n-0001"', 'keyid="key-1"')
    )
    label: str = "sig1"

    def but(self, **changes: Any) -> "HandSigned":
        return replace(self, **changes)

    def without_field(self, name: str) -> "HandSigned":
        kept = tuple(header for header in self.headers if header[0].lower() != name)
        return self.but(headers=kept, covered=tuple(item for item in self.covered if item != name))

    def value(self, component: str) -> str:
        derived = {
            "@method": self.method,
            "@path": self.path,
            "@query": f"?{self.query}",
            "@authority": fields_of(list(self.headers)).get("host", ""),
            "@scheme": "https",
            "@target-uri": f"https://orders.example.com{self.path}?{self.query}",
            "@request-target": f"{self.path}?{self.query}",
        }
        return derived.get(component) or fields_of(list(self.headers))[component]

    @property
    def signature_params(self) -> str:
        return ";".join(["(" + " ".join(f'"{name}"' for name in self.covered) + ")", *self.parameters])

    @property
    def base(self) -> str:
        lines = [f'"{name}": {self.value(name)}' for name in self.covered]
        return "\n".join([*lines, f'"@signature-params": {self.signature_params}'])

    @cached_property
    def signature(self) -> bytes:
        return sign(self.key, self.base.encode(), self.form)

    @property
    def signature_headers(self) -> list[tuple[str, str]]:
        headers = [
            ("Signature-Input", f"{self.label}={self.signature_params}"),
            ("Signature", f"{self.label}=:{b64encode(self.signature).decode()}:"),
        ]
        if self.form is SignatureForm.DRAFT_15:
            headers.append(("upvest-signature-version", "15"))
        return headers

    def received(self, **changes: Any) -> SignedRequest:
        """What the server gets: signed as the pieces say, then changed on the way."""
        pieces = {
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "headers": [*self.headers, *self.signature_headers],
            "body": self.body,
        }
        return SignedRequest(**(pieces | changes))

    @property
    def keys(self) -> dict[str, PublicKey]:
        return {self.key_id: public_key(self.key)}


def sign(key: Any, base: bytes, form: SignatureForm) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(base)
    if form is SignatureForm.DRAFT_15:
        return key.sign(base, ec.ECDSA(hashes.SHA512()))
    r, s = decode_dss_signature(key.sign(base, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def public_pem(key: Any) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def public_key(key: Any) -> PublicKey:
    return PublicKey.from_pem(public_pem(key))


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def private_keys() -> dict[str, Any]:
    return {kind: generate() for kind, generate in GENERATORS.items()}


@pytest.fixture(scope="session")
def keys_of_others() -> dict[KeyKind, Any]:
    """Private keys that are nobody's, by kind as the public key tells it."""
    keys = [generate() for generate in GENERATORS.values()]
    return {public_key(key).kind: key for key in keys}


@pytest.fixture(scope="session")
def register() -> Callable[[Any], PublicKey]:
    """Turn a private key into the public key that its owner registers."""
    return public_key


@pytest.fixture(
    scope="session",
    params=[
        ("P-256", SignatureForm.DRAFT_15),
        ("P-521", SignatureForm.DRAFT_15),
        ("Ed25519", SignatureForm.DRAFT_15),
        ("P-256", SignatureForm.RFC_9421),
        ("Ed25519", SignatureForm.RFC_9421),
    ],
    ids=lambda param: f"{param[0]}, {param[1]}",
)
def hand_signed(request: pytest.FixtureRequest, private_keys: dict[str, Any]) -> HandSigned:
    """A correctly signed POST, for each key and form."""
    kind, form = request.param
    return HandSigned(private_keys[kind], form)


@pytest.fixture(scope="session")
def ed25519_signed(private_keys: dict[str, Any]) -> HandSigned:
    """A correctly signed POST in the RFC 9421 form with an Ed25519 key."""
    return HandSigned(private_keys["Ed25519"], SignatureForm.RFC_9421)
