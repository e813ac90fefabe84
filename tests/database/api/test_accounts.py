"""Accounts, deposits, cash, positions and valuations over HTTP."""

import asyncio
from decimal import Decimal
from typing import Any

from orderlane.domain.instruments import TradingStatus
from tests.database.api.worlds import ISINS, ClientWorld, Desk, instrument, load_instruments, problem
from tests.database.http.onboarding import USER

NOBODY = "00000000-0000-7000-8000-000000000000"
WRONG_ACCOUNTS: list[tuple[dict[str, Any], int, str]] = [
    ({"user_id": NOBODY}, 422, "user_id"),
    ({"account_group_id": NOBODY}, 422, "account_group_id"),
    ({"user_id": "Ada"}, 400, "user_id"),
    ({"type": "SAVINGS"}, 400, "type"),
    ({"distribution": "RANDOM"}, 400, "distribution"),
    ({"name": "x" * 101}, 400, "name"),
    ({"name": "zero \x00"}, 400, "name"),
    ({"colour": "red"}, 400, "colour"),
]
WRONG_DEPOSITS: list[tuple[dict[str, Any], int, str]] = [
    ({"amount": "1.005", "currency": "EUR"}, 422, "amount"),
    ({"amount": "0.00", "currency": "EUR"}, 422, "amount"),
    ({"amount": "-1", "currency": "EUR"}, 400, "amount"),
    ({"amount": "1e3", "currency": "EUR"}, 400, "amount"),
    ({"amount": 1000, "currency": "EUR"}, 400, "amount"),
    ({"amount": "9" * 19, "currency": "EUR"}, 400, "amount"),
    ({"amount": "1000000000000000.01", "currency": "EUR"}, 422, "amount"),
    ({"amount": "1", "currency": "USD"}, 422, "currency"),
    ({"amount": "1", "currency": "EURO"}, 400, "currency"),
    ({"amount": "1", "currency": "QQQ"}, 422, "currency"),
    ({"amount": "1"}, 400, "currency"),
]


async def test_an_account_is_active_in_the_installations_currency(world: ClientWorld) -> None:
    account = await world.created("/accounts", world.account_body(name="Savings", distribution="PRO_RATA"))

    assert account | {"id": "", "created_at": "", "updated_at": ""} == {
        "id": "",
        "created_at": "",
        "updated_at": "",
        "account_group_id": world.group_id,
        "name": "Savings",
        "type": "PORTFOLIO",
        "status": "ACTIVE",
        "account_number": 2,
        "users": [{"id": world.user_id, "type": "OWNER"}],
        "currency": "EUR",
        "distribution": "PRO_RATA",
    }
    assert await world.get(f"/accounts/{account['id']}") == account


async def test_accounts_of_a_group_are_numbered_in_turn_also_when_they_come_at_once(world: ClientWorld) -> None:
    made = await asyncio.gather(*(world.created("/accounts", world.account_body()) for _ in range(5)))
    group = await world.created("/account_groups", {"user_id": world.user_id, "type": "PERSONAL"})
    first_of_another = await world.created("/accounts", world.account_body(account_group_id=group["id"]))

    assert sorted(one["account_number"] for one in made) == [2, 3, 4, 5, 6]
    assert first_of_another["account_number"] == 1


async def test_a_wrong_field_is_named_and_nothing_is_stored(world: ClientWorld) -> None:
    for wrong, status, field in WRONG_ACCOUNTS:
        problem(await world.post("/accounts", world.account_body(**wrong)), status, field)

    assert (await world.get("/accounts"))["meta"]["total_count"] == 1


async def test_an_account_takes_its_own_clients_user_and_that_users_group(
    world: ClientWorld, other: ClientWorld
) -> None:
    second_user = (await world.created("/users", USER))["id"]

    problem(await world.post("/accounts", world.account_body(user_id=other.user_id)), 422, "user_id")
    problem(await world.post("/accounts", world.account_body(account_group_id=other.group_id)), 422, "account_group_id")
    problem(await world.post("/accounts", world.account_body(user_id=second_user)), 422, "account_group_id")


