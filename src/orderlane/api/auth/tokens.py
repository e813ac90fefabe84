"""Access tokens: signed JSON Web Tokens (RFC 7519) that any process verifies without the database."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import jwt
from msgspec import Struct

from orderlane.api.auth.directory import Directory
from orderlane.api.errors import ExpiredToken, InvalidToken
from orderlane.api.scopes import with_implied
from orderlane.domain.ids import ClientId, parse_id

ISSUER: Final = "orderlane"
ALGORITHM: Final = "EdDSA"
TOKEN_LENGTH_MAX: Final = 1000
REMEMBERED_MAX: Final = 4096
_CLAIMS: Final = ("iss", "sub", "scope", "iat", "exp", "jti")


class TokenClaims(Struct, frozen=True, kw_only=True):
    """What a verified token says. `scopes` has the included ones too."""

    client_id: ClientId
    scopes: frozenset[str]
    expires_at: datetime
    key_id: str


class UnknownTokenKey(Exception):
    """The token's key is not in the directory: it may be newer than that."""


def issue_token(
    directory: Directory, client_id: ClientId, scopes: Iterable[str], now: datetime, lifetime: timedelta, token_id: str
) -> str:
    """Return a new token.

    Raises:
        UnknownTokenKey: there is no key that signs.
    """
    if directory.signing is None:
        raise UnknownTokenKey
    key_id, private_key = directory.signing
    claims = {
        "iss": ISSUER,
        "sub": client_id,
        "scope": " ".join(sorted(scopes)),
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
        "jti": token_id,
    }
    return jwt.encode(claims, private_key, algorithm=ALGORITHM, headers={"kid": key_id})


@dataclass(slots=True)
class TokenVerifier:
    """Verifies tokens, and remembers the last ones that were good."""

    _remembered: OrderedDict[str, TokenClaims] = field(default_factory=OrderedDict)

    def verify(self, token: str, directory: Directory, now: datetime) -> TokenClaims:
        """Return what the token says.

        Raises:
            InvalidToken: it is damaged or not ours.
            ExpiredToken: it has expired.
            UnknownTokenKey: its key is not in the directory.
        """
        claims = self._remembered.get(token)
        if claims is None:
            claims = _verified(token, directory)
            self._remember(token, claims)
        if claims.key_id not in directory.token_keys:
            raise UnknownTokenKey
        if now >= claims.expires_at:
            raise ExpiredToken(f"the token expired at {claims.expires_at.isoformat()}")
        return claims

    def _remember(self, token: str, claims: TokenClaims) -> None:
        self._remembered[token] = claims
        if len(self._remembered) > REMEMBERED_MAX:
            self._remembered.popitem(last=False)


def _verified(token: str, directory: Directory) -> TokenClaims:
    if len(token) > TOKEN_LENGTH_MAX:
        raise InvalidToken
    try:
        key_id = jwt.get_unverified_header(token).get("kid", "")
        if key_id not in directory.token_keys:
            raise UnknownTokenKey
        _, public_key = directory.token_keys[key_id]
        claims = jwt.decode(
            token,
            public_key,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            # the times are checked by whoever knows what time it is
            options={"require": list(_CLAIMS), "verify_exp": False, "verify_iat": False},
        )
        return TokenClaims(
            client_id=ClientId(parse_id(claims["sub"])),
            scopes=with_implied(claims["scope"].split()),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            key_id=key_id,
        )
    except (jwt.InvalidTokenError, ValueError):
        raise InvalidToken from None
