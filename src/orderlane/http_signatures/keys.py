"""The public keys that verify signatures: ECDSA P-256, ECDSA P-521 and Ed25519."""

import hashlib
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from orderlane.http_signatures.errors import KeyRefused

PEM_LENGTH_MAX: Final = 4096
WEBHOOK_PUBLIC_KEY_PREFIX: Final = "whpk_"


class KeyKind(StrEnum):
    """The kinds of key, named as people name them."""

    ECDSA_P256 = "ECDSA P-256"
    ECDSA_P521 = "ECDSA P-521"
    ED25519 = "Ed25519"


class SignatureForm(StrEnum):
    """The two forms of a request's signature: what they differ in is the algorithms and their encoding."""

    DRAFT_15 = "draft-15"
    RFC_9421 = "rfc-9421"


# ECDSA in the draft's form is SHA-512 and DER whatever the curve; RFC 9421 has SHA-256 and r||s for P-256
# (section 3.3.4) and no algorithm for P-521.
ALGORITHMS: Final[Mapping[tuple[KeyKind, SignatureForm], tuple[str, ...]]] = {
    (KeyKind.ECDSA_P256, SignatureForm.DRAFT_15): ("ecdsa-p256-sha512",),
    (KeyKind.ECDSA_P521, SignatureForm.DRAFT_15): ("ecdsa-p521-sha512",),
    (KeyKind.ED25519, SignatureForm.DRAFT_15): ("ed25519",),
    (KeyKind.ECDSA_P256, SignatureForm.RFC_9421): ("ecdsa-p256-sha256",),
    (KeyKind.ECDSA_P521, SignatureForm.RFC_9421): (),
    (KeyKind.ED25519, SignatureForm.RFC_9421): ("ed25519",),
}

