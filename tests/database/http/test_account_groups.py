"""Account groups over HTTP."""

import re
from typing import Any

from orderlane.postgres.users import NUMBERS_TAKEN
from tests.database.http.onboarding import USER


async def user_of(api: Any) -> str:
    user_id: str = (await api.post("/users", USER)).json()["id"]
    return user_id


async def test_a_group_belongs_to_its_user(api: Any) -> None:
    user_id = await user_of(api)

    created = await api.post("/account_groups", {"user_id": user_id, "type": "PERSONAL"})

    group = created.json()
    assert created.status_code == 200
    assert group["users"] == [{"id": user_id, "type": "OWNER"}]
    assert group["status"] == "ACTIVE"
    assert re.fullmatch("[1-9][0-9]{8}", group["securities_account_number"])
    assert (await api.http.get(f"/account_groups/{group['id']}")).json() == group
    assert (await api.http.get("/account_groups")).json()["data"] == [group]
    assert (await api.http.get(f"/users/{user_id}/account_groups")).json()["data"] == [group]
    assert (await api.http.get(f"/users/{await user_of(api)}/account_groups")).json()["data"] == []


async def test_securities_account_numbers_have_nine_digits_and_end(api: Any, connection: Any) -> None:
    body = {"user_id": await user_of(api), "type": "PERSONAL"}
    restart = "ALTER TABLE account_groups ALTER COLUMN securities_account_number RESTART WITH {}"
    await connection.execute(restart.format(999_999_998))
    try:
        answers = [await api.post("/account_groups", body) for _ in range(3)]
    finally:
        await connection.execute(restart.format(500_000_000))

    numbers = [answer.json().get("securities_account_number") for answer in answers]
    assert numbers == ["999999998", "999999999", None]
    assert (answers[2].status_code, answers[2].json()["detail"]) == (409, NUMBERS_TAKEN)
    assert (await api.http.get("/account_groups")).json()["meta"]["total_count"] == 2


async def test_the_user_must_be_the_clients_own(api: Any) -> None:
    other = await api.session()
    user_id = await user_of(api)
    body = {"user_id": user_id, "type": "PERSONAL"}

    refused = await other.post("/account_groups", json=body, headers={"idempotency-key": api.new_id()})

    assert refused.status_code == 422
    assert [one["field"] for one in refused.json()["errors"]] == ["user_id"]


async def test_an_offboarded_user_gets_no_group(api: Any) -> None:
    user_id = await user_of(api)
    await api.http.delete(f"/users/{user_id}")

    refused = await api.post("/account_groups", {"user_id": user_id, "type": "PERSONAL"})

    assert refused.status_code == 409
    assert (await api.http.get("/account_groups")).json()["meta"]["total_count"] == 0


async def test_another_client_sees_nothing(api: Any) -> None:
    group = (await api.post("/account_groups", {"user_id": await user_of(api), "type": "PERSONAL"})).json()
    other = await api.session()

    assert (await other.get(f"/account_groups/{group['id']}")).status_code == 404
    assert (await other.get("/account_groups")).json()["data"] == []
