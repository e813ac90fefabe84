"""Tokens: who gets one, and what it allows."""

import asyncio
import re
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest

from orderlane.api.auth.directory import AGE_SECONDS_MAX
from orderlane.api.options import ApiOptions
from orderlane.sources import SteppedClock, system_sources
from tests.database.conftest import ClientCredentials, running_api


def form(credentials: Any, **fields: str) -> dict[str, str]:
    return {
        "client_id": credentials.client_id,
        "client_secret": credentials.secret,
        "grant_type": "client_credentials",
    } | fields


async def test_a_token_for_client_credentials(api: Any) -> None:
    http = await api.anonymous()
    credentials = await api.new_client(["users:admin", "orders:read"])

    answer = await http.post("/auth/token", data=form(credentials, scope="users:admin orders:read"))

    assert answer.status_code == 200
    token = answer.json()
    assert token.keys() == {"access_token", "expires_in", "token_type", "scope"}
    assert (token["expires_in"], token["token_type"], token["scope"]) == (3600, "bearer", "orders:read users:admin")
    assert len(token["access_token"]) < 1000


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"authorization": "Basic " + b64encode(f"{client_id}:{secret}".encode()).decode()}


GRANT = {"grant_type": "client_credentials"}
CHALLENGE = 'Basic realm="orderlane", charset="UTF-8"'


async def test_client_credentials_by_http_basic(api: Any) -> None:
    http = await api.anonymous()
    known = await api.new_client()
    everything_encoded = {
        name: "".join(f"%{ord(character):02x}" for character in part)
        for name, part in (("id", known.client_id), ("secret", known.secret))
    }

    plain = await http.post("/auth/token", data=GRANT, headers=basic(known.client_id, known.secret))
    encoded = await http.post(
        "/auth/token", data=GRANT, headers=basic(everything_encoded["id"], everything_encoded["secret"])
    )
    with_id = await http.post(
        "/auth/token", data=GRANT | {"client_id": known.client_id}, headers=basic(known.client_id, known.secret)
    )

    assert [answer.status_code for answer in (plain, encoded, with_id)] == [200, 200, 200]
    token = {"authorization": f"Bearer {plain.json()['access_token']}"}
    assert (await http.get("/users", headers=token)).status_code == 200


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic ????", "Basic YTpi", "basic YWI=", "Basic /////w==", "Basic JWZmOiVmZg=="],
    ids=["empty", "no base64", "another secret", "no colon", "no UTF-8", "no UTF-8 once decoded"],
)
async def test_wrong_basic_credentials_are_challenged(api: Any, header: str) -> None:
    http = await api.anonymous()

    refused = await http.post("/auth/token", data=GRANT, headers={"authorization": header})

    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, CHALLENGE)
    assert refused.json()["error"] == "invalid_client"


async def test_two_ways_at_once_are_refused(api: Any) -> None:
    http = await api.anonymous()
    known = await api.new_client()
    header = basic(known.client_id, known.secret)

    both = await http.post("/auth/token", data=form(known), headers=header)
    another = await http.post("/auth/token", data=GRANT | {"client_id": api.new_id()}, headers=header)
    neither = await http.post("/auth/token", data=GRANT)

    assert [answer.status_code for answer in (both, another, neither)] == [400, 400, 400]
    assert [answer.json()["error"] for answer in (both, another, neither)] == ["invalid_request"] * 3
    at_fault = [[wrong["field"] for wrong in answer.json()["errors"]] for answer in (both, another, neither)]
    assert at_fault == [["client_secret"], ["client_id"], ["client_id", "client_secret"]]


async def test_a_bearer_token_beside_the_form_does_not_matter(api: Any) -> None:
    answer = await api.http.post("/auth/token", data=form(await api.new_client()))

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "everything"}, 400, "invalid_scope"),
        ({"client_secret": "x"}, 401, "invalid_client"),
        ({"client_secret": ""}, 400, "invalid_request"),
        ({"scope": 'a"b'}, 400, "invalid_scope"),
    ],
)
async def test_errors_have_the_members_of_rfc_6749(api: Any, fields: dict[str, str], status: int, error: str) -> None:
    http = await api.anonymous()

    refused = await http.post("/auth/token", data=form(await api.new_client(), **fields))

    problem = refused.json()
    assert (refused.status_code, problem["status"], problem["error"]) == (status, status, error)
    assert re.fullmatch(r"[\x20\x21\x23-\x5b\x5d-\x7e]+", problem["error_description"])
    assert refused.headers["content-type"] == "application/problem+json"


async def test_no_other_path_has_them(api: Any) -> None:
    assert not {"error", "error_description"} & (await api.http.get("/users/x")).json().keys()


async def test_all_scopes_of_the_client_by_default(api: Any) -> None:
    http = await api.anonymous()
    credentials = await api.new_client(["users:admin", "orders:read"])

    answer = await http.post("/auth/token", data=form(credentials))

    assert answer.json()["scope"] == "orders:read users:admin"


async def test_an_included_scope_may_be_asked_for(api: Any) -> None:
    session = await api.session(await api.new_client(["users:admin"]), "users:read")

    assert (await session.get("/users")).status_code == 200
    refused = await session.delete(f"/users/{api.new_id()}")
    assert refused.status_code == 403
    assert "users:admin" in refused.json()["detail"]


@pytest.mark.parametrize("scope", ["users:admin", "everything", "users:read users:write"])
async def test_a_scope_that_the_client_does_not_have(api: Any, scope: str) -> None:
    http = await api.anonymous()
    credentials = await api.new_client(["users:read"])

    refused = await http.post("/auth/token", data=form(credentials, scope=scope))

    assert refused.status_code == 400
    assert refused.json()["type"] == "http://127.0.0.1:8080/errors/invalid_scope"


