"""How many lists a client and all clients get at a time; here each waits at the database, as long as the test wants."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any

import asyncpg
import pytest

from orderlane.api.options import ApiOptions
from tests.database.http.onboarding import USER

AT_ONCE = 2
READING = 4
"""Half of the connections that the API under test reads with."""
CLIENTS = 5


@pytest.fixture
def api_options() -> ApiOptions:
    return ApiOptions(
        token_requests_per_minute=10_000, lists_per_client=AT_ONCE, lists_reading=READING, list_wait_seconds=0.3
    )


@asynccontextmanager
async def held_up(connection: asyncpg.Connection, *clients: Any) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """As many lists as the clients get, as far as they read held up by a lock; they go on when the block ends."""
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
    lists = [asyncio.create_task(http.get("/users")) for http in clients for _ in range(AT_ONCE)]
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'users'::regclass"
    async with asyncio.timeout(10):
        while await connection.fetchval(waiting) < min(len(lists), READING):
            await asyncio.sleep(0.01)
    try:
        yield lists
    finally:
        await transaction.rollback()
        await asyncio.gather(*lists)


async def test_a_list_too_many_is_refused_and_told_the_limit(api: Any, connection: asyncpg.Connection) -> None:
    async with held_up(connection, api.http) as lists:
        refused = await api.http.get("/instruments")

    assert refused.status_code == 429
    assert refused.json()["type"] == "http://127.0.0.1:8080/errors/rate_limited"
    assert "a client gets 2 lists at a time" in refused.json()["detail"]
    assert int(refused.headers["retry-after"]) > 0
    assert [(await each).status_code for each in lists] == [200, 200]
    assert (await api.http.get("/instruments")).status_code == 200


async def test_another_client_and_what_is_no_list_are_not_held_up(api: Any, connection: asyncpg.Connection) -> None:
    user_id = (await api.post("/users", USER)).json()["id"]
    group = (await api.post("/account_groups", {"user_id": user_id, "type": "PERSONAL"})).json()
    other = await api.session()

    async with held_up(connection, api.http):
        assert (await other.get("/instruments")).status_code == 200
        assert (await api.http.get(f"/account_groups/{group['id']}")).status_code == 200


async def test_a_list_that_fails_gives_its_turn_back(api: Any) -> None:
    unknown = api.new_id()

    statuses = [(await api.http.get(f"/users/{unknown}/accounts")).status_code for _ in range(2 * AT_ONCE)]
    heads = [(await api.http.head("/users")).status_code for _ in range(2 * AT_ONCE)]

    assert set(statuses) == {404}
    assert set(heads) == {200}


async def test_lists_of_many_clients_leave_connections_for_what_is_no_list(
    api: Any, connection: asyncpg.Connection
) -> None:
    user_id = (await api.post("/users", USER)).json()["id"]
    group = (await api.post("/account_groups", {"user_id": user_id, "type": "PERSONAL"})).json()
    clients = [await api.session() for _ in range(CLIENTS)]

    async with held_up(connection, *clients) as lists:
        async with asyncio.timeout(3):
            assert (await api.http.get(f"/account_groups/{group['id']}")).status_code == 200
        async with asyncio.timeout(10):
            refused = [await each for each in islice(asyncio.as_completed(lists), CLIENTS * AT_ONCE - READING)]

    assert {answer.status_code for answer in refused} == {503}
    assert refused[0].json()["type"] == "http://127.0.0.1:8080/errors/unavailable"
    assert "4 lists of all clients are read at a time" in refused[0].json()["detail"]
    assert int(refused[0].headers["retry-after"]) > 0
    assert Counter([(await each).status_code for each in lists]) == {200: READING, 503: len(refused)}
    assert {(await http.get("/users")).status_code for http in clients} == {200}