async def test_an_offboarded_user_gets_no_account(world: ClientWorld) -> None:
    assert (await world.http.delete(f"/users/{world.user_id}")).status_code == 202

    problem(await world.post("/accounts", world.account_body()), 409)
    problem(await world.post("/portfolios/orders", world.order_body()), 409)


async def test_accounts_are_listed_by_user_and_by_group(world: ClientWorld) -> None:
    second_user = (await world.created("/users", USER))["id"]
    group = (await world.created("/account_groups", {"user_id": second_user, "type": "PERSONAL"}))["id"]
    body = world.account_body(user_id=second_user, account_group_id=group)
    second = await world.created("/accounts", body)

    assert (await world.get("/accounts"))["data"] == [world.account, second]
    assert (await world.get("/accounts", user_id=second_user))["data"] == [second]
    assert (await world.get("/accounts", account_group_id=world.group_id))["data"] == [world.account]
    assert (await world.get(f"/users/{second_user}/accounts"))["data"] == [second]
    assert (await world.http.get(f"/users/{NOBODY}/accounts")).status_code == 404


async def test_a_deposit_is_booked_by_the_lane(world: ClientWorld, desk: Desk) -> None:
    answer = await world.post(f"/accounts/{world.account_id}/deposits", {"amount": "12.5", "currency": "EUR"})
    path = f"/account_groups/{world.group_id}/payments/cash_balance"
    before = await world.get(path)
    await desk.work_off()

    assert (answer.status_code, list(answer.json())) == (202, ["id"])
    assert before["balance"] == "0.00"
    assert await world.get(path) == {
        "account_group_id": world.group_id,
        "currency": "EUR",
        "balance": "12.50",
        "locked_for_trading": "0.00",
        "pending_settlement": "0.00",
        "available_for_withdrawal": "12.50",
        "available_for_trading": "12.50",
    }


async def test_a_wrong_deposit_is_refused(world: ClientWorld, desk: Desk) -> None:
    for body, status, field in WRONG_DEPOSITS:
        problem(await world.post(f"/accounts/{world.account_id}/deposits", body), status, field)

    assert await desk.work_off() == 0


async def test_a_deposit_past_the_largest_balance_is_refused_with_the_numbers(world: ClientWorld, desk: Desk) -> None:
    await world.deposit("1000000000000000.00")
    await desk.work_off()
    await desk.set_cash(world.account_id, "999000000000000000.01")

    answer = await world.post(
        f"/accounts/{world.account_id}/deposits", {"amount": "1000000000000000", "currency": "EUR"}
    )

    assert problem(answer, 409)["detail"] == (
        f"account {world.account_id} has 999000000000000000.01 EUR: with 1000000000000000 EUR more it would have "
        "1000000000000000000.01 EUR, and 1000000000000000000 EUR is the most"
    )
    await world.deposit("999999999999999.99")
    assert await desk.work_off() == 1
    balance = await world.get(f"/account_groups/{world.group_id}/payments/cash_balance")
    assert balance["balance"] == "1000000000000000000.00"


async def test_cash_is_summed_over_the_accounts_of_a_group(world: ClientWorld, desk: Desk) -> None:
    second = (await world.created("/accounts", world.account_body()))["id"]
    await world.deposit("1000.00")
    await world.deposit("0.05", second)
    await world.place(cash_amount="400.00")
    await desk.work_off()

    balance = await world.get(f"/account_groups/{world.group_id}/payments/cash_balance")
    assert (balance["balance"], balance["locked_for_trading"]) == ("1000.05", "400.00")
    assert (balance["available_for_trading"], balance["available_for_withdrawal"]) == ("600.05", "600.05")


async def test_what_a_sale_brought_can_be_traded_with_but_not_be_withdrawn(world: ClientWorld, desk: Desk) -> None:
    await world.deposit("1000.00")
    await desk.fill((await world.place())["id"])
    await desk.fill((await world.place(side="SELL", cash_amount="300.00"))["id"])

    balance = await world.get(f"/account_groups/{world.group_id}/payments/cash_balance")
    assert (balance["balance"], balance["pending_settlement"]) == ("300.00", "300.00")
    assert (balance["available_for_trading"], balance["available_for_withdrawal"]) == ("300.00", "0.00")


