"""Portfolio orders, individual orders, executions and events over HTTP."""

from decimal import Decimal
from typing import Any

import httpx

from orderlane.postgres.segments import decompress
from orderlane.resources.events import frames_of
from tests.database.api.worlds import ClientWorld, Desk


async def test_an_accepted_portfolio_order_is_new_and_empty(world: ClientWorld) -> None:
    answer = await world.post("/portfolios/orders", world.order_body(client_reference="monthly"))

    assert answer.status_code == 202
    placed = answer.json()
    assert placed | {"id": "", "created_at": "", "updated_at": ""} == {
        "id": "",
        "created_at": "",
        "updated_at": "",
        "user_id": world.user_id,
        "account_id": world.account_id,
        "allocation_id": world.allocation_id,
        "cash_amount": "1000.00",
        "currency": "EUR",
        "type": "BUY",
        "status": "NEW",
        "post_tax": False,
        "client_reference": "monthly",
        "initiation_flow": "API",
        "orders": [],
        "executed_cash_amount": "0.00",
        "remaining_cash_amount": "1000.00",
    }
    assert await world.get(f"/portfolios/orders/{placed['id']}") == placed


async def test_a_portfolio_order_from_acceptance_to_filled(world: ClientWorld, desk: Desk) -> None:
    await world.deposit("1000.00")
    placed = await world.place()
    await desk.fill(placed["id"])

    filled = await world.get(f"/portfolios/orders/{placed['id']}")
    assert filled["status"] == "FILLED"
    assert (filled["executed_cash_amount"], filled["remaining_cash_amount"]) == ("1000.00", "0.00")
    assert [(one["side"], one["status"], one["state"]) for one in filled["orders"]] == [("BUY", "FILLED", "FILLED")] * 3
    orders = [await world.get(f"/orders/{one['id']}") for one in filled["orders"]]
    assert sum(Decimal(one["cash_amount"]) for one in orders) == 1000
    assert {one["client_reference"] for one in orders} == {placed["id"]}
    for order in orders:
        [execution] = order["executions"]
        assert execution["cash_amount"] == order["cash_amount"]
        assert await world.get(f"/orders/{order['id']}/executions/{execution['id']}") == execution
    listed = await world.get(f"/accounts/{world.account_id}/orders", sort="id")
    assert sorted(listed["data"], key=lambda one: str(one["id"])) == sorted(orders, key=lambda one: str(one["id"]))
    assert (await world.get("/portfolios/orders"))["data"] == [filled]


async def test_a_sell_order_says_so_in_type_and_side(world: ClientWorld, desk: Desk) -> None:
    await world.deposit("1000.00")
    await desk.fill((await world.place())["id"])
    sold = await world.place(side="SELL", cash_amount="300.00")
    await desk.fill(sold["id"])

    filled = await world.get(f"/portfolios/orders/{sold['id']}")
    assert (filled["type"], filled["status"]) == ("SELL", "FILLED")
    assert {one["side"] for one in filled["orders"]} == {"SELL"}


async def test_too_little_cash_is_accepted_and_then_cancelled_with_the_numbers(world: ClientWorld, desk: Desk) -> None:
    await world.deposit("12.34")
    placed = await world.place()
    await desk.work_off()

    cancelled = await world.get(f"/portfolios/orders/{placed['id']}")
    assert (cancelled["status"], cancelled["cancellation_reason"]) == ("CANCELLED", "INSUFFICIENT_FUNDS")
    assert "1000.00 EUR" in cancelled["cancellation_details"]
    assert "12.34 EUR" in cancelled["cancellation_details"]


async def test_an_account_without_a_configuration_is_accepted_and_then_cancelled(
    world: ClientWorld, desk: Desk
) -> None:
    account = await world.created("/accounts", world.account_body())
    placed = await world.place(account_id=account["id"])
    await desk.work_off()

    cancelled = await world.get(f"/portfolios/orders/{placed['id']}")
    assert "allocation_id" not in placed
    assert cancelled["cancellation_reason"] == "CONFIGURATION_IS_MISSING"


