"""Placing portfolio orders over HTTP: what is refused, and what happens to a key that comes again."""

import asyncio
from typing import Any

import asyncpg

from tests.database.api.worlds import ClientWorld, problem
from tests.database.http.onboarding import USER

PATH = "/portfolios/orders"
NOBODY = "00000000-0000-7000-8000-000000000000"
WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"cash_amount": "100.001"}, 422, "cash_amount"),
    ({"cash_amount": "0"}, 422, "cash_amount"),
    ({"cash_amount": "0.00"}, 422, "cash_amount"),
    ({"cash_amount": "-100"}, 400, "cash_amount"),
    ({"cash_amount": "1e3"}, 400, "cash_amount"),
    ({"cash_amount": "NaN"}, 400, "cash_amount"),
    ({"cash_amount": "1,000.00"}, 400, "cash_amount"),
    ({"cash_amount": 100}, 400, "cash_amount"),
    ({"cash_amount": "1" * 19}, 400, "cash_amount"),
    ({"cash_amount": "1000000000000000.01"}, 422, "cash_amount"),
    ({"cash_amount": "20000000000000000.00"}, 422, "cash_amount"),
    ({"currency": "eur"}, 400, "currency"),
    ({"currency": "QQQ"}, 422, "currency"),
    ({"currency": "USD"}, 422, "currency"),
    ({"side": "HOLD"}, 400, "side"),
    ({"side": None}, 400, "side"),
    ({"post_tax": True}, 422, "post_tax"),
    ({"post_tax": "false"}, 400, "post_tax"),
    ({"client_reference": "x" * 101}, 400, "client_reference"),
    ({"client_reference": "zero \x00"}, 400, "client_reference"),
    ({"user_id": NOBODY}, 422, "user_id"),
    ({"user_id": "Ada"}, 400, "user_id"),
    ({"account_id": NOBODY}, 422, "account_id"),
    ({"account_id": 7}, 400, "account_id"),
    ({"colour": "red"}, 400, "colour"),
]
TABLES = ("parent_orders", "inbox", "events")


async def stored(connection: asyncpg.Connection) -> int:
    """How much there is of what placing a portfolio order stores."""
    counts = [await connection.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES]
    accepted = await connection.fetchval("SELECT count(*) FROM idempotency_records WHERE status = 202")
    return sum(counts) + int(accepted)


async def test_all_that_is_wrong_is_named_at_once(world: ClientWorld) -> None:
    wrong = world.order_body(cash_amount="0.00", currency="QQQ", post_tax=True, user_id=NOBODY)

    refused = await world.post(PATH, wrong)

    assert (refused.status_code, refused.json()["detail"]) == (
        422,
        "4 fields are wrong: currency, cash_amount, post_tax, user_id",
    )


async def test_whatever_is_wrong_is_named_and_nothing_is_stored(
    world: ClientWorld, connection: asyncpg.Connection
) -> None:
    for wrong, status, field in WRONG:
        problem(await world.post(PATH, world.order_body(**wrong)), status, field)
    for missing in ("user_id", "account_id", "cash_amount", "currency", "side"):
        body = world.order_body()
        del body[missing]
        problem(await world.post(PATH, body), 400, missing)

    assert await stored(connection) == 0


async def test_the_account_must_be_a_portfolio_account_of_that_user_and_client(
    world: ClientWorld, other: ClientWorld, connection: asyncpg.Connection
) -> None:
    trading = (await world.created("/accounts", world.account_body(type="TRADING")))["id"]
    second_user = (await world.created("/users", USER))["id"]

    problem(await world.post(PATH, world.order_body(account_id=trading)), 422, "account_id")
    problem(await world.post(PATH, world.order_body(account_id=other.account_id)), 422, "account_id")
    problem(await world.post(PATH, world.order_body(user_id=other.user_id)), 422, "user_id")
    problem(await world.post(PATH, world.order_body(user_id=second_user)), 422, "account_id")
    assert await stored(connection) == 0


