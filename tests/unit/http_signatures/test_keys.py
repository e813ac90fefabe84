"""Public keys: what is accepted, what is refused and in which words, and the forms in which they are shown."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa, x25519

from orderlane.http_signatures import KeyKind, KeyRefused, PublicKey, SignatureForm, key_set

KINDS = {"P-256": KeyKind.ECDSA_P256, "P-521": KeyKind.ECDSA_P521, "Ed25519": KeyKind.ED25519}
Register = Callable[[Any], PublicKey]


def public_pem(key: Any) -> bytes:
    encoding, spki = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_key().public_bytes(encoding, spki))


@pytest.mark.parametrize("kind", KINDS)
def test_a_pem_is_read_and_written_back(kind: str, private_keys: dict[str, Any]) -> None:
    pem = public_pem(private_keys[kind])

    key = PublicKey.from_pem(b"\n  " + pem.replace(b"\n", b"\r\n"))

    assert key.kind is KINDS[kind]
    assert key.pem == pem.decode()
    assert PublicKey.from_pem(key.pem) == key


@pytest.mark.parametrize("kind", KINDS)
def test_the_fingerprint_is_the_sha256_of_the_der(kind: str, private_keys: dict[str, Any]) -> None:
    der = (
        private_keys[kind]
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )

    fingerprint = PublicKey.from_pem(public_pem(private_keys[kind])).fingerprint

    assert fingerprint == "sha256:" + hashlib.sha256(der).hexdigest()


@pytest.mark.parametrize(
    ("key", "named"),
    [
        (rsa.generate_private_key(65537, 2048), "RSA"),
        (ec.generate_private_key(ec.SECP384R1()), "secp384r1"),
        (ec.generate_private_key(ec.SECP256K1()), "secp256k1"),
        (ed448.Ed448PrivateKey.generate(), "Ed448"),
        (x25519.X25519PrivateKey.generate(), "X25519"),
        (dsa.generate_private_key(1024), "DSA"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_keys_of_other_kinds(key: Any, named: str) -> None:
    with pytest.raises(KeyRefused) as refused:
        PublicKey.from_pem(public_pem(key))

    assert named in str(refused.value)
    assert "expected a P-256, P-521 or Ed25519 public key in PEM" in str(refused.value)


@pytest.mark.parametrize(
    "pem",
    ["", "hello", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----",
     "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
     "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "ü"],
)  # fmt: skip
def test_texts_that_are_no_key(pem: str) -> None:
    with pytest.raises(KeyRefused, match="this is not a P-256, P-521 or Ed25519 public key in PEM"):
        PublicKey.from_pem(pem)


def test_a_private_key_is_sent_back(private_keys: dict[str, Any]) -> None:
    pem = private_keys["P-521"].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

    with pytest.raises(KeyRefused, match="keep it to yourself"):
        PublicKey.from_pem(pem)


def test_a_text_that_is_too_long_for_a_key() -> None:
    with pytest.raises(KeyRefused, match="at most 4096 bytes"):
        PublicKey.from_pem(b"x" * 5000)


@pytest.mark.parametrize("kind", KINDS)
def test_a_json_web_key_is_understood_by_others_and_by_us(
    kind: str, private_keys: dict[str, Any], register: Register
) -> None:
    key = register(private_keys[kind])

    jwk = key.jwk("the-key")

    theirs = jwt.PyJWK(jwk, algorithm={"P-256": "ES256", "P-521": "ES512", "Ed25519": "EdDSA"}[kind])
    assert theirs.key == private_keys[kind].public_key()
    assert theirs.key_id == "the-key"
    assert PublicKey.from_jwk(json.loads(json.dumps(jwk))) == key


def test_coordinates_keep_their_leading_zeros(register: Register) -> None:
    key = ec.derive_private_key(1, ec.SECP521R1())  # x of the generator begins with a zero byte

    jwk = register(key).jwk("k")

    assert len(jwk["x"]) == len(jwk["y"]) == 88
    assert PublicKey.from_jwk(jwk) == register(key)


def test_the_key_set(private_keys: dict[str, Any], register: Register) -> None:
    keys = {"new": register(private_keys["Ed25519"]), "old": register(private_keys["Ed25519"])}

    assert [key["kid"] for key in key_set(keys)["keys"]] == ["new", "old"]
    assert key_set(keys)["keys"][0] == {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": keys["new"].jwk("new")["x"],
        "kid": "new",
        "alg": "EdDSA",
        "use": "sig",
    }


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256", "x": "AA"},
        {"kty": "OKP", "crv": "Ed25519"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
        {"kty": "OKP", "crv": "Ed25519", "x": 5},
        {"kty": "OKP", "crv": "Ed25519", "x": "*" * 43},
        {"kty": ["EC"], "crv": ["P-256"]},
    ],
    ids=str,
)
def test_json_web_keys_that_are_none(jwk: dict[str, Any]) -> None:
    with pytest.raises(KeyRefused, match="JSON Web Key"):
        PublicKey.from_jwk(jwk)


def test_the_webhook_form(private_keys: dict[str, Any], register: Register) -> None:
    key = register(private_keys["Ed25519"])

    assert key.webhook_key.startswith("whpk_")
    assert PublicKey.from_webhook_key(key.webhook_key) == key
    with pytest.raises(KeyRefused, match="only Ed25519"):
        _ = register(private_keys["P-256"]).webhook_key


@pytest.mark.parametrize("text", ["", "whpk_", "whpk_AAAA", "whsec_AAAA", "whpk_*", "whpk_ü"])
def test_texts_that_are_no_webhook_key(text: str) -> None:
    with pytest.raises(KeyRefused, match="whpk_ followed by base64 of 32 bytes"):
        PublicKey.from_webhook_key(text)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", SignatureForm)
@pytest.mark.parametrize(
    "signature", [b"", b"\x00" * 64, b"\xff" * 64, b"0" * 200, b"\x30\x06\x02\x01\x00\x02\x01\x00"]
)
def test_no_nonsense_is_a_signature(
    kind: str, form: SignatureForm, signature: bytes, private_keys: dict[str, Any], register: Register
) -> None:
    assert not register(private_keys[kind]).accepts(signature, b"message", form)
