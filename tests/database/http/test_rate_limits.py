"""How many requests a client may send."""

from typing import Any

import pytest

from orderlane.api.options import ApiOptions


@pytest.fixture
def api_options() -> ApiOptions:
    return ApiOptions(token_requests_per_minute=10_000, requests_per_minute=3)


async def statuses(http: Any, count: int) -> list[int]:
    return [(await http.get("/users")).status_code for _ in range(count)]


async def test_a_client_is_stopped_and_told_for_how_long(api: Any) -> None:
    assert await statuses(api.http, 4) == [200, 200, 200, 429]

    refused = await api.http.get("/users")

    assert refused.json()["type"] == "http://127.0.0.1:8080/errors/rate_limited"
    assert 1 <= int(refused.headers["retry-after"]) <= 20


async def test_clients_do_not_pay_for_each_other(api: Any) -> None:
    other = await api.session()
    await statuses(api.http, 4)

    assert await statuses(other, 2) == [200, 200]


async def test_a_client_may_have_a_limit_of_its_own(api: Any) -> None:
    session = await api.session(await api.new_client(requests_per_minute=1))

    assert await statuses(session, 2) == [200, 429]