_CURVES: Final[Mapping[str, tuple[KeyKind, str, int]]] = {
    "secp256r1": (KeyKind.ECDSA_P256, "P-256", 32),
    "secp521r1": (KeyKind.ECDSA_P521, "P-521", 66),
}
_ECDSA_SHA256: Final = ec.ECDSA(hashes.SHA256())
_ECDSA_SHA512: Final = ec.ECDSA(hashes.SHA512())
_WANTED: Final = "a P-256, P-521 or Ed25519 public key in PEM (-----BEGIN PUBLIC KEY-----)"
_WANTED_WEBHOOK_KEY: Final = "a webhook public key is whpk_ followed by base64 of 32 bytes"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key; make one with `from_pem`, `from_jwk` or `from_webhook_key`."""

    kind: KeyKind
    _key: ec.EllipticCurvePublicKey | Ed25519PublicKey

    @classmethod
    def from_pem(cls, pem: str | bytes) -> "PublicKey":
        """Read a SubjectPublicKeyInfo in PEM, as `openssl pkey -pubout` writes it.

        Raises:
            KeyRefused: it is something else, or a key of another kind.
        """
        encoded = pem.encode() if isinstance(pem, str) else pem
        if len(encoded) > PEM_LENGTH_MAX:
            raise KeyRefused(f"a public key has at most {PEM_LENGTH_MAX} bytes; expected {_WANTED}")
        if b"PRIVATE KEY" in encoded:
            raise KeyRefused("this is a private key: keep it to yourself and register its public key")
        try:
            key = serialization.load_pem_public_key(encoded)
        except (ValueError, UnsupportedAlgorithm):
            raise KeyRefused(f"this is not {_WANTED}") from None
        return cls._of(key)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> "PublicKey":
        """Read a JSON Web Key of type OKP (Ed25519) or EC (P-256, P-521).

        Raises:
            KeyRefused: a member is missing or wrong.
        """
        curve = jwk.get("crv")
        try:
            if (jwk.get("kty"), curve) == ("OKP", "Ed25519"):
                return cls._of(Ed25519PublicKey.from_public_bytes(_from_base64url(jwk["x"])))
            if jwk.get("kty") == "EC" and curve in ("P-256", "P-521"):
                x, y = (int.from_bytes(_from_base64url(jwk[name]), "big") for name in ("x", "y"))
                numbers_curve = ec.SECP256R1() if curve == "P-256" else ec.SECP521R1()
                return cls._of(ec.EllipticCurvePublicNumbers(x, y, numbers_curve).public_key())
        except (KeyError, TypeError, ValueError) as error:
            raise KeyRefused(f"the JSON Web Key is not a point of {curve}: {error}") from None
        raise KeyRefused("a JSON Web Key must be OKP with crv Ed25519, or EC with crv P-256 or P-521")

    @classmethod
    def from_webhook_key(cls, text: str) -> "PublicKey":
        """Read an Ed25519 key in Standard Webhooks form: `whpk_` and base64 of its 32 bytes.

        Raises:
            KeyRefused: it is something else.
        """
        if not text.startswith(WEBHOOK_PUBLIC_KEY_PREFIX):
            raise KeyRefused(_WANTED_WEBHOOK_KEY)
        try:
            raw = b64decode(text.removeprefix(WEBHOOK_PUBLIC_KEY_PREFIX), validate=True)
            return cls._of(Ed25519PublicKey.from_public_bytes(raw))
        except ValueError:
            raise KeyRefused(_WANTED_WEBHOOK_KEY) from None

    @classmethod
    def from_ed25519(cls, key: Ed25519PublicKey) -> "PublicKey":
        """Take a key of the `cryptography` library."""
        return cls(KeyKind.ED25519, key)

    @classmethod
    def _of(cls, key: object) -> "PublicKey":
        if isinstance(key, Ed25519PublicKey):
            return cls(KeyKind.ED25519, key)
        if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
            return cls(_CURVES[key.curve.name][0], key)
        found = key.curve.name if isinstance(key, ec.EllipticCurvePublicKey) else type(key).__name__
        raise KeyRefused(f"keys of kind {found} are not accepted; expected {_WANTED}")

    @property
    def pem(self) -> str:
        """The key as SubjectPublicKeyInfo in PEM, always written the same way."""
        return self._key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode()

    @property
    def fingerprint(self) -> str:
        """`sha256:` and the hex SHA-256 of the key's DER: `openssl pkey -pubin -outform DER | sha256sum`."""
        der = self._key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return f"sha256:{hashlib.sha256(der).hexdigest()}"

    @property
    def webhook_key(self) -> str:
        """The key in Standard Webhooks form, `whpk_…`.

        Raises:
            KeyRefused: only Ed25519 keys have that form.
        """
        return WEBHOOK_PUBLIC_KEY_PREFIX + b64encode(self._ed25519_bytes()).decode()

    def jwk(self, key_id: str) -> dict[str, str]:
        """Return the key as a JSON Web Key for signatures, with `kid` = `key_id`."""
        if isinstance(self._key, Ed25519PublicKey):
            x = _to_base64url(self._ed25519_bytes())
            return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": key_id, "alg": "EdDSA", "use": "sig"}
        _, curve, size = _CURVES[self._key.curve.name]
        numbers = self._key.public_numbers()
        x, y = (_to_base64url(number.to_bytes(size, "big")) for number in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": curve, "x": x, "y": y, "kid": key_id, "use": "sig"}

    def accepts(self, signature: bytes, message: bytes, form: SignatureForm) -> bool:
        """Say whether `signature` over `message` was made with this key, in that form's encoding."""
        try:
            if isinstance(self._key, Ed25519PublicKey):
                self._key.verify(signature, message)
            elif form is SignatureForm.DRAFT_15:
                self._key.verify(signature, message, _ECDSA_SHA512)
            else:
                self._key.verify(_der_from_pair(signature), message, _ECDSA_SHA256)
        except InvalidSignature:
            return False
        return True

    def _ed25519_bytes(self) -> bytes:
        if not isinstance(self._key, Ed25519PublicKey):
            raise KeyRefused(f"a {self.kind} key has no webhook form: only Ed25519 keys have")
        return self._key.public_bytes_raw()


def key_set(keys: Mapping[str, PublicKey]) -> dict[str, list[dict[str, str]]]:
    """Return the JSON Web Key Set of `keys`, by key id: what `GET /auth/verify_keys` answers."""
    return {"keys": [key.jwk(key_id) for key_id, key in keys.items()]}


def _der_from_pair(signature: bytes) -> bytes:
    """Turn r||s of P-256 into DER (RFC 9421, section 3.3.4)."""
    if len(signature) != 64:
        raise InvalidSignature
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    return encode_dss_signature(r, s)


def _to_base64url(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")


def _from_base64url(value: object) -> bytes:
    if not isinstance(value, str):
        raise TypeError("a coordinate must be a base64url string")
    return b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
