"""What RFC 6749 wants of the token endpoint: HTTP Basic (section 2.3.1) and the members of its errors (section 5.2)."""

import re
from base64 import b64decode
from binascii import Error as NoBase64
from typing import Final
from urllib.parse import unquote_plus

from msgspec import Struct

from orderlane.api import problem_types
from orderlane.api.errors import FieldError, InvalidBody, InvalidClient
from orderlane.api.problem_types import ProblemType
from orderlane.api.received import ReceivedRequest
from orderlane.resources.tokens import TokenRequest

TOKEN_PATH: Final = "/auth/token"  # noqa: S105 - a path, not a secret
BASIC_CHALLENGE: Final = {"www-authenticate": 'Basic realm="orderlane", charset="UTF-8"'}

_ERRORS: Final = {
    problem_types.UNSUPPORTED_GRANT_TYPE: "unsupported_grant_type",
    problem_types.INVALID_SCOPE: "invalid_scope",
    problem_types.RATE_LIMITED: "temporarily_unavailable",
    problem_types.UNAVAILABLE: "temporarily_unavailable",
    problem_types.INTERNAL_ERROR: "server_error",
}
_NOT_OF_A_DESCRIPTION: Final = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")


class ClientSecret(Struct, frozen=True):
    """By what a client proves who it is."""

    client_id: str
    secret: str


def oauth_error(problem: ProblemType) -> str:
    """The `error` of RFC 6749 for a problem at the token endpoint; a 401 is `invalid_client`, whatever its reason."""
    return _ERRORS.get(problem, "invalid_client" if problem.status == 401 else "invalid_request")


def error_description(detail: str) -> str:
    """The sentence in the characters that RFC 6749 allows, which have no double quote among them."""
    return _NOT_OF_A_DESCRIPTION.sub("?", detail.replace('"', "'"))


def is_basic(request: ReceivedRequest) -> bool:
    """Whether the client authenticates by HTTP Basic."""
    return (request.header(b"authorization") or "").partition(" ")[0].lower() == "basic"


def client_secret_of(request: ReceivedRequest, body: TokenRequest) -> ClientSecret:
    """Client id and secret, by HTTP Basic or in the form.

    Raises:
        InvalidBody: they are in neither, in both, or are two different clients.
        InvalidClient: what is sent by HTTP Basic cannot be read.
    """
    if is_basic(request):
        basic = _read_basic(request)
        if body.client_secret:
            raise _refusal("client_secret", "must not be in the form as well when HTTP Basic is used")
        if body.client_id not in ("", basic.client_id):
            raise _refusal("client_id", "is another client's than that of HTTP Basic")
        return basic
    missing = [name for name in ("client_id", "client_secret") if not getattr(body, name)]
    if missing:
        raise InvalidBody(
            f"{' and '.join(missing)} must be in the form, or both sent by HTTP Basic",
            [FieldError(name, "is missing") for name in missing],
        )
    return ClientSecret(body.client_id, body.client_secret)


def _read_basic(request: ReceivedRequest) -> ClientSecret:
    """Both parts are encoded as a form before they are joined by a colon and encoded in base64."""
    encoded = (request.header(b"authorization") or "").partition(" ")[2].strip()
    try:
        client_id, colon, secret = b64decode(encoded, validate=True).decode("utf-8").partition(":")
        if not colon:
            raise InvalidClient
        return ClientSecret(unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict"))
    except (NoBase64, UnicodeError, ValueError):
        raise InvalidClient from None


def _refusal(field: str, message: str) -> InvalidBody:
    return InvalidBody(f"{field}: {message}", [FieldError(field, message)])
