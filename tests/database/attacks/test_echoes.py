"""A refusal repeats a little of what it refuses, however much there was of it."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.database.http.onboarding import USER

LARGE = 500_000
ANSWER_BYTES_MAX = 20_000

Attack = Callable[[Any, dict[str, str]], Awaitable[httpx.Response]]


def posting(content: bytes) -> Attack:
    async def attack(api: Any, key: dict[str, str]) -> httpx.Response:
        answer: httpx.Response = await api.http.post(
            "/users", content=content, headers={**key, "content-type": "application/json"}
        )
        return answer

    return attack


def asking_for(**fields: str) -> Attack:
    async def attack(api: Any, key: dict[str, str]) -> httpx.Response:
        client = await api.new_client()
        form = {
            "client_id": client.client_id,
            "client_secret": client.secret,
            "grant_type": "client_credentials",
            **fields,
        }
        answer: httpx.Response = await api.http.post("/auth/token", data=form)
        return answer

    return attack


def getting(target: str, **headers: str) -> Attack:
    async def attack(api: Any, key: dict[str, str]) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer: httpx.Response = await api.http.get(target, headers=named)
        return answer

    return attack


WIDE = "x" * 20_000
ATTACKS: dict[str, Attack] = {
    "a long unknown field": posting(json.dumps({"x" * LARGE: 1}).encode()),
    "a long unknown field inside": posting(json.dumps({**USER, "address": {"x" * LARGE: 1}}).encode()),
    "a long value": posting(json.dumps({**USER, "first_name": "x" * LARGE}).encode()),
    "a long choice": posting(json.dumps({**USER, "salutation": "x" * LARGE}).encode()),
    "a long country": posting(json.dumps({**USER, "nationalities": ["x" * LARGE]}).encode()),
    "a long scope": asking_for(scope="x" * LARGE),
    "many scopes": asking_for(scope=" ".join(f"scope{number}" for number in range(50_000))),
    "a long grant type": asking_for(grant_type="x" * LARGE),
    "a long unknown form field": asking_for(**{"x" * LARGE: "1"}),
    "a long path": getting(f"/{WIDE}"),
    "a long id": getting(f"/users/{WIDE}"),
    "a long unknown parameter": getting(f"/users?{WIDE}=1"),
    "a long parameter": getting(f"/users?sort={WIDE}"),
    "a long version": getting("/users", upvest_api_version=WIDE),
    "a long client id": getting("/users", upvest_client_id=WIDE),
    "a long accept": getting("/users", accept=f"text/{WIDE}"),
    "a long key id": getting("/users", signature="sig1=:AAAA:", signature_input=f'sig1=();keyid="{WIDE[:8000]}"'),
    "a long component": getting(
        "/users", signature="sig1=:AAAA:", signature_input=f'sig1=("{WIDE[:8000]}");keyid="a";nonce="b";created=1'
    ),
}


@pytest.fixture
def new_key(api: Any) -> Callable[[], dict[str, str]]:
    return lambda: {"idempotency-key": api.new_id()}


async def test_a_refusal_stays_small(api: Any, new_key: Callable[[], dict[str, str]]) -> None:
    sizes = {}
    for kind, attack in ATTACKS.items():
        answer = await attack(api, new_key())
        assert 400 <= answer.status_code < 500, (kind, answer.text[:200])
        assert answer.headers["content-type"] == "application/problem+json"
        sizes[kind] = len(answer.content)

    assert {kind: size for kind, size in sizes.items() if size > ANSWER_BYTES_MAX} == {}
