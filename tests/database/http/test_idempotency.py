"""One key, one effect, one answer."""

import asyncio
import json
from typing import Any

import pytest

from tests.database.http.onboarding import USER


async def user_count(http: Any) -> int:
    count: int = (await http.get("/users")).json()["meta"]["total_count"]
    return count


async def test_a_repeated_request_gets_the_first_answer_byte_by_byte(api: Any) -> None:
    key = api.new_id()

    first = await api.post("/users", USER, key)
    again = await api.post("/users", USER, key)

    assert again.content == first.content
    assert again.status_code == first.status_code
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert again.headers["upvest-request-id"] != first.headers["upvest-request-id"]
    assert await user_count(api.http) == 1


async def test_the_answer_outlives_what_it_tells_of(api: Any) -> None:
    key = api.new_id()
    first = await api.post("/users", USER, key)
    await api.http.delete(f"/users/{first.json()['id']}")

    assert (await api.post("/users", USER, key)).content == first.content


async def test_concurrent_requests_with_one_key_have_one_effect(api: Any) -> None:
    key = api.new_id()

    answers = await asyncio.gather(*(api.post("/users", USER, key) for _ in range(6)))

    assert {one.content for one in answers} == {answers[0].content}
    assert [one.headers.get("idempotent-replayed") for one in answers].count("true") == 5
    assert await user_count(api.http) == 1


def rewritten(body: Any) -> bytes:
    """The same JSON: members the other way round, space between the tokens, letters as escapes."""
    turned = {name: body[name] for name in reversed(body)}
    return json.dumps(turned, indent=3).replace("e", "\\u0065").encode()


async def test_a_body_that_is_the_same_json_gets_the_first_answer(api: Any) -> None:
    key = {"idempotency-key": api.new_id(), "content-type": "application/json"}
    first = await api.http.post("/users", content=json.dumps(USER).encode(), headers=key)

    again = await api.http.post("/users", content=rewritten(USER), headers=key)

    assert json.loads(rewritten(USER)) == USER
    assert first.status_code == 200
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert await user_count(api.http) == 1


@pytest.mark.parametrize("change", ["body", "path"])
async def test_a_key_does_not_serve_another_request(api: Any, change: str) -> None:
    key = api.new_id()
    user = (await api.post("/users", USER, key)).json()
    if change == "body":
        refused = await api.post("/users", USER | {"first_name": "Augusta"}, key)
    else:
        refused = await api.post("/account_groups", {"user_id": user["id"], "type": "PERSONAL"}, key)

    assert refused.status_code == 422
    assert refused.json()["type"] == "http://127.0.0.1:8080/errors/idempotency_key_reused"
    assert await user_count(api.http) == 1


async def test_an_error_leaves_the_key_free(api: Any) -> None:
    key = api.new_id()
    group = {"user_id": api.new_id(), "type": "PERSONAL"}
    assert (await api.post("/account_groups", group, key)).status_code == 422
    assert (await api.post("/users", USER | {"first_name": 1}, key)).status_code == 400

    created = await api.post("/users", USER, key)

    assert created.status_code == 200
    assert "idempotent-replayed" not in created.headers


async def test_two_clients_may_use_the_same_key(api: Any) -> None:
    key = api.new_id()
    other = await api.session()
    first = await api.post("/users", USER, key)

    second = await other.post("/users", json=USER, headers={"idempotency-key": key})

    assert second.status_code == 200
    assert second.json()["id"] != first.json()["id"]


async def test_a_key_is_demanded(api: Any) -> None:
    refused = await api.http.post("/users", json=USER)

    assert refused.status_code == 400
    assert refused.json()["type"] == "http://127.0.0.1:8080/errors/missing_idempotency_key"
    assert await user_count(api.http) == 0


@pytest.mark.parametrize("key", ["", "1", "not-a-uuid", "0b0d7a3c-6d3f-4d0e-8a55-3f5a4f1f0c1"])
async def test_a_key_is_a_uuid(api: Any, key: str) -> None:
    refused = await api.http.post("/users", json=USER, headers={"idempotency-key": key})

    assert refused.status_code == 400
    assert refused.json()["type"] == "http://127.0.0.1:8080/errors/invalid_idempotency_key"


async def test_the_same_uuid_written_otherwise_is_the_same_key(api: Any) -> None:
    key = api.new_id()
    first = await api.post("/users", USER, key)

    again = await api.http.post("/users", json=USER, headers={"idempotency-key": key.replace("-", "").upper()})

    # the same JSON as `api.post` sends, so the same fingerprint
    assert again.content == first.content