async def test_positions_show_what_was_bought(world: ClientWorld, desk: Desk) -> None:
    await world.deposit("1000.00")
    await desk.fill((await world.place())["id"])

    positions = await world.get(f"/accounts/{world.account_id}/positions")

    assert [(one["instrument"]["isin"], one["quantity"]) for one in positions["data"]] == [
        (ISINS[0], "10"),
        (ISINS[1], "6"),
        (ISINS[2], "4"),
    ]
    instrument_of_first = await world.get(f"/instruments/{ISINS[0]}")
    assert positions["data"][0] == {
        "account_id": world.account_id,
        "instrument": {"uuid": instrument_of_first["id"], "isin": ISINS[0]},
        "quantity": "10",
        "locked_for_trading": "0",
        "pending_settlement": "10",
        "available_for_trading": "10",
    }
    assert await world.get(f"/accounts/{world.account_id}/positions/{ISINS[0]}") == positions["data"][0]
    largest = await world.get(f"/accounts/{world.account_id}/positions", sort="quantity", order="ASC", limit=1)
    assert [one["quantity"] for one in largest["data"]] == ["4"]


async def test_positions_that_do_not_exist_are_not_found(world: ClientWorld, other: ClientWorld, desk: Desk) -> None:
    await world.deposit("1000.00")
    await desk.fill((await world.place())["id"])
    path = f"/accounts/{world.account_id}/positions"

    assert (await world.http.get(f"{path}/US0378331005")).status_code == 404
    assert (await world.http.get(f"{path}/nothing")).status_code == 400
    assert (await world.http.get(f"/accounts/{NOBODY}/positions")).status_code == 404
    for there in (path, f"{path}/{ISINS[0]}", f"/accounts/{world.account_id}/valuations/current"):
        assert (await other.http.get(there)).status_code == 404


async def test_a_valuation_is_exact(api: Any, world: ClientWorld, desk: Desk) -> None:
    await world.deposit("1000.00")
    await desk.fill((await world.place())["id"])
    await load_instruments(api, [instrument(ISINS[0], price=Decimal("33.3333"))])

    valuation = await world.get(f"/accounts/{world.account_id}/valuations/current", price_quality="EOD")

    assert valuation["total_security_value"] == {"amount": "833.333", "currency": "EUR"}
    first, second, third = valuation["security_positions"]
    assert (first["quantity"], first["value"]["amount"], first["weight"]) == ("10", "333.333", "0.39999976")
    assert [second["value"]["amount"], third["value"]["amount"]] == ["300", "200"]
    assert sum(Decimal(one["weight"]) for one in (first, second, third)) == 1
    assert valuation["account_id"] == world.account_id


async def test_a_position_without_a_price_in_the_accounts_currency_has_no_value(
    api: Any, world: ClientWorld, desk: Desk
) -> None:
    await world.deposit("1000.00")
    await desk.fill((await world.place())["id"])
    dollars = instrument(ISINS[0], currency="USD", trading_status=TradingStatus.INACTIVE)
    await load_instruments(api, [dollars])

    valuation = await world.get(f"/accounts/{world.account_id}/valuations/current")

    assert valuation["total_security_value"]["amount"] == "500"
    assert (valuation["security_positions"][0]["value"], valuation["security_positions"][0]["weight"]) == (None, None)


async def test_an_empty_account_is_worth_nothing(world: ClientWorld) -> None:
    valuation = await world.get(f"/accounts/{world.account_id}/valuations/current")

    assert (valuation["total_security_value"]["amount"], valuation["security_positions"]) == ("0", [])


async def test_another_client_sees_none_of_it(world: ClientWorld, other: ClientWorld) -> None:
    for path in (
        f"/accounts/{world.account_id}",
        f"/users/{world.user_id}/accounts",
        f"/account_groups/{world.group_id}/payments/cash_balance",
    ):
        assert (await other.http.get(path)).status_code == 404
    assert (await other.get("/accounts"))["data"] == [other.account]
    assert (await other.get("/accounts", user_id=world.user_id))["data"] == []
    deposit = {"amount": "1.00", "currency": "EUR"}
    problem(await other.post(f"/accounts/{world.account_id}/deposits", deposit), 404)
