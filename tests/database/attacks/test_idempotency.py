"""Attacks on idempotency: one key from many sides at once, over two processes, for more requests than connections."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from orderlane.api.options import ApiOptions
from tests.database.api.worlds import ISINS, ClientWorld, instrument, load_instruments
from tests.database.conftest import ClientCredentials, running_api
from tests.database.http.onboarding import USER

MANY = 40


@pytest.fixture
async def pair(dsn: str) -> AsyncIterator[tuple[Any, httpx.AsyncClient, httpx.AsyncClient]]:
    """Two API processes' worth of the API on one database, and a session of the same client with each."""
    options = ApiOptions(token_requests_per_minute=1000)
    async with running_api(dsn, options) as first, running_api(dsn, options) as second:
        credentials: ClientCredentials = await first.new_client()
        yield first, await first.session(credentials), await second.session(credentials)


async def at_once(sessions: list[httpx.AsyncClient], path: str, body: Any, key: str) -> list[httpx.Response]:
    async with asyncio.timeout(60):
        return list(
            await asyncio.gather(
                *(
                    sessions[number % len(sessions)].post(path, json=body, headers={"idempotency-key": key})
                    for number in range(MANY)
                )
            )
        )


async def test_one_key_has_one_effect_over_processes(pair: Any, connection: asyncpg.Connection) -> None:
    api, *sessions = pair
    answers = await at_once(sessions, "/users", USER, api.new_id())

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert await connection.fetchval("SELECT count(*) FROM users") == 1


async def test_one_key_places_one_portfolio_order_over_processes(pair: Any, connection: asyncpg.Connection) -> None:
    api, *sessions = pair
    await load_instruments(api, [instrument(isin) for isin in ISINS])
    world = ClientWorld(api, sessions[0])
    await world.build()
    answers = await at_once(sessions, "/portfolios/orders", world.order_body(), api.new_id())

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert await connection.fetchval("SELECT count(*) FROM parent_orders") == 1
    assert await connection.fetchval("SELECT count(*) FROM inbox") == 1


async def test_a_key_that_is_raced_with_different_bodies_serves_one_of_them(
    pair: Any, connection: asyncpg.Connection
) -> None:
    api, *sessions = pair
    key = {"idempotency-key": api.new_id()}
    bodies = [{**USER, "first_name": f"Ada {number}"} for number in range(MANY)]
    async with asyncio.timeout(60):
        answers = await asyncio.gather(
            *(sessions[number % 2].post("/users", json=body, headers=key) for number, body in enumerate(bodies))
        )

    assert sorted(answer.status_code for answer in answers) == [200] + [422] * (MANY - 1)
    assert await connection.fetchval("SELECT count(*) FROM users") == 1


async def test_orders_that_are_the_same_json_are_one_and_other_values_are_another(
    pair: Any, connection: asyncpg.Connection
) -> None:
    """Twelve at once, each written in its own way, over two processes; then the same amount in other digits."""
    api, *sessions = pair
    await load_instruments(api, [instrument(isin) for isin in ISINS])
    world = ClientWorld(api, sessions[0])
    await world.build()
    body = world.order_body(cash_amount="100.00")
    names = list(body)
    texts = [
        json.dumps({name: body[name] for name in names[turn:] + names[:turn]}, indent=space)
        for turn in range(len(names))
        for space in (None, 1, 4)
    ][:12]
    head = {"idempotency-key": api.new_id(), "content-type": "application/json"}
    async with asyncio.timeout(60):
        answers = await asyncio.gather(
            *(
                sessions[number % 2].post("/portfolios/orders", content=text, headers=head)
                for number, text in enumerate(texts)
            )
        )
    other = await sessions[0].post("/portfolios/orders", json={**body, "cash_amount": "100"}, headers=head)

    assert len(set(texts)) == 12
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert sum(answer.headers.get("idempotent-replayed") == "true" for answer in answers) == 11
    assert (other.status_code, other.json()["type"]) == (422, "http://127.0.0.1:8080/errors/idempotency_key_reused")
    assert await connection.fetchval("SELECT count(*) FROM parent_orders") == 1


async def test_keys_in_opposite_orders_never_end_in_a_deadlock(pair: Any) -> None:
    api, *sessions = pair
    await load_instruments(api, [instrument(isin) for isin in ISINS])
    world = ClientWorld(api, sessions[0])
    await world.build()
    keys = [api.new_id() for _ in range(MANY)]
    for _ in range(3):
        async with asyncio.timeout(60):
            answers = await asyncio.gather(
                *(
                    session.post("/portfolios/orders", json=world.order_body(), headers={"idempotency-key": key})
                    for session, ordered in zip(sessions, (keys, keys[::-1]), strict=True)
                    for key in ordered
                )
            )
        assert {answer.status_code for answer in answers} == {202}
        keys = [api.new_id() for _ in range(MANY)]
