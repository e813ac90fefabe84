"""Signing of requests: HTTP message signatures in the final form (RFC 9421), or in the draft-15 form that came before.

    signer = RequestSigner.from_pem("key-1", private_pem, b"passphrase")
    headers |= signer.sign("POST", "/users", headers, body)

It needs no HTTP library and no service: whatever sends the request sends exactly these headers, target and bytes.
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from enum import StrEnum
from time import time
from typing import Final
from uuid import uuid4

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from orderlane_client.errors import ClientError

LIFETIME_SECONDS: Final = 30
LABEL: Final = "sig1"
VERSION_FIELD: Final = "upvest-signature-version"
_P256_BYTES: Final = 32
_ECDSA_SHA256: Final = ec.ECDSA(hashes.SHA256())
_ECDSA_SHA512: Final = ec.ECDSA(hashes.SHA512())


class SignatureForm(StrEnum):
    """The two forms; they differ in algorithms and encoding."""

    RFC_9421 = "rfc-9421"
    DRAFT_15 = "draft-15"


class KeyUnusable(ClientError):
    """A private key cannot sign requests: says why, and what would be right."""


class RequestSigner:
    """Signs the requests of one client with one key. Cheap to call, and safe to share between tasks and threads.

    Args:
        key_id: the id under which the operator registered the public key.
        key: an Ed25519 or P-256 key for either form, or a P-521 key for the draft's.
        form: which form to sign in.
        clock: the time, in seconds since 1970.
        new_nonce: a text that was never returned before.

    Raises:
        KeyUnusable: the key is of another kind, or the form has no algorithm for it, or `key_id` cannot be sent.
    """

    def __init__(
        self,
        key_id: str,
        key: object,
        form: SignatureForm = SignatureForm.RFC_9421,
        *,
        clock: Callable[[], float] = time,
        new_nonce: Callable[[], object] = uuid4,
    ) -> None:
        self._sign, algorithm = _algorithm(key, form)
        if not key_id.isascii() or not key_id.isprintable() or '"' in key_id or "\\" in key_id:
            raise KeyUnusable("a key id is printable ASCII without quotes and backslashes")
        self._form, self._clock, self._new_nonce = form, clock, new_nonce
        self._key_parameters = f';keyid="{key_id}"' + (f';alg="{algorithm}"' if algorithm else "")

    @classmethod
    def from_pem(
        cls,
        key_id: str,
        pem: str | bytes,
        passphrase: str | bytes | None = None,
        form: SignatureForm = SignatureForm.RFC_9421,
    ) -> "RequestSigner":
        """Read the private key from PEM, PKCS#8 or SEC1, encrypted or not.

        Raises:
            KeyUnusable: it cannot be read or used, or the passphrase does not fit.
        """
        encoded = pem.encode() if isinstance(pem, str) else pem
        password = passphrase.encode() if isinstance(passphrase, str) else passphrase
        try:
            key = serialization.load_pem_private_key(encoded, password)
        except (TypeError, ValueError, UnsupportedAlgorithm) as error:
            raise KeyUnusable(f"the private key cannot be read: {error}") from None
        return cls(key_id, key, form)

    def sign(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> dict[str, str]:
        """Return the headers to add to a request, in small letters.

        Each call has a nonce of its own: a request that is sent again is signed again.

        Args:
            method: in capitals.
            target: path and query, percent-encoded as they will be sent.
            headers: headers that will be sent with just these values; all of them are covered. `authorization` and
                `idempotency-key` must be among them when they are sent.
            body: the bytes that will be sent.

        Raises:
            UnicodeEncodeError: a value is not ASCII.
        """
        added = self._unsigned(body)
        values = _values(method, target, headers) | added
        names = " ".join(f'"{name}"' for name in values)
        created = int(self._clock())
        parameters = (
            f'({names});created={created};expires={created + LIFETIME_SECONDS};nonce="{self._new_nonce()}"'
            f"{self._key_parameters}"
        )
        lines = [f'"{name}": {value}' for name, value in values.items()]
        base = "\n".join([*lines, f'"@signature-params": {parameters}'])
        added["signature-input"] = f"{LABEL}={parameters}"
        added["signature"] = f"{LABEL}=:{b64encode(self._sign(base.encode('ascii'))).decode()}:"
        return added

    def _unsigned(self, body: bytes) -> dict[str, str]:
        """The headers to add that are covered themselves."""
        is_draft = self._form is SignatureForm.DRAFT_15
        added = {VERSION_FIELD: "15"} if is_draft else {}
        if body:
            name, digest = ("sha-512", hashlib.sha512(body)) if is_draft else ("sha-256", hashlib.sha256(body))
            added["content-digest"] = f"{name}=:{b64encode(digest.digest()).decode()}:"
        return added


def _values(method: str, target: str, headers: Mapping[str, str]) -> dict[str, str]:
    path, _, query = target.partition("?")
    values = {"@method": method, "@path": path or "/"}
    if query:
        values["@query"] = f"?{query}"
    values.update((name.lower(), value.strip(" \t")) for name, value in headers.items())
    return values


def _algorithm(key: object, form: SignatureForm) -> tuple[Callable[[bytes], bytes], str]:
    """How to sign, and what the form calls it. The draft has no name for what its clients do with ECDSA."""
    match key:
        case Ed25519PrivateKey():
            return key.sign, "ed25519"
        case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1() | ec.SECP521R1()) if form is SignatureForm.DRAFT_15:
            return lambda base: key.sign(base, _ECDSA_SHA512), ""
        case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()):
            return lambda base: _pair(key.sign(base, _ECDSA_SHA256)), "ecdsa-p256-sha256"
        case ec.EllipticCurvePrivateKey(curve=ec.SECP521R1()):
            raise KeyUnusable("RFC 9421 has no algorithm for P-521: sign in the draft's form")
        case _:
            raise KeyUnusable(f"a {type(key).__name__} cannot sign requests: take an Ed25519, P-256 or P-521 key")


def _pair(der: bytes) -> bytes:
    """r||s in 64 bytes (RFC 9421, section 3.3.4), from DER."""
    r, s = decode_dss_signature(der)
    return r.to_bytes(_P256_BYTES, "big") + s.to_bytes(_P256_BYTES, "big")
