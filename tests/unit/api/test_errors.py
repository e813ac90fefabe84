"""The one map from exceptions to problem documents, and its catalogue."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from orderlane.api import problem_types
from orderlane.api.answers import Answer
from orderlane.api.error_map import problem_answer
from orderlane.api.errors import ApiError, FieldError, RateLimited, SignatureNotAccepted
from orderlane.api.problem_types import PROBLEM_TYPES, problem_reference
from orderlane.domain.errors import FieldRefused, FieldsRefused, StateRefused, WeightsRefused
from orderlane.ports.errors import NotFound, StoreUnavailable
from orderlane.ports.idempotency import KeyReused

ROOT = Path(__file__).parents[3]
USER_ID = "2ef01903-3b0f-487c-89d8-303684d2f23c"


def answer_to(error: Exception, *, development: bool = False) -> tuple[Answer, dict[str, Any]]:
    answer = problem_answer(error, "/users", "request-1", development=development)
    return answer, msgspec.json.decode(answer.body)


def subclasses(of: type[Exception]) -> Iterator[type[Exception]]:
    for subclass in of.__subclasses__():
        yield subclass
        yield from subclasses(subclass)


@pytest.mark.parametrize(
    ("error", "status", "code", "fields"),
    [
        (NotFound("user", USER_ID), 404, "not_found", []),
        (StateRefused("the user is OFFBOARDED"), 409, "conflict", []),
        (FieldRefused("user_id", "there is no such user"), 422, "invalid_value", ["user_id"]),
        (WeightsRefused("must be more than 0", 2), 422, "invalid_value", ["allocation[2].weight"]),
        (WeightsRefused("must sum to 1"), 422, "invalid_value", ["allocation"]),
        (
            FieldsRefused([FieldRefused("allocation[1].instrument_id", "no"), WeightsRefused("must sum to 1")]),
            422,
            "invalid_value",
            ["allocation[1].instrument_id", "allocation"],
        ),
        (KeyReused(), 422, "idempotency_key_reused", []),
        (RateLimited(7), 429, "rate_limited", []),
        (StoreUnavailable("connection refused at 10.0.0.1"), 503, "unavailable", []),
        (ZeroDivisionError("secret: 42"), 500, "internal_error", []),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_error_has_its_problem(error: Exception, status: int, code: str, fields: list[str]) -> None:
    answer, problem = answer_to(error)

    assert (answer.status, problem["status"], problem["type"]) == (
        status,
        status,
        f"http://127.0.0.1:8080/errors/{code}",
    )
    assert [wrong["field"] for wrong in problem.get("errors", [])] == fields
    assert (problem["instance"], problem["request_id"]) == ("/users", "request-1")
    assert answer.media_type == "application/problem+json"


def test_a_type_is_an_absolute_address_of_the_service() -> None:
    answer = problem_answer(
        NotFound("user", USER_ID), "/users", "request-1", development=False, public_url="https://orders.example.com"
    )

    assert msgspec.json.decode(answer.body)["type"] == "https://orders.example.com/errors/not_found"


@pytest.mark.parametrize("error", [ZeroDivisionError("secret: 42"), StoreUnavailable("host 10.0.0.1: no")])
def test_nothing_from_inside_leaks(error: Exception) -> None:
    answer, _ = answer_to(error)

    assert b"42" not in answer.body
    assert b"10.0.0.1" not in answer.body


def test_an_unknown_error_is_logged_with_its_request() -> None:
    with capture_logs() as logs:
        answer_to(ZeroDivisionError("division"))

    [line] = logs
    assert (line["event"], line["log_level"], line["request_id"]) == ("request_failed", "error", "request-1")
    assert isinstance(line["exc_info"], ZeroDivisionError)


def test_retry_after_is_told() -> None:
    assert answer_to(RateLimited(7))[0].headers == {"retry-after": "7"}
    assert int(answer_to(StoreUnavailable())[0].headers["retry-after"]) >= 1


def test_the_signature_base_is_told_in_development_only() -> None:
    error = SignatureNotAccepted("no", [FieldError("signature", "no")], "the base")

    assert "signature_base" not in answer_to(error)[1]
    assert answer_to(error, development=True)[1]["signature_base"] == "the base"


def test_every_api_error_has_a_type_of_its_own() -> None:
    abstract = {"Unauthorized"}
    unnamed = [error.__name__ for error in subclasses(ApiError) if error.problem is problem_types.INTERNAL_ERROR]

    assert set(unnamed) == abstract


def test_every_type_is_used_and_explained() -> None:
    assert len({problem.code for problem in PROBLEM_TYPES}) == len(PROBLEM_TYPES)
    for problem in PROBLEM_TYPES:
        assert problem.title[-1].isalpha(), problem.code
        assert problem.cause.endswith("."), problem.code
        assert problem.cure.endswith("."), problem.code


def test_the_page_of_problems_is_fresh() -> None:
    page = ROOT / "docs" / "reference" / "errors.md"

    command = "python -m orderlane.api.problem_types > docs/reference/errors.md"
    assert page.read_text() == problem_reference(), f"write it anew: {command}"
