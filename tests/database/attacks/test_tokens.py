"""Attacks on access tokens: forged, bent, borrowed, outlived, asked for too often."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from orderlane.api.auth import directory
from orderlane.api.auth.rate_limits import BUCKETS_MAX, RateLimiter, network_of
from orderlane.api.options import ApiOptions
from orderlane.api.routes import auth
from tests.database.conftest import running_api

PEM, SPKI = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["type"] == f"http://127.0.0.1:8080/errors/{code}", document
    return document


def encoded(part: Any) -> str:
    text = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def parts_of(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    header, claims, signature = token.split(".")
    decoded = [json.loads(base64.urlsafe_b64decode(one + "==")) for one in (header, claims)]
    return decoded[0], decoded[1], signature


class Forger:
    """Knows a genuine token of limited scope, and the public key that verifies it."""

    def __init__(self, token: str, public_key: Any) -> None:
        self.header, self.claims, self.signature = parts_of(token)
        self.public_key = public_key
        self.own_key = Ed25519PrivateKey.generate()

    def token(self, header: Any, claims: Any, sign: Callable[[bytes], bytes]) -> str:
        signed = f"{encoded(header)}.{encoded(claims)}"
        return f"{signed}.{encoded(sign(signed.encode()))}"

    def hmac_token(self, algorithm: str, secret: bytes) -> str:
        digest = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}[algorithm]
        return self.token(
            {**self.header, "alg": algorithm}, self.claims, lambda text: hmac.new(secret, text, digest).digest()
        )


FORGERIES: dict[str, Callable[[Forger], str]] = {
    "no algorithm": lambda forger: forger.token({**forger.header, "alg": "none"}, forger.claims, lambda _: b""),
    "no algorithm, spelt oddly": lambda forger: forger.token(
        {**forger.header, "alg": "nOnE"}, forger.claims, lambda _: b""
    ),
    "HMAC with the public key in PEM": lambda forger: forger.hmac_token(
        "HS256", forger.public_key.public_bytes(PEM, SPKI)
    ),
    "HMAC with the public key's bytes": lambda forger: forger.hmac_token("HS512", forger.public_key.public_bytes_raw()),
    "HMAC with nothing": lambda forger: forger.hmac_token("HS256", b""),
    "a key of the forger's under our id": lambda forger: forger.token(
        forger.header, forger.claims, forger.own_key.sign
    ),
    "a key of the forger's in the header": lambda forger: forger.token(
        {
            **forger.header,
            "jwk": {"kty": "OKP", "crv": "Ed25519", "x": encoded(forger.own_key.public_key().public_bytes_raw())},
        },
        forger.claims,
        forger.own_key.sign,
    ),
    "another scope under the old signature": lambda forger: ".".join(
        (encoded(forger.header), encoded({**forger.claims, "scope": "users:admin"}), forger.signature)
    ),
    "another client under the old signature": lambda forger: ".".join(
        (encoded(forger.header), encoded({**forger.claims, "sub": str(UUID(int=1))}), forger.signature)
    ),
    "an unknown key id": lambda forger: forger.token(
        {**forger.header, "kid": "../../dev/null"}, forger.claims, forger.own_key.sign
    ),
    "no key id": lambda forger: forger.token({"alg": "EdDSA", "typ": "JWT"}, forger.claims, forger.own_key.sign),
    "a key id that is a list": lambda forger: forger.token(
        {**forger.header, "kid": [forger.header["kid"]]}, forger.claims, forger.own_key.sign
    ),
    "a key id with a NUL": lambda forger: forger.token(
        {**forger.header, "kid": "\0"}, forger.claims, forger.own_key.sign
    ),
    "a critical extension": lambda forger: forger.token(
        {**forger.header, "crit": ["b64"], "b64": False}, forger.claims, forger.own_key.sign
    ),
    "a header that is a list": lambda forger: forger.token([forger.header], forger.claims, forger.own_key.sign),
    "cut off": lambda forger: f"{encoded(forger.header)}.{encoded(forger.claims)}",
    "too many parts": lambda forger: ".".join((encoded(forger.header), encoded(forger.claims), "a", "b", "c")),
    "no base64": lambda forger: "ä.ö.ü",
    "very long": lambda forger: f"{encoded(forger.header)}.{encoded({**forger.claims, 'x': 'y' * 9000})}.AAAA",
    "nothing but dots": lambda forger: "..",
}


@pytest.fixture
async def forger(api: Any, connection: asyncpg.Connection) -> Forger:
    token = await api.token(await api.new_client(), "users:read")
    seed = await connection.fetchval("SELECT private_key FROM signing_keys WHERE purpose = 'TOKEN'")
    return Forger(token, Ed25519PrivateKey.from_private_bytes(seed).public_key())


async def test_a_forged_token_is_refused(api: Any, forger: Forger) -> None:
    http = await api.anonymous()
    for kind, forge in FORGERIES.items():
        answer = await http.get("/users", headers={"authorization": f"Bearer {forge(forger)}".encode()})

        assert answer.status_code == 401, (kind, answer.text)
        problem(answer, 401, "invalid_token")
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_even_our_own_key_signs_nothing_incomplete(
    api: Any, forger: Forger, connection: asyncpg.Connection
) -> None:
    seed = await connection.fetchval("SELECT private_key FROM signing_keys WHERE purpose = 'TOKEN'")
    http = await api.anonymous()
    for missing in ("exp", "sub", "iss", "scope", "iat", "jti"):
        claims = {name: value for name, value in forger.claims.items() if name != missing}
        token = jwt.encode(claims, Ed25519PrivateKey.from_private_bytes(seed), "EdDSA", {"kid": forger.header["kid"]})

        problem(await http.get("/users", headers={"authorization": f"Bearer {token}"}), 401, "invalid_token")


async def test_a_webhook_key_signs_no_tokens(api: Any, forger: Forger, connection: asyncpg.Connection) -> None:
    key = Ed25519PrivateKey.generate()
    await connection.execute(
        "INSERT INTO signing_keys (id, purpose, private_key, created_at) VALUES ('hook', 'WEBHOOK', $1, now())",
        key.private_bytes_raw(),
    )
    token = jwt.encode(forger.claims, key, "EdDSA", {"kid": "hook"})
    http = await api.anonymous()

    problem(await http.get("/users", headers={"authorization": f"Bearer {token}"}), 401, "invalid_token")


async def test_a_token_counts_only_in_its_header_and_only_once(api: Any) -> None:
    token = await api.token(await api.new_client())
    http = await api.anonymous()

    problem(await http.get("/users", params={"access_token": token}), 401, "missing_token")
    problem(await http.get("/users", headers={"cookie": f"authorization=Bearer {token}"}), 401, "missing_token")
    problem(await http.get("/users", headers={"authorization": token}), 401, "missing_token")
    problem(await http.get("/users", headers={"authorization": f"Basic {token}"}), 401, "missing_token")
    twice = [("authorization", f"Bearer {token}"), ("authorization", "Bearer other")]
    for headers in (twice, twice[::-1]):
        problem(await http.get("/users", headers=headers), 400, "invalid_header")


async def test_no_cache_keeps_a_token(api: Any) -> None:
    client = await api.new_client()
    form = {
        "client_id": client.client_id,
        "client_secret": client.secret,
        "grant_type": "client_credentials",
    }
    answer = await (await api.anonymous()).post("/auth/token", data=form)

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"


async def test_a_token_is_its_clients_alone(api: Any) -> None:
    mine, other = await api.new_client(), await api.new_client()
    http = await api.session(mine)

    accepted = await http.get("/users", headers={"upvest-client-id": mine.client_id.upper()})
    assert accepted.status_code == 200
    problem(await http.get("/users", headers={"upvest-client-id": other.client_id}), 401, "client_mismatch")
    problem(await http.get("/users", headers={"upvest-client-id": ""}), 401, "client_mismatch")
    both = [("upvest-client-id", mine.client_id), ("upvest-client-id", other.client_id)]
    problem(await http.get("/users", headers=both), 400, "invalid_header")


async def test_scopes_do_not_grow(api: Any) -> None:
    limited = await api.new_client(["users:read", "orders:read"])
    http = await api.session(limited, "users:read")
    key = {"idempotency-key": api.new_id()}

    assert (await http.get("/users")).status_code == 200
    problem(await http.post("/users", json={}, headers=key), 403, "insufficient_scope")
    problem(await http.get(f"/orders/{api.new_id()}"), 403, "insufficient_scope")
    for scope in ("users:admin", "users:read users:admin", "users:write", "*", "users:read,users:admin"):
        form = {
            "client_id": limited.client_id,
            "client_secret": limited.secret,
            "grant_type": "client_credentials",
            "scope": scope,
        }
        problem(await http.post("/auth/token", data=form), 400, "invalid_scope")


async def test_a_scope_that_was_taken_away_is_gone_from_tokens_too(api: Any, connection: asyncpg.Connection) -> None:
    client = await api.new_client(["users:admin"])
    http = await api.session(client)
    assert (await http.get("/users")).status_code == 200

    await connection.execute("UPDATE clients SET scopes = '{orders:read}' WHERE id = $1", client.client_id)

    async with asyncio.timeout(10):
        while (answer := await http.get("/users")).status_code == 200:
            pass
    problem(answer, 403, "insufficient_scope")


async def test_an_unknown_client_costs_what_a_known_one_costs(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work tells time: whether a client exists must not show in the questions to the database, nor in hashing."""
    known = await api.new_client()
    work: Counter[str] = Counter()
    fetch, fits = directory.ClientDirectory._fetch, auth.secret_fits

    async def counted_fetch(self: directory.ClientDirectory) -> directory.Directory:
        work["questions"] += 1
        return await fetch(self)

    def counted_fits(secret: str, kept: str) -> bool:
        work["hashes"] += 1
        return fits(secret, kept)

    monkeypatch.setattr(directory.ClientDirectory, "_fetch", counted_fetch)
    monkeypatch.setattr(auth, "secret_fits", counted_fits)
    monkeypatch.setattr(directory, "MISS_PAUSE_SECONDS", 0)
    monkeypatch.setattr(directory, "REFRESH_AFTER_SECONDS", 3600)
    monkeypatch.setattr(directory, "AGE_SECONDS_MAX", 3600)
    http = await api.anonymous()
    for client_id in (known.client_id, api.new_id(), "no uuid at all"):
        work.clear()
        form = {"client_id": client_id, "client_secret": "wrong", "grant_type": "client_credentials"}
        problem(await http.post("/auth/token", data=form), 401, "invalid_client")
        assert work == {"questions": 1, "hashes": 1}, client_id


