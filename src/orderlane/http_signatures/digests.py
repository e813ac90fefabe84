"""Content-Digest (RFC 9530): how a signature covers the body."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final

from orderlane.http_signatures.errors import DigestRefused
from orderlane.http_signatures.structured_fields import Item, StructuredFieldError, parse_dictionary

DIGEST_LENGTH_MAX: Final = 1024
DIGESTS_MAX: Final = 4

# The two that RFC 9530 calls active; the insecure ones that it lists beside them prove nothing.
_HASHES: Final[Mapping[str, Callable[[bytes], Any]]] = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}


def content_digest(body: bytes) -> str:
    """Return the field's value for `body` with SHA-256: `sha-256=:…:`."""
    return f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"


def check_content_digest(field: str, body: bytes) -> None:
    """Check that every SHA-256 and SHA-512 digest in the field is the body's, and that there is one.

    Raises:
        DigestRefused: it is not, or the field cannot be read.
    """
    if len(field) > DIGEST_LENGTH_MAX:
        raise DigestRefused(f"is longer than {DIGEST_LENGTH_MAX} characters")
    try:
        members = parse_dictionary(field, members_max=DIGESTS_MAX, items_max=0)
    except StructuredFieldError as error:
        raise DigestRefused(f"cannot be read: {error}") from None
    known = [(name, member.value) for name, member in members.items() if name in _HASHES]
    if not known:
        raise DigestRefused("must have sha-256 or sha-512")
    for name, value in known:
        if not isinstance(value, Item) or not isinstance(value.value, bytes):
            raise DigestRefused(f"{name} must be base64 between colons")
        if not hmac.compare_digest(value.value, _HASHES[name](body).digest()):
            raise DigestRefused(f"{name} is not the digest of the body")
