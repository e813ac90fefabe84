"""Access tokens for client credentials."""

import asyncio
from functools import cache

from orderlane.api import problem_types
from orderlane.api.answers import Answer, encode_json
from orderlane.api.auth.client_secrets import SALT_BYTES, hash_secret, secret_fits
from orderlane.api.auth.directory import KnownClient
from orderlane.api.auth.oauth import BASIC_CHALLENGE, TOKEN_PATH, ClientSecret, client_secret_of, is_basic
from orderlane.api.auth.rate_limits import network_of
from orderlane.api.auth.tokens import issue_token
from orderlane.api.decoding import FORM
from orderlane.api.errors import FieldError, InvalidClient, InvalidScope, Unauthorized, UnsupportedGrantType
from orderlane.api.operations import Call, Unit, operation
from orderlane.domain.ids import ClientId, parse_id
from orderlane.resources.tokens import TokenRequest, TokenResource

GRANT_TYPE = "client_credentials"
BEARER = "bearer"
NOT_STORED = {"cache-control": "no-store", "pragma": "no-cache"}
"""What RFC 6749, section 5.1, wants on every answer with a token."""


@operation(
    "POST",
    TOKEN_PATH,
    tag="Authentication",
    unit=Unit.NONE,
    body_media_type=FORM,
    problems=(
        problem_types.UNSUPPORTED_GRANT_TYPE,
        problem_types.INVALID_SCOPE,
        problem_types.INVALID_CLIENT,
        problem_types.CLIENT_MISMATCH,
        problem_types.SIGNATURE_REQUIRED,
        problem_types.SIGNATURE_REFUSED,
        problem_types.NONCE_REUSED,
        problem_types.RATE_LIMITED,
        problem_types.UNAVAILABLE,
    ),
    summary="Fetch an access token",
)
async def create_token(call: Call, body: TokenRequest) -> TokenResource | Answer:
    """Client credentials as a form, or by HTTP Basic. Signed itself when the client signs its requests.

    Errors have the members `error` and `error_description` of RFC 6749 beside those of every problem.
    """
    try:
        return await _issued(call, body)
    except Unauthorized as refusal:
        if is_basic(call.request):
            refusal.headers = BASIC_CHALLENGE
        raise


async def _issued(call: Call, body: TokenRequest) -> Answer:
    if body.grant_type != GRANT_TYPE:
        raise UnsupportedGrantType(
            f"grant_type must be {GRANT_TYPE}", [FieldError("grant_type", f"must be {GRANT_TYPE}")]
        )
    gate, options = call.serving.gate, call.options
    gate.limit(("token address", network_of(call.request.address)), options.token_requests_per_minute)
    known = await _authenticated(call, client_secret_of(call.request, body))
    client = known.client
    gate.limit(("token client", client.id), options.token_requests_per_minute)
    gate.check_client_header(call.request, client.id)
    await gate.check_signature(call.request, known, call.now)
    scopes = _granted(body.scope.split(), known)
    directory = await gate.directory.current()
    token = issue_token(directory, client.id, scopes, call.now, options.token_lifetime, call.new_id())
    lifetime_seconds = int(options.token_lifetime.total_seconds())
    granted = TokenResource(
        access_token=token, expires_in=lifetime_seconds, token_type=BEARER, scope=" ".join(sorted(scopes))
    )
    return Answer(200, encode_json(granted), headers=NOT_STORED)


async def _authenticated(call: Call, credentials: ClientSecret) -> KnownClient:
    """The client whose secret fits. An unknown client takes as long as a wrong secret."""
    known = await _client(call, credentials.client_id)
    fits = await asyncio.to_thread(_fits, credentials.secret, known)
    if known is None or not fits or known.client.is_revoked(call.now):
        raise InvalidClient
    return known


async def _client(call: Call, text: str) -> KnownClient | None:
    """The client, asked for anew even if it is known: how long that takes must not tell whether it is."""
    clients = (await call.serving.gate.directory.renewed()).clients
    try:
        return clients.get(ClientId(parse_id(text)))
    except ValueError:
        return None


def _fits(secret: str, known: KnownClient | None) -> bool:
    return secret_fits(secret, _nobodys_hash() if known is None else known.client.secret_hash)


@cache
def _nobodys_hash() -> str:
    """A hash that no secret has been made for, to spend on unknown clients the time that known ones take."""
    return hash_secret("nobody", b"\0" * SALT_BYTES)


def _granted(asked: list[str], known: KnownClient) -> frozenset[str]:
    refused = sorted(set(asked) - known.scopes)
    if refused:
        has = " ".join(sorted(known.client.scopes))
        message = f"{' '.join(refused)} is not among the client's scopes: {has}"
        raise InvalidScope(message, [FieldError("scope", message)])
    return frozenset(asked) or known.client.scopes


OPERATIONS = (create_token,)
