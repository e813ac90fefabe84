"""Attacks on nonces: raced across processes, and replayed the moment they are forgotten."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from orderlane.domain.ids import ClientId
from orderlane.http_signatures import PublicKey, SignatureExpired, SignedRequest, verify
from orderlane.postgres.clients import PostgresNonces
from orderlane.postgres.connection import open_pool
from orderlane.postgres.timers import PostgresTimerStore
from orderlane_client import RequestSigner
from tests.database.http.signing import Signer

CLIENT = ClientId("00000000-0000-7000-8000-000000000001")


async def test_processes_that_race_for_the_same_nonces_cannot_deadlock(dsn: str) -> None:
    """A replayer who sends many requests to two processes in opposite orders gets each of them once, and no failure."""
    pools = [await open_pool(dsn, f"api {number}", size_max=2) for number in range(2)]
    first, second = (PostgresNonces(pool) for pool in pools)
    until = datetime.fromisoformat("2026-11-22T15:30:00+00:00")
    try:
        for round_number in range(5):
            nonces = [(CLIENT, f"{round_number} {number}", until) for number in range(2000)]
            accepted = await asyncio.gather(first._use_all(nonces), second._use_all(nonces[::-1]))

            pairs = zip(accepted[0], accepted[1][::-1], strict=True)
            assert all(mine is not its for mine, its in pairs)
    finally:
        for pool in pools:
            await pool.close()


async def test_a_nonce_is_remembered_as_long_as_its_signature_counts(dsn: str, connection: asyncpg.Connection) -> None:
    """At every moment the signature is too old, or its nonce is still there: to the fraction of a second."""
    pool = await open_pool(dsn, "api", size_max=2)
    timers = await PostgresTimerStore.open(dsn)
    signer, now = Signer.new(), await connection.fetchval("SELECT clock_timestamp()")
    valid_for = verify(*signed_request(signer, now), now).valid_until - now
    signed_at = now - valid_for + timedelta(seconds=1.5)
    request, keys = signed_request(signer, signed_at)
    verified = verify(request, keys, signed_at)
    assert verified.nonce is not None
    assert await PostgresNonces(pool).use(CLIENT, verified.nonce, verified.valid_until)
    is_remembered = True
    try:
        async with asyncio.timeout(10):
            while is_remembered:
                await timers.forget_nonces(timedelta(0), 100)
                is_remembered = await connection.fetchval("SELECT EXISTS (SELECT FROM used_nonces)")
                now = await connection.fetchval("SELECT clock_timestamp()")
                assert is_remembered or is_too_old(request, keys, now), now
    finally:
        await timers.close()
        await pool.close()


def signed_request(signer: Signer, now: datetime) -> tuple[SignedRequest, Any]:
    headers = RequestSigner(signer.key_id, signer.key, clock=now.timestamp).sign("GET", "/users", {})
    request = SignedRequest(method="GET", path="/users", query="", headers=headers.items(), body=b"")
    return request, {signer.key_id: PublicKey.from_pem(signer.client_key(now).public_key)}


def is_too_old(request: SignedRequest, keys: Any, now: datetime) -> bool:
    try:
        verify(request, keys, now)
    except SignatureExpired:
        return True
    return False
