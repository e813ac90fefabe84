"""Signed requests: verified whenever they are signed, demanded when the client's policy says so."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec.json import encode

from orderlane.api.auth.directory import AGE_SECONDS_MAX
from orderlane.api.options import ApiOptions
from tests.database.conftest import running_api
from tests.database.http.onboarding import USER
from tests.database.http.signing import Signer

BODY = encode(USER)


class SigningClient:
    """A client that signs, over an HTTP client that doesn't know of it."""

    def __init__(self, api: Any, signer: Signer, http: Any, authorization: str, client_id: Any = None) -> None:
        self.api, self.signer, self.http, self.authorization = api, signer, http, authorization
        self.client_id = client_id

    def signed(self, method: str, target: str, body: bytes = b"", **options: Any) -> dict[str, str]:
        headers = {"accept": "application/json", "authorization": self.authorization}
        if body:
            headers |= {"content-type": "application/json", "idempotency-key": str(uuid4())}
        given = {"now": self.api.sources.clock.now(), "nonce": str(uuid4())} | options
        return self.signer.sign(method, target, headers, body=body, **given)

    async def send(self, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> Any:
        return await self.http.request(method, target, headers=headers, content=body)


async def signing_client(api: Any, curve: Any = None, **fields: Any) -> SigningClient:
    signer = Signer.new(curve=curve)
    credentials = await api.new_client(keys=[signer.client_key(api.sources.clock.now())], **fields)
    http = await api.anonymous()
    body = (
        f"client_id={credentials.client_id}&client_secret={credentials.secret}&grant_type=client_credentials"
    ).encode()
    headers = signer.sign(
        "POST",
        "/auth/token",
        {"content-type": "application/x-www-form-urlencoded", "upvest-client-id": credentials.client_id},
        now=api.sources.clock.now(),
        nonce=str(uuid4()),
        body=body,
    )
    token = await http.post("/auth/token", headers=headers, content=body)
    assert token.status_code == 200, token.text
    return SigningClient(api, signer, http, f"Bearer {token.json()['access_token']}", credentials.client_id)


def at_fault(answer: Any) -> list[str]:
    assert answer.status_code == 401, answer.text
    assert answer.json()["type"] == "http://127.0.0.1:8080/errors/signature_refused"
    return [one["field"] for one in answer.json()["errors"]]


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP521R1()], ids=["P-256", "P-521"])
async def test_a_signing_client_does_everything(api: Any, curve: Any) -> None:
    client = await signing_client(api, curve, require_signatures=True)

    created = await client.send("POST", "/users", client.signed("POST", "/users", BODY), BODY)
    listed = await client.send("GET", "/users?limit=2&offset=0", client.signed("GET", "/users?limit=2&offset=0"))
    path = f"/users/{created.json()['id']}"
    deleted = await client.send("DELETE", path, client.signed("DELETE", path))

    assert [one.status_code for one in (created, listed, deleted)] == [200, 200, 202]
    assert listed.json()["data"] == [created.json()]


async def test_a_client_that_must_sign_and_does_not(api: Any) -> None:
    client = await signing_client(api, require_signatures=True)

    refused = await client.http.get("/users", headers={"authorization": client.authorization})

    assert refused.status_code == 401
    assert refused.json()["type"] == "http://127.0.0.1:8080/errors/signature_required"
    credentials = await api.new_client(require_signatures=True)
    form = {
        "client_id": credentials.client_id,
        "client_secret": credentials.secret,
        "grant_type": "client_credentials",
    }
    assert (await client.http.post("/auth/token", data=form)).json()[
        "type"
    ] == "http://127.0.0.1:8080/errors/signature_required"


async def test_a_client_that_need_not_sign_is_verified_when_it_does(api: Any) -> None:
    client = await signing_client(api)
    unsigned = await client.http.get("/users", headers={"authorization": client.authorization})
    headers = client.signed("GET", "/users")

    assert unsigned.status_code == 200
    assert at_fault(await client.send("GET", "/users?limit=2", headers)) == ["@query"]


@pytest.mark.parametrize(
    "left_out", ["@method", "@path", "@query", "content-digest", "authorization", "idempotency-key"]
)
async def test_every_part_that_counts_must_be_covered(api: Any, left_out: str) -> None:
    client = await signing_client(api)
    everything = ("@method", "@path", "@query", "authorization", "content-digest", "idempotency-key")
    covered = tuple(one for one in everything if one != left_out)

    refused = await client.send("POST", "/users?a=b", client.signed("POST", "/users?a=b", BODY, covered=covered), BODY)

    assert at_fault(refused) == [left_out]
    assert (await client.http.get("/users", headers={"authorization": client.authorization})).json()["data"] == []


