"""Lists: the same parameters and the same shape on every one."""

from typing import Any

import pytest

from orderlane.api import lists
from orderlane.postgres.listing import ROWS_AT_ONCE
from tests.database.http.onboarding import USER


async def users(api: Any, count: int) -> list[str]:
    return [(await api.post("/users", USER)).json()["id"] for _ in range(count)]


async def test_a_page_says_what_part_it_is(api: Any) -> None:
    ids = await users(api, 5)

    page = (
        await api.http.get("/users", params={"offset": 1, "limit": 2, "sort": "created_at", "order": "DESC"})
    ).json()

    assert [one["id"] for one in page["data"]] == [ids[3], ids[2]]
    assert page["meta"] == {
        "offset": 1,
        "limit": 2,
        "count": 2,
        "total_count": 5,
        "sort": "created_at",
        "order": "DESC",
    }


async def test_the_defaults(api: Any) -> None:
    ids = await users(api, 2)

    page = (await api.http.get("/users")).json()

    assert [one["id"] for one in page["data"]] == ids
    assert page["meta"] | {"offset": 0, "limit": 100, "sort": "created_at", "order": "ASC"} == page["meta"]


async def test_a_page_behind_the_end_still_counts(api: Any) -> None:
    await users(api, 1)

    page = (await api.http.get("/users", params={"offset": 10})).json()

    assert page["data"] == []
    assert (page["meta"]["count"], page["meta"]["total_count"]) == (0, 1)


@pytest.mark.parametrize("sort", ["id", "created_at", "updated_at"])
async def test_every_offered_column_sorts_both_ways(api: Any, sort: str) -> None:
    await users(api, 3)

    forth, back = [
        (await api.http.get("/users", params={"sort": sort, "order": order})).json()["data"]
        for order in ("ASC", "DESC")
    ]

    assert forth == back[::-1]
    assert [one[sort] for one in forth] == sorted(one[sort] for one in forth)


@pytest.mark.parametrize(
    ("query", "at_fault"),
    [
        ("offset=-1", "offset"),
        ("offset=x", "offset"),
        ("offset=99999999999999999999", "offset"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=", "limit"),
        ("limit=1&limit=2", "limit"),
        ("sort=details", "sort"),
        ("sort=id;drop table users", "sort"),
        ("order=asc", "order"),
        ("status=ACTIVE", "status"),
    ],
)
async def test_a_wrong_parameter_is_named(api: Any, query: str, at_fault: str) -> None:
    refused = await api.http.get(f"/users?{query}")

    assert refused.status_code == 400
    assert refused.json()["type"] == "http://127.0.0.1:8080/errors/invalid_parameter"
    assert [one["field"] for one in refused.json()["errors"]] == [at_fault]


async def test_a_query_that_is_not_text_is_refused(api: Any) -> None:
    assert (await api.http.get("/users?limit=%ff")).status_code == 400


async def test_a_call_without_parameters_takes_none(api: Any) -> None:
    [user_id] = await users(api, 1)

    assert (await api.http.get(f"/users/{user_id}?verbose=true")).status_code == 400


async def test_an_answer_ends_when_its_entries_have_many_bytes(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = await users(api, 5)
    bytes_of_one = len((await api.http.get(f"/users/{ids[0]}")).content)
    monkeypatch.setattr(lists, "ENTRIES_BYTES_MAX", 2 * bytes_of_one + 10)

    page = (await api.http.get("/users", params={"limit": 4})).json()
    assert [one["id"] for one in page["data"]] == ids[:2]
    assert page["meta"] | {"limit": 4, "count": 2, "total_count": 5} == page["meta"]

    rest = (await api.http.get("/users", params={"offset": page["meta"]["count"]})).json()
    assert [one["id"] for one in rest["data"]] == ids[2:4]


async def test_an_answer_has_one_entry_at_least(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = await users(api, 2)
    monkeypatch.setattr(lists, "ENTRIES_BYTES_MAX", 1)

    page = (await api.http.get("/users")).json()

    assert [one["id"] for one in page["data"]] == ids[:1]


async def test_an_answer_of_many_pieces_is_whole(api: Any) -> None:
    ids = await users(api, ROWS_AT_ONCE + 3)

    page = (await api.http.get("/users", params={"limit": 1000})).json()

    assert [one["id"] for one in page["data"]] == ids
