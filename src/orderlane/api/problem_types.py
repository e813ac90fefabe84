"""Every kind of problem that the API answers with: the catalogue behind error map, OpenAPI document and docs.

A problem's `type` is an absolute address: that of the service, `/errors/` and its code. The service answers there with
cause and cure.
"""

import sys
from typing import Final

from msgspec import Struct

PUBLIC_URL_DEFAULT: Final = "http://127.0.0.1:8080"
"""Where a service with default settings is reached."""


class ProblemType(Struct, frozen=True):
    """One kind of problem: its code, HTTP status and title, why it happens and what to do."""

    code: str
    status: int
    title: str
    cause: str
    cure: str

    def uri(self, public_url: str = PUBLIC_URL_DEFAULT) -> str:
        """The `type` of a problem document of the service at `public_url`, which ends without a slash."""
        return f"{public_url}/errors/{self.code}"


MALFORMED_REQUEST = ProblemType(
    "malformed_request",
    400,
    "The request cannot be read",
    "What came is not HTTP/1.1 by the rules, for example TLS at a port that serves plain HTTP.",
    "Send what an HTTP library sends; the connection is closed after this answer.",
)
TARGET_TOO_LONG = ProblemType(
    "target_too_long",
    414,
    "Path and query are too long",
    "Path and query have more than 32 KiB.",
    "Ask for less at once, for example in several lists; the connection is closed after this answer.",
)
HEAD_TOO_LARGE = ProblemType(
    "head_too_large",
    431,
    "Request line and headers are too large",
    "The request line and all headers together have more than 32 KiB.",
    "Send fewer or shorter headers; the connection is closed after this answer.",
)
MALFORMED_JSON = ProblemType(
    "malformed_json",
    400,
    "The body is not JSON",
    "The request body is empty, cut off, or not valid JSON in UTF-8.",
    "Send one JSON object; `detail` says at which byte reading stopped.",
)
INVALID_BODY = ProblemType(
    "invalid_body",
    400,
    "The body does not have the right shape",
    "A field is missing, unknown, stands twice, is of the wrong type, or breaks its format. `errors` names each.",
    "Correct the fields in `errors`. Unknown fields are refused so that a misspelt one is never ignored; amounts are "
    "strings.",
)
INVALID_PARAMETER = ProblemType(
    "invalid_parameter",
    400,
    "A parameter of the path or the query is wrong",
    "A parameter is unknown, given twice, of the wrong type or out of its range. `errors` names each.",
    "Correct the parameters in `errors`; lists take offset, limit (1 to 1000), sort, order and their own filters.",
)
INVALID_HEADER = ProblemType(
    "invalid_header",
    400,
    "A header is wrong",
    "A header that decides about the request is given twice or holds something unreadable. `errors` names it.",
    "Send the header once, in the format that `errors` says.",
)
UNSUPPORTED_API_VERSION = ProblemType(
    "unsupported_api_version",
    400,
    "There is no such version of the API",
    "The header upvest-api-version is something else than 1.",
    "Send `upvest-api-version: 1`, or leave the header out.",
)
MISSING_IDEMPOTENCY_KEY = ProblemType(
    "missing_idempotency_key",
    400,
    "The idempotency key is missing",
    "This call creates or changes something and must be safe to repeat, but has no idempotency-key header.",
    "Send `idempotency-key: <UUID>`: a new UUID for each thing that you want done, the same one when you repeat it.",
)
INVALID_IDEMPOTENCY_KEY = ProblemType(
    "invalid_idempotency_key",
    400,
    "The idempotency key is not a UUID",
    "The header idempotency-key holds something else than a UUID.",
    "Send a UUID, with or without hyphens.",
)
UNSUPPORTED_GRANT_TYPE = ProblemType(
    "unsupported_grant_type",
    400,
    "There is no such grant type",
    "The token request's grant_type is not client_credentials.",
    "Send `grant_type=client_credentials`.",
)
INVALID_SCOPE = ProblemType(
    "invalid_scope",
    400,
    "The client may not have this scope",
    "The token request names a scope that does not exist or that the client was not given.",
    "Ask for scopes that the client has, separated by spaces, or leave `scope` out to get all of them.",
)
MISSING_TOKEN = ProblemType(
    "missing_token",
    401,
    "The access token is missing",
    "The call has no `authorization: Bearer …` header.",
    "Fetch a token with POST /auth/token and send it as `authorization: Bearer <access_token>`.",
)
INVALID_TOKEN = ProblemType(
    "invalid_token",
    401,
    "The access token is not valid",
    "The token is damaged, was not issued by this service, or its client was revoked.",
    "Fetch a new token. If that fails too, the client was revoked: ask the operator.",
)
EXPIRED_TOKEN = ProblemType(
    "expired_token",
    401,
    "The access token has expired",
    "More than `expires_in` seconds have passed since the token was issued.",
    "Fetch a new token with POST /auth/token.",
)
INVALID_CLIENT = ProblemType(
    "invalid_client",
    401,
    "Invalid client credentials",
    "There is no such client, its secret is another, or it was revoked. Which of these is not told.",
    "Check client_id and client_secret; ask the operator for new ones if they are lost.",
)
CLIENT_MISMATCH = ProblemType(
    "client_mismatch",
    401,
    "The client id is not the token's",
    "The header upvest-client-id names another client than the one that the token was issued to.",
    "Send the client id that fetched the token, or leave the header out.",
)
SIGNATURE_REQUIRED = ProblemType(
    "signature_required",
    401,
    "The request must be signed",
    "The operator demands signed requests of this client, and this one has no HTTP message signature.",
    "Sign every request, the token request too, with a key that is registered for the client.",
)
SIGNATURE_REFUSED = ProblemType(
    "signature_refused",
    401,
    "The signature of the request is not accepted",
    "The request is signed, but the signature fails a check. `detail` says why; `errors` names check and component.",
    "Correct what `detail` names. A service with development settings also gives the signature base that it computed: "
    "compare it with yours line by line.",
)
NONCE_REUSED = ProblemType(
    "nonce_reused",
    401,
    "The signature's nonce was used before",
    "The request was received before, or the client repeats its nonces.",
    "Sign each request anew, with a new nonce, also when you repeat it.",
)
INSUFFICIENT_SCOPE = ProblemType(
    "insufficient_scope",
    403,
    "The token's scopes do not allow this",
    "The call needs a scope that the token does not have. `detail` names it.",
    "Fetch a token with that scope; X:admin includes X:read. If the client lacks it, ask the operator.",
)
NOT_FOUND = ProblemType(
    "not_found",
    404,
    "There is no such resource",
    "The path does not exist, or names a resource that does not exist or belongs to another client. A path is compared "
    "as it is sent: `//`, a `/` at its end, dot segments and percent-encoded characters make another path.",
    "Check path and id.",
)
METHOD_NOT_ALLOWED = ProblemType(
    "method_not_allowed",
    405,
    "The path does not know this method",
    "The path exists, the method does not.",
    "Use one of the methods in the `allow` header.",
)
NOT_ACCEPTABLE = ProblemType(
    "not_acceptable",
    406,
    "No acceptable media type",
    "The header accept excludes what this call answers with.",
    "Send `accept: application/json`, or leave the header out.",
)
CONFLICT = ProblemType(
    "conflict",
    409,
    "The state of the resource does not allow this",
    "The resource is in a state in which this cannot be done. `detail` says which.",
    "Fetch the resource and decide anew.",
)
BODY_TOO_LARGE = ProblemType(
    "body_too_large",
    413,
    "The body is too large",
    "The request body is larger than the service accepts. `detail` gives the limit.",
    "Send less in one request.",
)
UNSUPPORTED_MEDIA_TYPE = ProblemType(
    "unsupported_media_type",
    415,
    "The body has the wrong media type",
    "The header content-type is missing or is not what this call takes, or the body is compressed.",
    "Send `content-type: application/json` (for POST /auth/token: `application/x-www-form-urlencoded`), and no "
    "`content-encoding`.",
)
INVALID_VALUE = ProblemType(
    "invalid_value",
    422,
    "A value cannot be accepted",
    "The body has the right shape, but a value does not make sense here. `errors` names the field and what is right.",
    "Correct the fields in `errors`.",
)
IDEMPOTENCY_KEY_REUSED = ProblemType(
    "idempotency_key_reused",
    422,
    "The idempotency key belongs to another request",
    "The same idempotency key came before with another method, path or body.",
    "Use a new key for a new request; repeat a request with the same body. Bodies are compared as JSON: order, space "
    'and escapes do not matter, values do ("100" is not "100.00").',
)
RATE_LIMITED = ProblemType(
    "rate_limited",
    429,
    "Too many requests",
    "The client, or its address, sent more requests than it may, or asks for more lists at once than it gets.",
    "Wait as many seconds as the `retry-after` header says; `detail` names the limit on lists.",
)
INTERNAL_ERROR = ProblemType(
    "internal_error",
    500,
    "Internal error",
    "Something unexpected happened in the service. Nothing of the request took effect.",
    "Repeat the request with the same idempotency key. If it persists, give the operator the request_id; the log has "
    "it.",
)
UNAVAILABLE = ProblemType(
    "unavailable",
    503,
    "Service temporarily unavailable",
    "The database does not answer, not in time, or takes no writes. What was asked for may still take effect.",
    "Repeat the request with the same idempotency key after the seconds in `retry-after`.",
)

