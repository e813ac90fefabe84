"""Measure what signatures cost on one core: verified requests and signed webhooks per second.

Beside each figure stands that of the bare cryptographic operations in it, measured in the same run: the
difference is what reading the fields, building the base and checking the policy cost.

Usage: python benchmarks/signatures.py [--seconds S] [--body BYTES] [--json FILE]
"""

import argparse
import json
import time
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from orderlane.http_signatures import (
    PublicKey,
    SignatureForm,
    SignedRequest,
    WebhookSecret,
    WebhookSigner,
    WebhookSigningKey,
    verify,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
COVERED = (
    "@method", "@path", "accept", "content-length", "content-type", "authorization", "upvest-api-version",
    "upvest-client-id", "idempotency-key", "date", "content-digest",
)  # fmt: skip
CASES: tuple[tuple[str, SignatureForm, Callable[[], Any]], ...] = (
    ("ECDSA P-256", SignatureForm.DRAFT_15, lambda: ec.generate_private_key(ec.SECP256R1())),
    ("ECDSA P-521", SignatureForm.DRAFT_15, lambda: ec.generate_private_key(ec.SECP521R1())),
    ("Ed25519", SignatureForm.DRAFT_15, ed25519.Ed25519PrivateKey.generate),
    ("ECDSA P-256", SignatureForm.RFC_9421, lambda: ec.generate_private_key(ec.SECP256R1())),
    ("Ed25519", SignatureForm.RFC_9421, ed25519.Ed25519PrivateKey.generate),
)


class Figure(NamedTuple):
    """One row: how often a second, whole and with the cryptography alone."""

    what: str
    per_second: int
    cryptography_per_second: int


def main() -> None:
    """Run all cases and print them; write them to a file when asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each figure is measured")
    parser.add_argument("--body", type=int, default=250, help="bytes of a request's body")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    figures = [verification(*case, b"x" * arguments.body, arguments.seconds) for case in CASES]
    figures += [webhook(size, arguments.seconds) for size in (1_000, 10_240, 100_000)]
    print(f"{'per CPU-second':48}{'whole':>10}{'cryptography alone':>22}")
    for figure in figures:
        print(f"{figure.what:48}{figure.per_second:>10,}{figure.cryptography_per_second:>22,}")
    if arguments.json:
        arguments.json.write_text(json.dumps([figure._asdict() for figure in figures], indent=2) + "\n")


def rate(work: Callable[[], object], seconds: float) -> int:
    """Return how often in a second of CPU time `work` can be done; the best of three rounds."""
    best = 0.0
    for _ in range(3):
        done, start = 0, time.process_time()
        while (elapsed := time.process_time() - start) < seconds / 3:
            for _ in range(20):
                work()
            done += 20
        best = max(best, done / elapsed)
    return round(best)


def verification(kind: str, form: SignatureForm, generate: Callable[[], Any], body: bytes, seconds: float) -> Figure:
    """Measure the verification of a POST as the field's client sends it, its headers still to be grouped."""
    key = generate()
    request, signature, base = signed_post(key, form, body)
    keys = {"key-1": public_key(key)}

    def whole() -> object:
        received = SignedRequest(method="POST", path="/portfolios/orders", query="", headers=request.items(), body=body)
        return verify(received, keys, NOW)

    def cryptography() -> object:
        sha512(body).digest()
        return keys["key-1"].accepts(signature, base, form)

    return Figure(f"verify {kind}, {form.value}", rate(whole, seconds), rate(cryptography, seconds))


def signed_post(key: Any, form: SignatureForm, body: bytes) -> tuple[dict[str, str], bytes, bytes]:
    """Return the headers of a signed POST, its signature, and the base that was signed."""
    headers = {
        "host": "orders.example.com",
        "user-agent": "python-requests/2.32",
        "accept": "application/json",
        "content-length": str(len(body)),
        "content-type": "application/json",
        "authorization": "Bearer " + "t" * 300,
        "upvest-api-version": "1",
        "upvest-client-id": "ebabcf4d-61c3-4942-875c-e265a7c2d062",
        "idempotency-key": "e92d9bb0-d07e-482f-8b4c-b28dc3099a20",
        "date": "Thu, 01 Jan 2026 00:00:00 GMT",
        "content-digest": f"sha-512=:{b64encode(sha512(body).digest()).decode()}:",
    }
    created = int(NOW.timestamp())
    parameters = (
        "(" + " ".join(f'"{name}"' for name in COVERED) + ")"
        f';keyid="key-1";nonce="ffc8923d-6730-45cf-bbc1-f983177200b0";created={created};expires={created + 10}'
    )
    values = {"@method": "POST", "@path": "/portfolios/orders", **headers}
    lines = [f'"{name}": {values[name]}' for name in COVERED]
    base = "\n".join([*lines, f'"@signature-params": {parameters}']).encode()
    signature = sign(key, base, form)
    version = {"upvest-signature-version": "15"} if form is SignatureForm.DRAFT_15 else {}
    signed = {"signature-input": f"sig1={parameters}", "signature": f"sig1=:{b64encode(signature).decode()}:"}
    return headers | signed | version, signature, base


def sign(key: Any, base: bytes, form: SignatureForm) -> bytes:
    """Sign as a client does, in the encoding of the form."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(base)
    if form is SignatureForm.DRAFT_15:
        return bytes(key.sign(base, ec.ECDSA(hashes.SHA512())))
    r, s = decode_dss_signature(key.sign(base, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def public_key(key: Any) -> PublicKey:
    """Return the public half, as it would be registered."""
    encoding, spki = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return PublicKey.from_pem(key.public_key().public_bytes(encoding, spki))


def webhook(size: int, seconds: float) -> Figure:
    """Measure the signing of a webhook request of `size` bytes: two Ed25519, one HMAC, one SHA-256."""
    key, secret = WebhookSigningKey("wk-1", b"\x01" * 32), WebhookSecret(b"\x02" * 32)
    signer = WebhookSigner("https://hooks.example.com/orders", [key], [secret])
    body, base = b"x" * size, b"b" * 500

    def whole() -> object:
        return signer.sign("msg_01J9ZC3", NOW + timedelta(seconds=1), body)

    def cryptography() -> object:
        return key.sign(body), key.sign(base), secret.sign(body), sha256(body).digest()

    return Figure(f"sign a webhook of {size:,} bytes", rate(whole, seconds), rate(cryptography, seconds))


if __name__ == "__main__":
    main()