async def test_what_is_signed_is_what_was_sent(api: Any) -> None:
    client = await signing_client(api)
    target = "/users?sort=created%5fat&order=ASC"

    assert (await client.send("GET", target, client.signed("GET", target))).status_code == 200


async def test_another_body_than_the_digest_says(api: Any) -> None:
    client = await signing_client(api)
    headers = client.signed("POST", "/users", BODY)

    assert at_fault(await client.send("POST", "/users", headers, BODY.replace(b"Ada", b"Eve"))) == ["content-digest"]


async def test_another_signature_than_the_keys(api: Any) -> None:
    client = await signing_client(api)
    headers = client.signed("GET", "/users")
    other = SigningClient(api, Signer.new(), client.http, client.authorization)

    refused = await client.send("GET", "/users", headers | {"signature": other.signed("GET", "/users")["signature"]})

    assert at_fault(refused) == ["signature"]
    assert "signature_base" not in refused.json()


async def test_an_unknown_key(api: Any) -> None:
    client = await signing_client(api)
    stranger = SigningClient(api, Signer.new("key-2"), client.http, client.authorization)

    refused = await client.send("GET", "/users", stranger.signed("GET", "/users"))

    assert "key-2" in refused.json()["detail"]
    assert at_fault(refused) == ["signature"]


@pytest.mark.parametrize(("minutes", "check"), [(-10, "expired"), (10, "created_in_future")])
async def test_the_time_of_the_signature(api: Any, minutes: int, check: str) -> None:
    client = await signing_client(api)
    now = api.sources.clock.now() + timedelta(minutes=minutes)

    refused = await client.send("GET", "/users", client.signed("GET", "/users", now=now))

    assert at_fault(refused) == ["signature"]
    assert refused.json()["errors"][0]["message"].startswith(check)


async def test_a_replayed_request(api: Any) -> None:
    client = await signing_client(api)
    headers = client.signed("POST", "/users", BODY)
    first = await client.send("POST", "/users", headers, BODY)

    again = await client.send("POST", "/users", headers, BODY)

    assert (first.status_code, again.status_code) == (200, 401)
    assert again.json()["type"] == "http://127.0.0.1:8080/errors/nonce_reused"


async def test_a_nonce_counts_once_for_all_processes_together(api: Any, dsn: str) -> None:
    client = await signing_client(api)
    async with running_api(dsn, ApiOptions()) as other:
        there = SigningClient(other, client.signer, await other.anonymous(), client.authorization)
        headers = client.signed("GET", "/users")
        answers = await asyncio.gather(*(one.send("GET", "/users", headers) for one in (client, there, client, there)))

    assert sorted(one.status_code for one in answers) == [200, 401, 401, 401]


async def test_two_clients_may_use_the_same_nonce(api: Any) -> None:
    first, second = await signing_client(api), await signing_client(api)
    nonce = str(uuid4())

    answers = [await one.send("GET", "/users", one.signed("GET", "/users", nonce=nonce)) for one in (first, second)]

    assert [one.status_code for one in answers] == [200, 200]


async def test_keys_rotate_with_overlap(api: Any) -> None:
    old = await signing_client(api)
    new = SigningClient(api, Signer.new("key-2"), old.http, old.authorization)

    async def status(client: SigningClient) -> int:
        answer = await client.send("GET", "/users", client.signed("GET", "/users"))
        return int(answer.status_code)

    async with api.services.store.transaction() as store:
        await store.clients.add_key(old.client_id, new.signer.client_key(api.sources.clock.now()))
    assert [await status(new), await status(old)] == [200, 200]

    async with api.services.store.transaction() as store:
        await store.clients.revoke_key(old.client_id, old.signer.key_id)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + AGE_SECONDS_MAX + 1
    while await status(old) == 200:
        assert loop.time() < deadline, "a revoked key is refused soon"
    assert [await status(new), await status(old)] == [200, 401]


async def test_a_development_setting_tells_the_signature_base(dsn: str) -> None:
    async with running_api(dsn, ApiOptions(development=True)) as api:
        client = await signing_client(api)
        headers = client.signed("GET", "/users") | {"accept": "*/*"}
        refused = await client.send("GET", "/users", headers)

    assert at_fault(refused) == ["signature"]
    assert '"@method": GET\n"@path": /users\n"accept": */*' in refused.json()["signature_base"]
