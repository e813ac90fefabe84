"""What the API itself refuses, before or beside the rules of the domain."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Final

from msgspec import Meta, Struct

from orderlane.api import problem_types
from orderlane.api.problem_types import ProblemType

EXAMPLE_KEY: Final = "0b0d7a3c-6d3f-4d0e-8a55-3f5a4f1f0c11"


class FieldError(Struct, frozen=True):
    """A field, parameter or header at fault, and what would be right."""

    field: Annotated[str, Meta(examples=["cash_amount"])]
    message: Annotated[str, Meta(examples=["must be more than 0"])]


class ApiError(Exception):
    """A problem of the request. Subclasses and instances say which type of problem it is."""

    problem: ClassVar[ProblemType] = problem_types.INTERNAL_ERROR
    headers: Mapping[str, str] = {}

    def __init__(self, detail: str = "", errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail, errors)
        self.detail, self.errors = detail, errors


class MalformedRequest(ApiError):
    """What came is no HTTP request that can be read."""

    problem = problem_types.MALFORMED_REQUEST


class TargetTooLong(ApiError):
    """Path and query are over the limit."""

    problem = problem_types.TARGET_TOO_LONG


class HeadTooLarge(ApiError):
    """Request line and headers together are over the limit."""

    problem = problem_types.HEAD_TOO_LARGE


class UnknownPath(ApiError):
    """There is no such path."""

    problem = problem_types.NOT_FOUND

    def __init__(self, path: str) -> None:
        super().__init__(f"there is no path {path}: GET /openapi.json lists every path that this version offers")


class MalformedJson(ApiError):
    """The body is not JSON."""

    problem = problem_types.MALFORMED_JSON


class InvalidBody(ApiError):
    """The body does not have the right shape."""

    problem = problem_types.INVALID_BODY


class InvalidParameter(ApiError):
    """A parameter of path or query is wrong."""

    problem = problem_types.INVALID_PARAMETER


class InvalidHeader(ApiError):
    """A header is wrong."""

    problem = problem_types.INVALID_HEADER


class UnsupportedApiVersion(ApiError):
    """There is no such version of the API."""

    problem = problem_types.UNSUPPORTED_API_VERSION


class MissingIdempotencyKey(ApiError):
    """The call needs an idempotency key; shows one."""

    problem = problem_types.MISSING_IDEMPOTENCY_KEY

    def __init__(self) -> None:
        message = "is missing: send a new UUID for each thing that you want done, such as " + EXAMPLE_KEY
        super().__init__(f"idempotency-key: {message}", [FieldError("idempotency-key", message)])


class InvalidIdempotencyKey(ApiError):
    """The idempotency key is not a UUID."""

    problem = problem_types.INVALID_IDEMPOTENCY_KEY


class UnsupportedGrantType(ApiError):
    """The token endpoint knows client credentials only."""

    problem = problem_types.UNSUPPORTED_GRANT_TYPE


class InvalidScope(ApiError):
    """The client may not have a scope that it asks for."""

    problem = problem_types.INVALID_SCOPE


class Unauthorized(ApiError):
    """Who calls is not proven."""

    headers: Mapping[str, str] = {"www-authenticate": "Bearer"}


class MissingToken(Unauthorized):
    """There is no access token."""

    problem = problem_types.MISSING_TOKEN


class InvalidToken(Unauthorized):
    """The access token is not valid."""

    problem = problem_types.INVALID_TOKEN


class ExpiredToken(Unauthorized):
    """The access token has expired."""

    problem = problem_types.EXPIRED_TOKEN


class InvalidClient(Unauthorized):
    """The client credentials are invalid."""

    problem = problem_types.INVALID_CLIENT


class ClientMismatch(Unauthorized):
    """The client id in the header is not the token's."""

    problem = problem_types.CLIENT_MISMATCH


class SignatureRequired(Unauthorized):
    """The client must sign its requests."""

    problem = problem_types.SIGNATURE_REQUIRED


class SignatureNotAccepted(Unauthorized):
    """The request's signature fails a check; `signature_base` is told in a development setting only."""

    problem = problem_types.SIGNATURE_REFUSED

    def __init__(self, detail: str, errors: Sequence[FieldError], signature_base: str | None) -> None:
        super().__init__(detail, errors)
        self.signature_base = signature_base


class NonceReused(Unauthorized):
    """The nonce of the signature was used before."""

    problem = problem_types.NONCE_REUSED


class InsufficientScope(ApiError):
    """The token does not allow this."""

    problem = problem_types.INSUFFICIENT_SCOPE


class MethodNotAllowed(ApiError):
    """The path does not know the method."""

    problem = problem_types.METHOD_NOT_ALLOWED

    def __init__(self, method: str, allowed: str) -> None:
        super().__init__(f"this path offers {allowed}, and no {method} in this version")
        self.headers = {"allow": allowed}


class NotAcceptable(ApiError):
    """The client accepts nothing that the call answers with."""

    problem = problem_types.NOT_ACCEPTABLE


class BodyTooLarge(ApiError):
    """The body is over the limit."""

    problem = problem_types.BODY_TOO_LARGE


class UnsupportedMediaType(ApiError):
    """The body is of another media type than the call takes."""

    problem = problem_types.UNSUPPORTED_MEDIA_TYPE


class UnsupportedContentCoding(UnsupportedMediaType):
    """The body is compressed, or coded otherwise."""

    def __init__(self, coding: str) -> None:
        message = f"is {coding}, but a body must be sent as it is: compress nothing, and leave the header out"
        super().__init__(f"content-encoding {message}", [FieldError("content-encoding", message)])
        self.headers = {"accept-encoding": "identity"}


class NotReady(ApiError):
    """The database lacks what this version needs, or takes no writes."""

    problem = problem_types.UNAVAILABLE


class Overloaded(ApiError):
    """There is no room for one more connection."""

    problem = problem_types.OVERLOADED
    headers: Mapping[str, str] = {"retry-after": "2"}


class RateLimited(ApiError):
    """Too many requests."""

    problem = problem_types.RATE_LIMITED

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"try again in {retry_after_seconds} s")
        self.headers = {"retry-after": str(retry_after_seconds)}


class TooManyLists(ApiError):
    """The client asks for more lists at once than it has turns for."""

    problem = problem_types.RATE_LIMITED

    def __init__(self, at_once: int, waited_seconds: float, retry_after_seconds: int) -> None:
        super().__init__(
            f"a client gets {at_once} lists at a time, and this one waited {waited_seconds:g} s for its turn: "
            f"ask for fewer at once, and try again in {retry_after_seconds} s"
        )
        self.headers = {"retry-after": str(retry_after_seconds)}


class TooManyReadingLists(ApiError):
    """The lists of all clients have every place that there is for reading lists."""

    problem = problem_types.UNAVAILABLE

    def __init__(self, at_once: int, waited_seconds: float, retry_after_seconds: int) -> None:
        super().__init__(
            f"{at_once} lists of all clients are read at a time, and this one waited {waited_seconds:g} s: "
            f"try again in {retry_after_seconds} s"
        )
        self.headers = {"retry-after": str(retry_after_seconds)}
