"""Every answer of an operation: its success, and the problems that follow from its declaration or are declared."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from orderlane.api import problem_types as types
from orderlane.api.answers import PROBLEM_JSON
from orderlane.api.openapi.schemas import Schema
from orderlane.api.operations import Access, Operation, Unit
from orderlane.api.problem_types import ProblemType

PROBLEM: Final = {"$ref": "#/components/schemas/Problem"}
_REQUEST_ID: Final = {"upvest-request-id": {"$ref": "#/components/headers/RequestId"}}
_PROBLEM_HEADERS: Final = {
    401: {"www-authenticate": {"$ref": "#/components/headers/WwwAuthenticate"}},
    429: {"retry-after": {"$ref": "#/components/headers/RetryAfter"}},
    503: {"retry-after": {"$ref": "#/components/headers/RetryAfter"}},
}
_REPLAYED: Final = {"idempotent-replayed": {"$ref": "#/components/headers/IdempotentReplayed"}}
_EXAMPLE_ID: Final = "0190d2a4-6f3c-7c5b-9f0e-3f5a4f1f0c11"

_ALWAYS: Final = (
    types.INVALID_HEADER,
    types.INVALID_PARAMETER,
    types.UNSUPPORTED_API_VERSION,
    types.NOT_ACCEPTABLE,
    types.BODY_TOO_LARGE,
    types.INTERNAL_ERROR,
)
_BEHIND_A_TOKEN: Final = (
    types.MISSING_TOKEN,
    types.INVALID_TOKEN,
    types.EXPIRED_TOKEN,
    types.CLIENT_MISMATCH,
    types.SIGNATURE_REQUIRED,
    types.SIGNATURE_REFUSED,
    types.NONCE_REUSED,
    types.INSUFFICIENT_SCOPE,
    types.RATE_LIMITED,
    types.UNAVAILABLE,
)
_UNAUTHORIZED: Final = tuple(
    sorted((problem for problem in _BEHIND_A_TOKEN if problem.status == 401), key=lambda problem: problem.code)
)
_SHARED: Final = {(problem,): problem.code for problem in types.PROBLEM_TYPES} | {_UNAUTHORIZED: "unauthorized"}
_WITH_A_BODY: Final = (types.MALFORMED_JSON, types.INVALID_BODY, types.UNSUPPORTED_MEDIA_TYPE)
_IDEMPOTENT: Final = (types.MISSING_IDEMPOTENCY_KEY, types.INVALID_IDEMPOTENCY_KEY, types.IDEMPOTENCY_KEY_REUSED)


def problems_of(operation: Operation) -> list[ProblemType]:
    """Every type of problem that the operation can end in, by status and code."""
    found = {*_ALWAYS, *operation.problems}
    if operation.access is Access.TOKEN:
        found.update(_BEHIND_A_TOKEN)
    if operation.unit is not Unit.NONE:
        found.add(types.UNAVAILABLE)
    if operation.body is not None:
        found.update(_WITH_A_BODY)
    if operation.idempotent:
        found.update(_IDEMPOTENT)
    return sorted(found, key=lambda problem: (problem.status, problem.code))


def responses_of(operation: Operation, answer: Schema | None) -> dict[str, Any]:
    """The responses of the operation by status; `answer` is the schema of its success."""
    by_status: defaultdict[int, list[ProblemType]] = defaultdict(list)
    for problem in problems_of(operation):
        by_status[problem.status].append(problem)
    refused = {str(status): _reference_or_response(status, found) for status, found in by_status.items()}
    statuses = [operation.success] if operation.other_success is None else [operation.other_success, operation.success]
    return {**{str(status): _success(operation, answer) for status in statuses}, **refused}


def component_responses() -> dict[str, Any]:
    """The refusals that most operations share, by name."""
    return {name: _problem_response(found[0].status, found) for found, name in _SHARED.items()}


def _reference_or_response(status: int, problems: Sequence[ProblemType]) -> dict[str, Any]:
    name = _SHARED.get(tuple(problems))
    return _problem_response(status, problems) if name is None else {"$ref": f"#/components/responses/{name}"}


def _success(operation: Operation, answer: Schema | None) -> dict[str, Any]:
    headers = _REQUEST_ID | (_REPLAYED if operation.idempotent else {})
    response: dict[str, Any] = {"description": "Success", "headers": headers}
    if answer is not None:
        response["content"] = {operation.media_type.partition(";")[0]: {"schema": answer}}
    return response


def _problem_response(status: int, problems: Sequence[ProblemType]) -> dict[str, Any]:
    return {
        "description": ". ".join(problem.title for problem in problems),
        "headers": _REQUEST_ID | _PROBLEM_HEADERS.get(status, {}),
        "content": {
            PROBLEM_JSON: {
                "schema": PROBLEM,
                "examples": {problem.code: {"$ref": f"#/components/examples/{problem.code}"} for problem in problems},
            }
        },
    }


def problem_examples() -> dict[str, Any]:
    """An example of each type of problem, by code: a component, since every operation refers to most of them."""
    return {problem.code: {"summary": problem.title, "value": _example(problem)} for problem in types.PROBLEM_TYPES}


def _example(problem: ProblemType) -> dict[str, Any]:
    return {
        "type": problem.uri(),
        "title": problem.title,
        "status": problem.status,
        "detail": problem.cause,
        "instance": "/users",
        "request_id": _EXAMPLE_ID,
    }
