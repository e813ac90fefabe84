"""Users over HTTP."""

from typing import Any

import pytest

from tests.database.http.onboarding import ONBOARDING, USER


async def created(api: Any, **fields: Any) -> Any:
    answer = await api.post("/users", USER | fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_onboarding_tells_is_given_back(api: Any) -> None:
    user = await created(api, **ONBOARDING)

    assert ONBOARDING.items() <= user.items()
    assert user["status"] == "ACTIVE"
    assert user["created_at"] == user["updated_at"]
    assert (await api.http.get(f"/users/{user['id']}")).json() == user


async def test_what_onboarding_leaves_out_is_not_made_up(api: Any) -> None:
    user = await created(api)

    assert user.keys() == USER.keys() | {"id", "created_at", "updated_at", "status"}


@pytest.mark.parametrize(
    ("field", "value", "at_fault"),
    [
        ("first_name", 1, "first_name"),
        ("first_name", "", "first_name"),
        ("first_name", "A\x00da", "first_name"),
        ("birth_date", "10.12.1985", "birth_date"),
        ("birth_date", "1985-02-30", "birth_date"),
        ("nationalities", [], "nationalities"),
        ("nationalities", ["DE", "Germany"], "nationalities[1]"),
        ("nationalities", ["DE\n"], "nationalities[0]"),
        ("address", {**USER["address"], "country": "de"}, "address.country"),
        ("address", {"address_line1": "x", "postcode": "1", "city": "y"}, "address.country"),
        ("email", "nobody", "email"),
        ("nickname", "Countess", "nickname"),
        ("fatca", {"status": "no", "confirmed_at": "2026-01-01T10:00:00Z"}, "fatca.status"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_stored(api: Any, field: str, value: Any, at_fault: str) -> None:
    refused = await api.post("/users", USER | {field: value})

    assert refused.status_code == 400
    assert refused.json()["type"] == "http://127.0.0.1:8080/errors/invalid_body"
    assert [one["field"] for one in refused.json()["errors"]] == [at_fault]
    assert (await api.http.get("/users")).json()["meta"]["total_count"] == 0


async def test_every_wrong_field_is_named_at_once(api: Any) -> None:
    body = {
        "first_name": 1,
        "birth_date": "x",
        "nickname": "y",
        "address": {"city": 2},
        "nationalities": ["D", "DE", 3],
    }
    refused = await api.post("/users", body)

    assert {one["field"] for one in refused.json()["errors"]} == {
        "nickname",
        "first_name",
        "last_name",
        "birth_date",
        "nationalities[0]",
        "nationalities[2]",
        "address.address_line1",
        "address.postcode",
        "address.city",
        "address.country",
    }


async def test_a_user_without_account_is_offboarded_at_once(api: Any) -> None:
    user = await created(api)

    deleted = await api.http.delete(f"/users/{user['id']}")

    assert deleted.status_code == 202
    assert deleted.json() == {"id": user["id"]}
    offboarded = (await api.http.get(f"/users/{user['id']}")).json()
    assert offboarded["status"] == "OFFBOARDED"
    assert offboarded["updated_at"] > user["updated_at"]
    assert (await api.http.delete(f"/users/{user['id']}")).status_code == 202


async def test_a_user_with_an_account_is_offboarding(api: Any) -> None:
    user = await created(api)
    group = (await api.post("/account_groups", {"user_id": user["id"], "type": "PERSONAL"})).json()
    account = {"user_id": user["id"], "account_group_id": group["id"], "type": "PORTFOLIO"}
    assert (await api.post("/accounts", account)).status_code == 200

    await api.http.delete(f"/users/{user['id']}")

    assert (await api.http.get(f"/users/{user['id']}")).json()["status"] == "OFFBOARDING"
    refused = await api.post("/account_groups", {"user_id": user["id"], "type": "PERSONAL"})
    assert refused.status_code == 409
    assert "OFFBOARDING" in refused.json()["detail"]


async def test_another_client_sees_nothing(api: Any) -> None:
    user = await created(api)
    other = await api.session()

    assert (await other.get(f"/users/{user['id']}")).status_code == 404
    assert (await other.delete(f"/users/{user['id']}")).status_code == 404
    assert (await other.get("/users")).json()["data"] == []
    assert (await other.get(f"/users/{user['id']}/account_groups")).status_code == 404
    assert (await api.http.get(f"/users/{user['id']}")).json()["status"] == "ACTIVE"
