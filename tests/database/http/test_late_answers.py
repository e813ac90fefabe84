"""A request that writes is never cancelled: who waits too long, or leaves, finds it done all the same."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import asyncpg
import httpx
import pytest

from orderlane.api import app
from orderlane.api.writes import Writes
from tests.conftest import NewDatabase, opened
from tests.database.conftest import Api, running_api
from tests.database.http.onboarding import USER
from tests.database.http.test_health import OPTIONS

HOLD_BACK = "LOCK TABLE users IN EXCLUSIVE MODE"
"""Whoever reads users goes on, whoever writes them waits."""


@pytest.fixture
async def database(new_database: NewDatabase) -> AsyncIterator[tuple[str, asyncpg.Connection]]:
    dsn = await new_database()
    async with opened(dsn) as connection:
        yield dsn, connection


async def created(api: Api) -> int:
    count: int = (await api.http.get("/users")).json()["meta"]["total_count"]
    return count


async def until_created(api: Api) -> None:
    async with asyncio.timeout(10):
        while not await created(api):
            await asyncio.sleep(0.01)


async def test_who_waits_too_long_repeats_the_request_and_gets_the_first_answer(
    database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn, connection = database
    monkeypatch.setattr(app, "Writes", partial(Writes, answer_seconds_max=0.3))
    async with running_api(dsn, OPTIONS) as api:
        key = api.new_id()
        async with connection.transaction():
            await connection.execute(HOLD_BACK)
            late = await api.post("/users", USER, key)
            assert await created(api) == 0
        await until_created(api)
        repeated = await api.post("/users", USER, key)

        assert (late.status_code, late.json()["type"]) == (503, "http://127.0.0.1:8080/errors/unavailable")
        assert int(late.headers["retry-after"]) >= 1
        assert (repeated.status_code, repeated.headers["idempotent-replayed"]) == (200, "true")
        assert await created(api) == 1


async def test_who_leaves_cancels_nothing(database: Any) -> None:
    dsn, connection = database
    async with running_api(dsn, OPTIONS) as api:
        async with connection.transaction():
            await connection.execute(HOLD_BACK)
            headers = {"idempotency-key": api.new_id()}
            with pytest.raises(httpx.ReadTimeout):
                await api.http.post("/users", json=USER, headers=headers, timeout=0.3)
        await until_created(api)


async def test_what_is_under_way_is_finished_when_the_service_stops(database: Any) -> None:
    dsn, connection = database
    async with running_api(dsn, OPTIONS) as api:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(HOLD_BACK)
        with pytest.raises(httpx.ReadTimeout):
            await api.http.post("/users", json=USER, headers={"idempotency-key": api.new_id()}, timeout=0.3)
        letting_go = asyncio.get_running_loop().call_later(0.3, lambda: asyncio.ensure_future(transaction.rollback()))
    letting_go.cancel()

    assert await connection.fetchval("SELECT count(*) FROM users") == 1