async def test_a_body_that_is_no_order_is_refused(world: ClientWorld, connection: asyncpg.Connection) -> None:
    headers = {"idempotency-key": world.api.new_id(), "content-type": "application/json"}
    for body in (b"", b"{", b"[]", b'"order"', b"null", b"\xff", b"[" * 65_536):
        problem(await world.http.post(PATH, content=body, headers=headers), 400)
    problem(await world.http.post("/users", json={**USER, "last_name": "\x00"}, headers=headers), 400, "last_name")
    backslash = {**USER, "last_name": "\\u0000"}
    assert (await world.http.post("/users", json=backslash, headers=headers)).json()["last_name"] == "\\u0000"
    text = {**headers, "content-type": "text/plain"}
    problem(await world.http.post(PATH, content=b"{}", headers=text), 415)
    problem(await world.http.post(PATH, content=b" " * 65_536, headers=headers), 400)
    too_large = await world.http.post(PATH, content=b" " * 65_537, headers=headers)
    problem(too_large, 413)
    assert "the limit is 65536" in too_large.json()["detail"]

    assert await stored(connection) == 0


async def test_an_idempotency_key_is_demanded(world: ClientWorld, connection: asyncpg.Connection) -> None:
    missing = problem(await world.http.post(PATH, json=world.order_body()), 400)
    malformed = {"idempotency-key": "monday"}
    problem(await world.http.post(PATH, json=world.order_body(), headers=malformed), 400, "idempotency-key")

    assert missing["type"].endswith("missing_idempotency_key")
    assert await stored(connection) == 0


async def test_the_same_request_again_gets_the_same_bytes(world: ClientWorld, connection: asyncpg.Connection) -> None:
    key = world.api.new_id()
    first = await world.post(PATH, world.order_body(), key)
    again = await world.post(PATH, world.order_body(), key)

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.content == first.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert await stored(connection) == 3


async def test_requests_with_one_key_at_once_have_one_effect(
    world: ClientWorld, connection: asyncpg.Connection
) -> None:
    key = world.api.new_id()

    answers = await asyncio.gather(*(world.post(PATH, world.order_body(), key) for _ in range(20)))

    assert {one.status_code for one in answers} == {202}
    assert len({one.content for one in answers}) == 1
    assert sum("idempotent-replayed" in one.headers for one in answers) == 19
    assert await stored(connection) == 3


async def test_another_request_under_the_key_is_refused(world: ClientWorld, connection: asyncpg.Connection) -> None:
    key = world.api.new_id()
    await world.post(PATH, world.order_body(), key)

    other_body = problem(await world.post(PATH, world.order_body(cash_amount="2.00"), key), 422)
    deposit = {"amount": "1.00", "currency": "EUR"}
    other_path = problem(await world.post(f"/accounts/{world.account_id}/deposits", deposit, key), 422)

    assert other_body["type"] == other_path["type"]
    assert other_body["type"].endswith("idempotency_key_reused")
    assert await stored(connection) == 3


async def test_a_refused_request_leaves_its_key_free(world: ClientWorld) -> None:
    key = world.api.new_id()

    problem(await world.post(PATH, world.order_body(account_id=NOBODY), key), 422, "account_id")

    assert (await world.post(PATH, world.order_body(), key)).status_code == 202


async def test_many_orders_at_once_each_get_their_own_answer(
    world: ClientWorld, connection: asyncpg.Connection
) -> None:
    amounts = [f"{number}.00" for number in range(1, 41)]

    placed = await asyncio.gather(*(world.place(cash_amount=amount) for amount in amounts))

    assert [one["cash_amount"] for one in placed] == amounts
    assert len({one["id"] for one in placed}) == 40
    assert (await world.get(PATH))["meta"]["total_count"] == 40
    assert await connection.fetchval("SELECT count(*) FROM inbox") == 40


async def test_ids_written_otherwise_are_the_same_ids(world: ClientWorld) -> None:
    key = world.api.new_id()
    shouted = world.order_body(user_id=world.user_id.upper(), account_id=world.account_id.replace("-", "").upper())
    placed = await world.post(PATH, shouted, key)
    again = await world.post(PATH, shouted, key.upper())
    path = f"{PATH}/{placed.json()['id'].upper()}"

    assert (placed.json()["user_id"], placed.json()["account_id"]) == (world.user_id, world.account_id)
    assert (again.content, again.headers["idempotent-replayed"]) == (placed.content, "true")
    assert await world.get(path) == placed.json()
    assert (await world.get(PATH, account_id=world.account_id.upper()))["data"] == [placed.json()]
    missing = problem(await world.http.get(f"{PATH}/{NOBODY.upper()}"), 404)
    assert missing["detail"] == f"there is no portfolio order {NOBODY}"