async def test_wrong_credentials_are_all_refused_alike(api: Any) -> None:
    http = await api.anonymous()
    known = await api.new_client()
    revoked = await api.new_client()
    async with api.services.store.transaction() as store:
        await store.clients.revoke(revoked.client_id)
    wrong = [
        form(known, client_secret="x"),
        form(known, client_id=api.new_id()),
        form(known, client_id="nobody"),
        form(revoked),
    ]

    answers = [await http.post("/auth/token", data=one) for one in wrong]

    told = [{key: value for key, value in one.json().items() if key != "request_id"} for one in answers]
    assert [one.status_code for one in answers] == [401] * 4
    assert all(one == told[0] for one in told)
    assert told[0]["type"] == "http://127.0.0.1:8080/errors/invalid_client"


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({"grant_type": "password"}, "grant_type"),
        ({"client_secret": ""}, "client_secret"),
    ],
)
async def test_a_wrong_field_is_named(api: Any, fields: dict[str, str], at_fault: str) -> None:
    http = await api.anonymous()

    refused = await http.post("/auth/token", data=form(await api.new_client(), **fields))

    assert refused.status_code == 400
    assert [one["field"] for one in refused.json()["errors"]] == [at_fault]


async def test_parameters_that_are_not_known_are_ignored(api: Any) -> None:
    """RFC 6749, section 3.2."""
    http = await api.anonymous()
    fields = form(await api.new_client()) | {"audience": "orders", "resource": "https://orders.example"}

    assert (await http.post("/auth/token", data=fields)).status_code == 200


async def test_the_form_must_be_a_form(api: Any) -> None:
    http = await api.anonymous()

    assert (await http.post("/auth/token", json=form(await api.new_client()))).status_code == 415


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "missing_token"),
        ("", "missing_token"),
        ("Basic YTpi", "missing_token"),
        ("Bearer", "missing_token"),
        ("Bearer abc", "invalid_token"),
        ("Bearer a.b.c", "invalid_token"),
        ("Bearer " + "a" * 5000, "invalid_token"),
    ],
)
async def test_no_call_without_a_token(api: Any, header: str | None, code: str) -> None:
    http = await api.anonymous()

    refused = await http.get("/users", headers={} if header is None else {"authorization": header})

    assert refused.status_code == 401
    assert refused.json()["type"] == f"http://127.0.0.1:8080/errors/{code}"
    assert refused.headers["www-authenticate"] == "Bearer"


async def test_a_token_that_was_tampered_with(api: Any) -> None:
    token = api.http.headers["authorization"].removeprefix("Bearer ")
    head, _, signature = token.split(".")
    claims = jwt.decode(token, options={"verify_signature": False})
    other = await api.new_client()
    forged_claims = jwt.encode(claims | {"sub": other.client_id}, "", algorithm="none").split(".")[1]
    unsigned = jwt.encode(claims, "", algorithm="none", headers={"kid": jwt.get_unverified_header(token)["kid"]})
    http = await api.anonymous()

    for forged in (f"{head}.{forged_claims}.{signature}", unsigned, f"{token}x", token[:-4]):
        assert (await http.get("/users", headers={"authorization": f"Bearer {forged}"})).status_code == 401


async def test_the_client_id_header_must_be_the_tokens(api: Any) -> None:
    right = await api.http.get("/users", headers={"upvest-client-id": api.client_id})
    wrong = await api.http.get("/users", headers={"upvest-client-id": api.new_id()})

    assert (right.status_code, wrong.status_code) == (200, 401)
    assert wrong.json()["type"] == "http://127.0.0.1:8080/errors/client_mismatch"


async def test_a_token_expires(dsn: str) -> None:
    now = system_sources().clock.now()
    clock = SteppedClock(now)
    sources = replace(system_sources(), clock=clock)
    async with running_api(dsn, ApiOptions(token_lifetime=timedelta(minutes=10)), sources) as api:
        clock.advance(timedelta(minutes=9, seconds=59))
        before = await api.http.get("/users")
        clock.advance(timedelta(seconds=1))
        after = await api.http.get("/users")

    assert (before.status_code, after.status_code) == (200, 401)
    assert after.json()["type"] == "http://127.0.0.1:8080/errors/expired_token"


async def test_a_revoked_client_is_shut_out_soon(api: Any) -> None:
    credentials = await api.new_client()
    session = await api.session(credentials)
    assert (await session.get("/users")).status_code == 200
    async with api.services.store.transaction() as store:
        await store.clients.revoke(credentials.client_id)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + AGE_SECONDS_MAX + 1

    statuses = [200]
    while statuses[-1] == 200 and loop.time() < deadline:
        statuses.append((await session.get("/users")).status_code)

    assert statuses[-1] == 401


async def test_a_token_of_another_process_counts(api: Any, dsn: str) -> None:
    async with running_api(dsn, ApiOptions()) as other:
        http = await other.anonymous()
        answer = await http.get("/users", headers={"authorization": api.http.headers["authorization"]})

    assert answer.status_code == 200


async def test_the_secret_is_not_stored(api: Any) -> None:
    credentials: ClientCredentials = await api.new_client()
    async with api.services.store.reading() as store:
        client = await store.clients.get(credentials.client_id)

    assert client.secret_hash.startswith("$argon2id$")
    assert credentials.secret not in repr(client)


async def test_the_token_endpoint_is_rate_limited(dsn: str) -> None:
    async with running_api(dsn, ApiOptions(token_requests_per_minute=3)) as api:
        http = await api.anonymous()
        wrong = form(await api.new_client(), client_secret="x")
        answers = [await http.post("/auth/token", data=wrong) for _ in range(3)]

    assert [one.status_code for one in answers] == [401, 401, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
