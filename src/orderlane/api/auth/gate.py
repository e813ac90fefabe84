"""The gate: from a request to the client that sent it, or a refusal.

When several things are wrong, the first in this order is told: version, token, client id, client's revocation, rate
limit, signature, scope.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from orderlane.api.auth.directory import ClientDirectory, KnownClient
from orderlane.api.auth.rate_limits import RateLimiter
from orderlane.api.auth.tokens import TokenClaims, TokenVerifier, UnknownTokenKey
from orderlane.api.errors import (
    ClientMismatch,
    FieldError,
    InsufficientScope,
    InvalidToken,
    MissingToken,
    NonceReused,
    RateLimited,
    SignatureNotAccepted,
    SignatureRequired,
    UnsupportedApiVersion,
)
from orderlane.api.options import ApiOptions
from orderlane.api.received import ReceivedRequest
from orderlane.api.scopes import Scope
from orderlane.api.writes import ANSWER_SECONDS_MAX
from orderlane.domain.ids import ClientId
from orderlane.http_signatures import KeyUnknown, SignatureRefused, SignedRequest, verify
from orderlane.ports.clients import Nonces
from orderlane.ports.errors import StoreUnavailable

API_VERSION = b"1"


@dataclass(slots=True)
class Gate:
    """Lets clients in."""

    directory: ClientDirectory
    nonces: Nonces
    options: ApiOptions
    _verifier: TokenVerifier = field(default_factory=TokenVerifier)
    _limiter: RateLimiter = field(default_factory=RateLimiter)

    def check_version(self, request: ReceivedRequest) -> None:
        """See whether the request asks for the version that there is.

        Raises:
            UnsupportedApiVersion: it asks for another one.
        """
        version = request.headers.get(b"upvest-api-version", API_VERSION)
        if version != API_VERSION:
            raise UnsupportedApiVersion(f"upvest-api-version is {version.decode('latin-1')}, but must be 1")

    async def check_token(self, request: ReceivedRequest, now: datetime) -> tuple[KnownClient, TokenClaims]:
        """The client and what its token says.

        Raises:
            MissingToken, InvalidToken, ExpiredToken: there is no valid token.
            ClientMismatch: a header names another client.
            RateLimited: the client sends too much.
            StoreUnavailable: the database is lost.
        """
        claims = await self._claims(_bearer(request), now)
        self.check_client_header(request, claims.client_id)
        known = await self.directory.client(claims.client_id)
        if known is None or known.client.is_revoked(now):
            raise InvalidToken("the token's client is revoked")
        per_minute = known.client.requests_per_minute or self.options.requests_per_minute
        if per_minute is not None:
            self.limit(claims.client_id, per_minute)
        return known, claims

    async def check_signature(self, request: ReceivedRequest, known: KnownClient, now: datetime) -> None:
        """Verify the signature when there is one or must be one. The body must have been read.

        Raises:
            SignatureRequired: there must be one.
            SignatureNotAccepted: it fails a check.
            NonceReused: its nonce was used before.
            StoreUnavailable: the database is lost.
        """
        if b"signature" not in request.headers and b"signature-input" not in request.headers:
            if known.client.require_signatures:
                raise SignatureRequired
            return
        signed = SignedRequest.from_asgi(request.scope, request.body)
        try:
            try:
                verified = verify(signed, known.valid_keys(now), now)
            except KeyUnknown:
                renewed = (await self.directory.renewed()).clients.get(known.client.id, known)
                verified = verify(signed, renewed.valid_keys(now), now)
        except SignatureRefused as refusal:
            errors = [FieldError(refusal.component or "signature", f"{refusal.check}: {refusal}")]
            raise SignatureNotAccepted(str(refusal), errors, refusal.signature_base) from None
        if verified.nonce is not None:
            await self._use_nonce(known.client.id, verified.nonce, verified.valid_until)

    def check_client_header(self, request: ReceivedRequest, client_id: ClientId) -> None:
        """See whether a header names another client.

        Raises:
            ClientMismatch: it does.
        """
        named = request.header(b"upvest-client-id")
        if named is not None and named.strip().lower() != client_id:
            raise ClientMismatch

    def limit(self, key: object, per_minute: int) -> None:
        """Count a request.

        Raises:
            RateLimited: there were too many.
        """
        wait_seconds = self._limiter.take(key, per_minute, monotonic())
        if wait_seconds:
            raise RateLimited(wait_seconds)

    async def _use_nonce(self, client_id: ClientId, nonce: str, valid_until: datetime) -> None:
        """Waits no longer than for any other write, which then goes on."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                is_new = await self.nonces.use(client_id, nonce, valid_until)
        except TimeoutError:
            raise StoreUnavailable(f"no answer within {ANSWER_SECONDS_MAX:.0f} s") from None
        if not is_new:
            raise NonceReused

    async def _claims(self, token: str, now: datetime) -> TokenClaims:
        try:
            return self._verifier.verify(token, await self.directory.current(), now)
        except UnknownTokenKey:
            try:
                return self._verifier.verify(token, await self.directory.renewed(), now)
            except UnknownTokenKey:
                raise InvalidToken from None


def check_scope(known: KnownClient, claims: TokenClaims, scope: Scope) -> None:
    """See whether token and client both have the scope.

    Raises:
        InsufficientScope: one of them has not.
    """
    if scope not in claims.scopes or scope not in known.scopes:
        raise InsufficientScope(f"the call needs the scope {scope}")


def _bearer(request: ReceivedRequest) -> str:
    kind, _, token = (request.header(b"authorization") or "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise MissingToken
    return token.strip()