OVERLOADED = ProblemType(
    "overloaded",
    503,
    "The service has no room for this now",
    "As many connections, or test calls of all clients, are open as the service has file descriptors for.",
    "Repeat the request after the seconds in `retry-after`, and use connections again instead of opening many.",
)

PROBLEM_TYPES: tuple[ProblemType, ...] = tuple(
    sorted(
        (value for value in list(globals().values()) if isinstance(value, ProblemType)),
        key=lambda problem: (problem.status, problem.code),
    )
)
"""The catalogue, by status and code."""


def problem_reference() -> str:
    """The catalogue as a page of the documentation."""
    sections = "\n".join(
        f"## {problem.code}\n\n{problem.status}, `/errors/{problem.code}`: {problem.title}.\n\n"
        f"- Cause: {problem.cause}\n- Cure: {problem.cure}\n"
        for problem in PROBLEM_TYPES
    )
    return _REFERENCE_HEAD + sections


_REFERENCE_HEAD = """\
# Problems

Every refusal is a problem document (RFC 9457, `application/problem+json`): `type`, `title`, `status`, `detail`,
`instance` (the path), `request_id` (also the header `upvest-request-id`), and, where fields are at fault, `errors`
with a `field` and a `message` each. `type` is an absolute address, `ORDERLANE_PUBLIC_URL` and the path below (without
that setting, the address that the service listens on), at which the service answers with the cause and cure below. A
program should look at its last part, the code: the rest is another one in each installation.

When several things are wrong, the first in this order is told: the path, the method, a header given twice, the
version, the token, the client id, the rate limit, the size of the body, the signature, the scope, the accept
header, the parameters, the idempotency key, the body, and at last what the call itself refuses.

"""


if __name__ == "__main__":
    sys.stdout.write(problem_reference())
