"""Client secrets: created here, shown once, stored as Argon2id hashes only."""

from base64 import urlsafe_b64encode
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from orderlane.sources import TokenSource

SECRET_BYTES: Final = 32
SALT_BYTES: Final = 16
# The second choice of RFC 9106, section 4, made smaller (19 MiB, 2 passes): secrets have 256 bits of randomness.
_MEMORY_KIB: Final = 19_456
_PASSES: Final = 2


def new_secret(tokens: TokenSource) -> str:
    """Return a new client secret: 43 characters, 256 bits."""
    return urlsafe_b64encode(tokens.token_bytes(SECRET_BYTES)).decode().rstrip("=")


def hash_secret(secret: str, salt: bytes) -> str:
    """Return the Argon2id hash to keep, in the PHC format; `salt` is `SALT_BYTES` random bytes. Takes about 20 ms."""
    kdf = Argon2id(salt=salt, length=32, iterations=_PASSES, lanes=1, memory_cost=_MEMORY_KIB)
    return kdf.derive_phc_encoded(secret.encode())


def secret_fits(secret: str, secret_hash: str) -> bool:
    """Say whether the hash is the secret's, in constant time. Takes about 20 ms."""
    try:
        Argon2id.verify_phc_encoded(secret.encode(), secret_hash)
    except InvalidKey:
        return False
    return True