async def test_one_who_guesses_does_not_lock_the_owner_out(dsn: str) -> None:
    """The limit of a client counts by address: whoever knows an id can't use up its owner's requests."""
    options = ApiOptions(token_requests_per_minute=5)
    async with running_api(dsn, options) as api:
        victim = await api.new_client()
        form = {"client_id": victim.client_id, "client_secret": "guess", "grant_type": "client_credentials"}
        async with httpx.AsyncClient(
            base_url=api.url, transport=httpx.AsyncHTTPTransport(local_address="127.0.0.2")
        ) as attacker:
            answers = [await attacker.post("/auth/token", data=form) for _ in range(10)]
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["retry-after"]) >= 1

        assert await api.token(victim)


async def test_spelling_a_client_id_otherwise_gains_no_more_guesses(dsn: str) -> None:
    async with running_api(dsn, ApiOptions(token_requests_per_minute=5)) as api:
        victim = (await api.new_client()).client_id
        http = await api.anonymous()
        statuses = []
        for text in (victim, victim.upper(), victim.replace("-", ""), f"{{{victim}}}", f"urn:uuid:{victim}") * 2:
            form = {"client_id": text, "client_secret": "guess", "grant_type": "client_credentials"}
            statuses.append((await http.post("/auth/token", data=form)).status_code)

    assert statuses.count(401) <= 5
    assert statuses[-1] == 429


def test_who_goes_on_trying_is_not_forgotten() -> None:
    """Buckets are bounded: those of the least recent are dropped, but not those of who is just being refused."""
    limiter = RateLimiter()
    for _ in range(60):
        limiter.take("guesser", 60, 0.0)
    for number in range(3 * BUCKETS_MAX):
        assert number % 100 or limiter.take("guesser", 60, 0.0) > 0
        limiter.take(number, 60, 0.0)


def test_one_subscriber_is_one_address() -> None:
    assert network_of("192.0.2.1") != network_of("192.0.2.2")
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1%eth0")
    assert network_of("2001:db8::1") != network_of("2001:db8:0:1::1")
    assert network_of("") == ""