async def test_the_events_are_served_as_they_were_frozen(world: ClientWorld, desk: Desk, connection: Any) -> None:
    await world.deposit("1000.00")
    placed = await world.place()
    assert (await world.get(f"/portfolios/orders/{placed['id']}/events"))["data"] == []
    await desk.fill(placed["id"])

    answer = await world.http.get(f"/portfolios/orders/{placed['id']}/events")

    rows = await connection.fetch("SELECT payload, payload_bytes FROM events ORDER BY position")
    frozen = [frame for row in rows for frame in frames_of(decompress(*row))]
    assert answer.content.endswith(b'"data":[' + b",".join(frozen) + b"]}")
    events = answer.json()["data"]
    assert [one["type"] for one in events][:2] == ["PORTFOLIO_ORDER.NEW", "ORDER.NEW"]
    assert events[-1]["type"] == "PORTFOLIO_ORDER.FILLED"
    assert [one["sequence"] for one in events if one["sequence"]] == list(range(1, 13))
    assert answer.json()["meta"]["total_count"] == len(events) == 15


async def test_events_come_in_pages_and_backwards(world: ClientWorld, desk: Desk) -> None:
    await world.deposit("1000.00")
    placed = await world.place()
    await desk.work_off()
    path = f"/portfolios/orders/{placed['id']}/events"
    everything = (await world.get(path))["data"]

    page = await world.get(path, offset=1, limit=2)
    assert (page["data"], page["meta"]["total_count"]) == (everything[1:3], 4)
    assert (await world.get(path, order="DESC"))["data"] == everything[::-1]


async def test_lists_are_filtered(world: ClientWorld, desk: Desk) -> None:
    second_account = (await world.created("/accounts", world.account_body()))["id"]
    await world.deposit("500.00")
    filled = await world.place(cash_amount="500.00", client_reference="first")
    await desk.fill(filled["id"])
    new = await world.place(account_id=second_account, side="SELL", client_reference="second")

    async def found(**parameters: Any) -> list[str]:
        return [one["id"] for one in (await world.get("/portfolios/orders", **parameters))["data"]]

    day = new["created_at"][:10]
    assert await found() == [filled["id"], new["id"]]
    assert await found(order="DESC", sort="id") == [new["id"], filled["id"]]
    assert await found(account_id=second_account) == [new["id"]]
    assert await found(allocation_id=world.allocation_id) == [filled["id"]]
    assert await found(status="FILLED") == [filled["id"]]
    assert await found(type="SELL") == [new["id"]]
    assert await found(client_reference="first") == [filled["id"]]
    assert await found(start_date=day, end_date=day) == [filled["id"], new["id"]]
    assert await found(start_date=new["created_at"], end_date=new["created_at"]) == [new["id"]]
    assert await found(end_date="2021-07-21") == []
    assert await found(start_date="2021-07-21T14:10:00+02:00", limit=1, offset=1) == [new["id"]]
    page = await world.get("/portfolios/orders", limit=1, offset=5)
    assert (page["meta"]["count"], page["meta"]["total_count"], page["data"]) == (0, 2, [])


async def test_another_client_sees_none_of_it(world: ClientWorld, other: ClientWorld, desk: Desk) -> None:
    await world.deposit("1000.00")
    placed = await world.place()
    await desk.fill(placed["id"])
    order = (await world.get(f"/orders/{(await desk.orders(placed['id']))[0]['id']}"))["id"]
    execution = (await world.get(f"/orders/{order}"))["executions"][0]["id"]

    async def status(path: str) -> int:
        return (await other.http.get(path)).status_code

    assert await status(f"/portfolios/orders/{placed['id']}") == 404
    assert await status(f"/portfolios/orders/{placed['id']}/events") == 404
    assert await status(f"/orders/{order}") == 404
    assert await status(f"/orders/{order}/executions/{execution}") == 404
    assert await status(f"/accounts/{world.account_id}/orders") == 404
    for parameters in ({}, {"account_id": world.account_id}, {"allocation_id": world.allocation_id}):
        found = await other.get("/portfolios/orders", **parameters)
        assert (found["data"], found["meta"]["total_count"]) == ([], 0)


async def test_an_execution_is_found_under_its_own_order_only(world: ClientWorld, desk: Desk) -> None:
    await world.deposit("1000.00")
    placed = await world.place()
    await desk.fill(placed["id"])
    first, second, _ = await desk.orders(placed["id"])
    [execution] = (await world.get(f"/orders/{first['id']}"))["executions"]

    answer: httpx.Response = await world.http.get(f"/orders/{second['id']}/executions/{execution['id']}")

    assert answer.status_code == 404
