"""Requests that are refused before they reach a handler, and what every answer has in common."""

import re
from typing import Any
from uuid import UUID

import pytest

from orderlane.api.options import ApiOptions
from tests.database.http.onboarding import USER

BODY_BYTES_MAX = 4096


@pytest.fixture
def api_options() -> ApiOptions:
    return ApiOptions(token_requests_per_minute=10_000, body_bytes_max=BODY_BYTES_MAX)


def is_problem(answer: Any, status: int, code: str) -> bool:
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == answer.status_code
    assert problem["request_id"] == answer.headers["upvest-request-id"]
    assert problem["instance"] == answer.request.url.path
    assert UUID(problem["request_id"])
    return (status, f"http://127.0.0.1:8080/errors/{code}") == (answer.status_code, problem["type"])


async def raw_post(api: Any, content: Any, **headers: str) -> Any:
    fields = {"content-type": "application/json", "idempotency-key": api.new_id()}
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await api.http.post("/users", content=content, headers=fields | given)


async def test_an_unknown_path(api: Any) -> None:
    assert is_problem(await api.http.get("/portfolio"), 404, "not_found")


async def test_an_unknown_method(api: Any) -> None:
    refused = await api.http.put("/users", json=USER)

    assert is_problem(refused, 405, "method_not_allowed")
    assert refused.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_options_and_head(api: Any) -> None:
    options, head, get = [await api.http.request(method, "/users") for method in ("OPTIONS", "HEAD", "GET")]

    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


async def test_nothing_redirects(api: Any) -> None:
    assert is_problem(await api.http.get("/users/"), 404, "not_found")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"first_name=Ada", b'{"first_name": "\xff"}', b"[" * 3000, b"NaN", b"{} {}"]
)
async def test_a_body_that_is_not_json(api: Any, content: bytes) -> None:
    assert is_problem(await raw_post(api, content), 400, "malformed_json")


@pytest.mark.parametrize("content", [b"[]", b"null", b'"Ada"', b"1"])
async def test_a_body_that_is_no_object(api: Any, content: bytes) -> None:
    refused = await raw_post(api, content)

    assert is_problem(refused, 400, "invalid_body")
    assert "object" in refused.json()["detail"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
async def test_a_body_of_another_media_type(api: Any, content_type: str) -> None:
    assert is_problem(await raw_post(api, b"{}", content_type=content_type), 415, "unsupported_media_type")


async def test_the_media_type_may_have_parameters(api: Any) -> None:
    assert is_problem(await raw_post(api, b"{}", content_type="Application/JSON; charset=utf-8"), 400, "invalid_body")


async def test_a_body_that_is_too_large(api: Any) -> None:
    assert is_problem(await raw_post(api, b" " * (BODY_BYTES_MAX + 1)), 413, "body_too_large")


async def test_a_body_of_unknown_length_that_is_too_large(api: Any) -> None:
    async def chunks() -> Any:
        for _ in range(5):
            yield b" " * 1024

    assert is_problem(await raw_post(api, chunks()), 413, "body_too_large")


@pytest.mark.parametrize("accept", ["text/html", "application/xml, image/*", "application/json;q=0"])
async def test_a_client_that_takes_no_json(api: Any, accept: str) -> None:
    assert is_problem(await api.http.get("/users", headers={"accept": accept}), 406, "not_acceptable")


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "*/*",
        "application/*",
        "text/html, */*;q=0.1",
        "application/problem+json",
        "application/json;q=1, application/problem+json;q=0",
    ],
)
async def test_a_client_that_takes_json(api: Any, accept: str) -> None:
    assert (await api.http.get("/users", headers={"accept": accept})).status_code == 200


@pytest.mark.parametrize(("version", "status"), [("1", 200), ("2", 400), ("", 400)])
async def test_the_version_of_the_api(api: Any, version: str, status: int) -> None:
    assert (await api.http.get("/users", headers={"upvest-api-version": version})).status_code == status


async def test_a_header_that_decides_is_given_once(api: Any) -> None:
    token = api.http.headers["authorization"]
    http = await api.anonymous()

    refused = await http.get("/users", headers=[("authorization", token), ("authorization", token)])

    assert is_problem(refused, 400, "invalid_header")
    assert [one["field"] for one in refused.json()["errors"]] == ["authorization"]


@pytest.mark.parametrize("user_id", ["1", "me", "54b8d84f-5bd0-4e43-bf0f-164388cb4c2", "~"])
async def test_an_id_that_is_none(api: Any, user_id: str) -> None:
    refused = await api.http.get(f"/users/{user_id}")

    assert refused.status_code == 400
    assert [one["field"] for one in refused.json()["errors"]] == ["user_id"]


async def test_a_resource_that_is_not_there(api: Any) -> None:
    user_id = api.new_id()

    refused = await api.http.get(f"/users/{user_id}")

    assert is_problem(refused, 404, "not_found")
    assert refused.json()["detail"] == f"there is no user {user_id}"


async def test_every_problem_leads_to_its_cause_and_cure(api: Any) -> None:
    problem = (await api.http.get("/users/1")).json()

    page = await api.http.get(problem["type"].removeprefix("http://127.0.0.1:8080"), headers={"accept": "text/html"})

    assert page.status_code == 200
    assert re.search("Cause: .*path or the query", page.text) or "Cause: A parameter" in page.text
    assert "Cure: Correct the parameters" in page.text
