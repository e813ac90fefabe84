"""The one map from exceptions to problem documents (RFC 9457). What is not in it is an internal error: 500, logged."""

from collections.abc import Sequence
from typing import Annotated

import structlog
from msgspec import UNSET, Meta, Struct, UnsetType

from orderlane.api import problem_types
from orderlane.api.answers import PROBLEM_JSON, Answer, encode_json
from orderlane.api.auth.oauth import TOKEN_PATH, error_description, oauth_error
from orderlane.api.errors import ApiError, FieldError, SignatureNotAccepted
from orderlane.api.field_errors import ERRORS_MAX, in_words
from orderlane.api.problem_types import PUBLIC_URL_DEFAULT, ProblemType
from orderlane.domain.errors import FieldRefused, FieldsRefused, StateRefused, WeightsRefused
from orderlane.ports.errors import NotFound, StoreUnavailable
from orderlane.ports.idempotency import KeyReused
from orderlane.ports.webhooks import TooManyTestCalls

RETRY_AFTER_SECONDS = "2"
TEXT_LENGTH_MAX = 500
"""How much of a request a problem document repeats, in any of its texts."""

_log = structlog.get_logger("orderlane.api")


_OAuthError = Annotated[
    str, Meta(description="At POST /auth/token only: RFC 6749, section 5.2.", examples=["invalid_client"])
]
_OAuthDescription = Annotated[
    str,
    Meta(description="At POST /auth/token only: `detail`, in ASCII.", examples=["Invalid client credentials"]),
]


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem document."""

    type: Annotated[str, Meta(examples=[problem_types.NOT_FOUND.uri()], extra_json_schema={"format": "uri"})]
    title: Annotated[str, Meta(examples=["There is no such resource"])]
    status: Annotated[int, Meta(examples=[404])]
    detail: Annotated[str, Meta(examples=["there is no portfolio order eb5ba93f-5dfe-4bf1-8571-4da0caacc80c"])]
    instance: Annotated[str, Meta(examples=["/portfolios/orders/eb5ba93f-5dfe-4bf1-8571-4da0caacc80c"])]
    request_id: Annotated[str, Meta(examples=["0190d2a4-6f3c-7c5b-9f0e-3f5a4f1f0c11"])]
    errors: Sequence[FieldError] = ()
    error: _OAuthError | UnsetType = UNSET
    error_description: _OAuthDescription | UnsetType = UNSET
    signature_base: Annotated[str, Meta(examples=['"@method": GET\n"@path": /users'])] | UnsetType = UNSET


def problem_answer(
    error: Exception,
    path: str,
    request_id: str,
    *,
    development: bool,
    public_url: str = PUBLIC_URL_DEFAULT,
) -> Answer:
    """The answer to a request that ended in `error`; the service is reached at `public_url`."""
    problem, errors = _explain(error)
    detail, is_oauth = _shortened(_detail(error, problem)), path == TOKEN_PATH
    if problem is problem_types.INTERNAL_ERROR:
        _log.error("request_failed", request_id=request_id, path=path, exc_info=error)
    document = Problem(
        type=problem.uri(public_url),
        title=problem.title,
        status=problem.status,
        detail=detail,
        instance=_shortened(path),
        request_id=request_id,
        errors=tuple(FieldError(_shortened(wrong.field), _shortened(wrong.message)) for wrong in errors),
        error=oauth_error(problem) if is_oauth else UNSET,
        error_description=error_description(detail) if is_oauth else UNSET,
        signature_base=_signature_base(error) if development else UNSET,
    )
    return Answer(problem.status, encode_json(document), PROBLEM_JSON, _headers(error))


def _explain(error: Exception) -> tuple[ProblemType, Sequence[FieldError]]:
    match error:
        case ApiError():
            return error.problem, error.errors
        case NotFound():
            return problem_types.NOT_FOUND, ()
        case StateRefused():
            return problem_types.CONFLICT, ()
        case FieldRefused() | WeightsRefused():
            return problem_types.INVALID_VALUE, (_field_error(error),)
        case FieldsRefused(refusals=refusals):
            return problem_types.INVALID_VALUE, [_field_error(refusal) for refusal in refusals[:ERRORS_MAX]]
        case KeyReused():
            return problem_types.IDEMPOTENCY_KEY_REUSED, ()
        case TooManyTestCalls(is_own=is_own):
            return problem_types.RATE_LIMITED if is_own else problem_types.OVERLOADED, ()
        case StoreUnavailable():
            return problem_types.UNAVAILABLE, ()
        case _:
            return problem_types.INTERNAL_ERROR, ()


def _field_error(refusal: FieldRefused | WeightsRefused) -> FieldError:
    match refusal:
        case FieldRefused(field=field, message=message):
            return FieldError(field, message)
        case WeightsRefused(message=message, index=None):
            return FieldError("allocation", message)
        case WeightsRefused(message=message, index=index):
            return FieldError(f"allocation[{index}].weight", message)


def _detail(error: Exception, problem: ProblemType) -> str:
    match error:
        case ApiError(detail=detail) if detail:
            return detail
        case FieldRefused() | FieldsRefused():
            return in_words(_explain(error)[1])
        case NotFound() | StateRefused() | WeightsRefused() | TooManyTestCalls():
            return str(error)
        case _:
            return problem.cause


def _shortened(text: str) -> str:
    return text if len(text) <= TEXT_LENGTH_MAX else f"{text[: TEXT_LENGTH_MAX - 1]}…"


def _headers(error: Exception) -> dict[str, str]:
    match error:
        case ApiError(headers=headers):
            return dict(headers)
        case TooManyTestCalls(retry_after_seconds=seconds):
            return {"retry-after": str(seconds)}
        case StoreUnavailable():
            return {"retry-after": RETRY_AFTER_SECONDS}
        case _:
            return {}


def _signature_base(error: Exception) -> str | UnsetType:
    if isinstance(error, SignatureNotAccepted) and error.signature_base is not None:
        return error.signature_base
    return UNSET
