"""Secrets, tokens and rate limits, each by itself."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from orderlane.api.auth.client_secrets import SALT_BYTES, hash_secret, new_secret, secret_fits
from orderlane.api.auth.directory import Directory
from orderlane.api.auth.rate_limits import BUCKETS_MAX, RateLimiter
from orderlane.api.auth.tokens import REMEMBERED_MAX, TokenVerifier, UnknownTokenKey, issue_token
from orderlane.api.errors import ExpiredToken, InvalidToken
from orderlane.domain.ids import ClientId
from orderlane.ports.clients import TokenKey
from orderlane.sources import seeded_sources

NOW = datetime(2021, 7, 21, 14, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
CLIENT = ClientId("ebabcf4d-61c3-4942-875c-e265a7c2d062")
TOKEN_ID = "54b8d84f-5bd0-4e43-bf0f-164388cb4c23"


def directory(*seeds: int, retired: int | None = None) -> Directory:
    keys = {f"key-{seed}": Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32) for seed in seeds}
    known = {
        name: (
            TokenKey(id=name, private_key=b"", created_at=NOW, retired_at=NOW if name == f"key-{retired}" else None),
            key.public_key(),
        )
        for name, key in keys.items()
    }
    signing = [(name, key) for name, key in keys.items() if name != f"key-{retired}"]
    return Directory(clients={}, token_keys=known, signing=signing[0] if signing else None)


def token(known: Directory, lifetime: timedelta = HOUR, scopes: tuple[str, ...] = ("users:admin",)) -> str:
    return issue_token(known, CLIENT, scopes, NOW, lifetime, TOKEN_ID)


def test_a_secret_fits_its_hash_and_no_other() -> None:
    tokens = seeded_sources(1, NOW).tokens
    secret, other = new_secret(tokens), new_secret(tokens)

    kept = hash_secret(secret, tokens.token_bytes(SALT_BYTES))

    assert secret not in kept
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert secret_fits(secret, kept)
    assert not secret_fits(other, kept)


def test_a_token_says_what_was_put_in() -> None:
    known = directory(1)

    claims = TokenVerifier().verify(token(known), known, NOW)

    assert (claims.client_id, claims.expires_at) == (CLIENT, NOW + HOUR)
    assert claims.scopes == {"users:admin", "users:read"}


def test_a_token_counts_until_it_expires_also_when_it_is_remembered() -> None:
    known, verifier = directory(1), TokenVerifier()
    made = token(known)

    assert verifier.verify(made, known, NOW + HOUR - timedelta(seconds=1))
    with pytest.raises(ExpiredToken):
        verifier.verify(made, known, NOW + HOUR)


def test_a_token_of_another_service_does_not_count() -> None:
    with pytest.raises(UnknownTokenKey):
        TokenVerifier().verify(token(directory(2)), directory(1), NOW)


def test_a_retired_key_verifies_and_does_not_sign() -> None:
    made = token(directory(1))

    assert TokenVerifier().verify(made, directory(1, 2, retired=1), NOW)
    assert jwt.get_unverified_header(token(directory(1, 2, retired=1)))["kid"] == "key-2"


def test_a_removed_key_does_not_count_although_the_token_is_remembered() -> None:
    known, verifier = directory(1), TokenVerifier()
    made = token(known)
    verifier.verify(made, known, NOW)

    with pytest.raises(UnknownTokenKey):
        verifier.verify(made, directory(2), NOW)


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_another_algorithm_does_not_count(algorithm: str) -> None:
    known = directory(1)
    claims = jwt.decode(token(known), options={"verify_signature": False})
    secret = "" if algorithm == "none" else "a secret that is long enough for HMAC"
    forged = jwt.encode(claims, secret, algorithm=algorithm, headers={"kid": "key-1"})

    with pytest.raises(InvalidToken):
        TokenVerifier().verify(forged, known, NOW)


@pytest.mark.parametrize("claim", ["iss", "sub", "scope", "exp"])
def test_a_token_without_a_claim_does_not_count(claim: str) -> None:
    known = directory(1)
    claims = jwt.decode(token(known), options={"verify_signature": False})
    del claims[claim]
    assert known.signing is not None
    made = jwt.encode(claims, known.signing[1], algorithm="EdDSA", headers={"kid": "key-1"})

    with pytest.raises(InvalidToken):
        TokenVerifier().verify(made, known, NOW)


@given(st.text(max_size=80))
def test_any_text_is_no_token(text: str) -> None:
    with pytest.raises((InvalidToken, UnknownTokenKey)):
        TokenVerifier().verify(text, directory(1), NOW)


def test_what_is_remembered_is_bounded() -> None:
    known, verifier = directory(1), TokenVerifier()
    for number in range(REMEMBERED_MAX + 10):
        verifier._remember(str(number), verifier.verify(token(known), known, NOW))

    assert len(verifier._remembered) == REMEMBERED_MAX


def test_a_bucket_gives_a_minutes_requests_and_then_fills_evenly() -> None:
    limiter = RateLimiter()

    assert [limiter.take("a", 2, 0.0) for _ in range(3)] == [0, 0, 30]
    assert limiter.take("a", 2, 29.0) == 1
    assert limiter.take("a", 2, 30.0) == 0
    assert limiter.take("a", 2, 30.0) == 30


def test_a_bucket_holds_no_more_than_a_minutes_requests() -> None:
    limiter = RateLimiter()
    limiter.take("a", 2, 0.0)

    assert [limiter.take("a", 2, 1e6) for _ in range(3)] == [0, 0, 30]


def test_buckets_are_apart_and_bounded() -> None:
    limiter = RateLimiter()
    for number in range(BUCKETS_MAX + 10):
        assert limiter.take(number, 1, 0.0) == 0

    assert len(limiter._buckets) == BUCKETS_MAX


@given(st.integers(1, 600), st.lists(st.floats(0, 5), max_size=200))
def test_no_more_than_the_limit_and_one_burst_in_any_time(per_minute: int, pauses: list[float]) -> None:
    limiter, now, taken = RateLimiter(), 0.0, 0
    for pause in pauses:
        now += pause
        taken += limiter.take("a", per_minute, now) == 0

    assert taken <= per_minute + now * per_minute / 60 + 1e-6
