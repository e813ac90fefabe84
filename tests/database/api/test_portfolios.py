"""Allocations and portfolio configurations over HTTP."""

from typing import Any

from tests.database.api.worlds import INACTIVE_ISIN, ISINS, ClientWorld, entries, instrument, load_instruments, problem

NOBODY = "00000000-0000-7000-8000-000000000000"
ALLOCATIONS = "/portfolios/allocations"
CONFIGURATIONS = "/portfolios/configurations"
WRONG_ALLOCATIONS: list[tuple[list[Any], int, str]] = [
    (entries(("0.5", "0.3", "0.1")), 422, "allocation"),
    (entries(("0.5", "0.3", "0.2000000001")), 422, "allocation"),
    (entries(("0.5", "0.5", "0")), 422, "allocation[2].weight"),
    (entries(("0.5", "0.3", "-0.2")), 400, "allocation[2].weight"),
    (entries(("0.5", "0.3", "x")), 400, "allocation[2].weight"),
    (entries(("0.5", "0.3", "0.2"), (ISINS[0], ISINS[1], ISINS[1])), 422, "allocation[2].weight"),
    (entries(("0.5", "0.5"), (ISINS[0], INACTIVE_ISIN)), 422, "allocation[1].instrument_id"),
    (entries(("0.5", "0.5"), (ISINS[0], "US0378331005")), 422, "allocation[1].instrument_id"),
    (entries(("0.5", "0.5"), (ISINS[0], "short")), 400, "allocation[1].instrument_id"),
    ([], 400, "allocation"),
    ([{"instrument_id": ISINS[0]}], 400, "allocation[0].weight"),
    ([{**entries(("1",), ISINS[:1])[0], "note": "?"}], 400, "allocation[0].note"),
    ([{**entries(("1",), ISINS[:1])[0], "instrument_id_type": "WKN"}], 400, "allocation[0].instrument_id_type"),
]


async def test_an_allocation_is_given_back_in_its_order(world: ClientWorld) -> None:
    body = {"name": "Reversed", "allocation": entries(("20", "30", "50"), ISINS[::-1])}
    answer = await world.post(ALLOCATIONS, body)

    assert answer.status_code == 200
    made = answer.json()
    assert made["allocation"] == [
        {"instrument_id": isin, "instrument_id_type": "ISIN", "weight": weight}
        for isin, weight in zip(ISINS[::-1], ("20", "30", "50"), strict=True)
    ]
    assert await world.get(f"{ALLOCATIONS}/{made['id']}") == made
    assert (await world.get(ALLOCATIONS))["data"] == [world.allocation, made]


async def test_instruments_may_be_named_by_id(world: ClientWorld) -> None:
    instrument_id = (await world.get(f"/instruments/{ISINS[0]}"))["id"]
    entry = {"instrument_id": instrument_id, "instrument_id_type": "UPVEST", "weight": "1"}

    made = await world.created(ALLOCATIONS, {"allocation": [entry]})

    assert made["name"] == ""
    assert made["allocation"] == [{"instrument_id": ISINS[0], "instrument_id_type": "ISIN", "weight": "1"}]


async def test_a_wrong_allocation_names_the_entry_and_changes_nothing(world: ClientWorld) -> None:
    for allocation, status, field in WRONG_ALLOCATIONS:
        body = {"name": "Wrong", "allocation": allocation}
        problem(await world.post(ALLOCATIONS, body), status, field)
        problem(await world.http.put(f"{ALLOCATIONS}/{world.allocation_id}", json=body), status, field)

    assert (await world.get(ALLOCATIONS))["data"] == [world.allocation]


async def test_all_that_is_wrong_with_an_allocation_is_told_together(world: ClientWorld) -> None:
    allocation = entries(("0.5", "0.4"), (ISINS[0], "US0378331005"))

    refused = await world.post(ALLOCATIONS, {"allocation": allocation})

    document = problem(refused, 422)
    assert document["detail"] == "2 fields are wrong: allocation[1].instrument_id, allocation"
    assert [wrong["message"] for wrong in document["errors"]] == [
        "there is no instrument US0378331005",
        "weights must sum to exactly 1 or exactly 100, not 0.9",
    ]


async def test_an_instrument_named_by_isin_and_by_id_stands_twice(world: ClientWorld) -> None:
    instrument_id = (await world.get(f"/instruments/{ISINS[0]}"))["id"]
    by_id = {"instrument_id": instrument_id, "instrument_id_type": "UPVEST", "weight": "0.5"}
    allocation = [*entries(("0.5",), ISINS[:1]), by_id]

    problem(await world.post(ALLOCATIONS, {"allocation": allocation}), 422, "allocation[1].weight")


async def test_an_instrument_in_a_foreign_currency_is_refused(api: Any, world: ClientWorld) -> None:
    await load_instruments(api, [instrument("US0378331005", currency="USD")])
    allocation = entries(("0.5", "0.5"), (ISINS[0], "US0378331005"))

    problem(await world.post(ALLOCATIONS, {"allocation": allocation}), 422, "allocation[1].instrument_id")


async def test_an_allocation_is_replaced(world: ClientWorld) -> None:
    path = f"{ALLOCATIONS}/{world.allocation_id}"
    answer = await world.http.put(path, json={"name": "New", "allocation": entries(("1",), ISINS[2:])})

    assert answer.status_code == 200
    replaced = answer.json()
    assert (replaced["name"], [one["weight"] for one in replaced["allocation"]]) == ("New", ["1"])
    assert replaced["created_at"] == world.allocation["created_at"]
    assert await world.get(path) == replaced
    problem(await world.http.put(f"{ALLOCATIONS}/{NOBODY}", json={"allocation": entries()}), 404)


async def test_allocations_are_listed_by_time_and_instruments(world: ClientWorld) -> None:
    single = await world.created(ALLOCATIONS, {"allocation": entries(("1",), ISINS[:1])})
    first_id = (await world.get(f"/instruments/{ISINS[0]}"))["id"]

    async def found(**parameters: Any) -> list[str]:
        return [one["id"] for one in (await world.get(ALLOCATIONS, **parameters))["data"]]

    assert await found(instrument_ids=ISINS[0]) == [world.allocation_id, single["id"]]
    assert await found(instrument_ids=first_id) == [world.allocation_id, single["id"]]
    assert await found(instrument_ids=f"{ISINS[0]},{ISINS[1]}") == [world.allocation_id]
    assert await found(start_date=single["created_at"]) == [single["id"]]
    assert await found(end_date="2021-07-21") == []
    problem(await world.http.get(ALLOCATIONS, params={"start_date": "2021-02-30"}), 400, "start_date")
    problem(await world.http.get(ALLOCATIONS, params={"end_date": "yesterday"}), 400, "end_date")
    problem(await world.http.get(ALLOCATIONS, params={"end_date": "9999-12-31"}), 400, "end_date")


async def test_a_configuration_from_beginning_to_end(world: ClientWorld) -> None:
    path = f"{CONFIGURATIONS}/{world.account_id}"
    second = (await world.created(ALLOCATIONS, {"allocation": entries(("1",), ISINS[:1])}))["id"]

    assert await world.get(path) == world.configuration
    assert (await world.get(f"{ALLOCATIONS}/{world.allocation_id}/accounts"))["data"] == [world.account]
    key = {"idempotency-key": world.api.new_id()}
    changed = await world.http.patch(path, json={"allocation_id": second}, headers=key)
    assert changed.status_code == 200
    assert changed.json()["allocation_id"] == second
    assert (await world.get(CONFIGURATIONS))["data"] == [changed.json()]
    assert (await world.get(CONFIGURATIONS, allocation_id=world.allocation_id))["data"] == []
    assert (await world.get(f"{ALLOCATIONS}/{world.allocation_id}/accounts"))["data"] == []
    assert (await world.http.delete(path)).status_code == 204
    for method in ("GET", "DELETE"):
        problem(await world.http.request(method, path), 404)


async def test_wrong_configurations_are_refused(world: ClientWorld) -> None:
    trading = (await world.created("/accounts", world.account_body(type="TRADING")))["id"]
    path = f"{CONFIGURATIONS}/{world.account_id}"

    def body(account_id: str, allocation_id: str) -> dict[str, str]:
        return {"account_id": account_id, "allocation_id": allocation_id}

    problem(await world.post(CONFIGURATIONS, body(world.account_id, world.allocation_id)), 409)
    problem(await world.post(CONFIGURATIONS, body(NOBODY, world.allocation_id)), 422, "account_id")
    problem(await world.post(CONFIGURATIONS, body(trading, world.allocation_id)), 422, "account_id")
    problem(await world.post(CONFIGURATIONS, body(world.account_id, NOBODY)), 422, "allocation_id")
    problem(await world.http.patch(path, json={"allocation_id": world.allocation_id}), 400)
    key = {"idempotency-key": world.api.new_id()}
    problem(await world.http.patch(path, json={"allocation_id": NOBODY}, headers=key), 422, "allocation_id")
    unknown = f"{CONFIGURATIONS}/{NOBODY}"
    problem(await world.http.patch(unknown, json={"allocation_id": world.allocation_id}, headers=key), 404)
    assert (await world.get(CONFIGURATIONS))["data"] == [world.configuration]


async def test_another_client_sees_and_uses_none_of_it(world: ClientWorld, other: ClientWorld) -> None:
    for path in (
        f"{ALLOCATIONS}/{world.allocation_id}",
        f"{ALLOCATIONS}/{world.allocation_id}/accounts",
        f"{CONFIGURATIONS}/{world.account_id}",
    ):
        assert (await other.http.get(path)).status_code == 404
    assert (await other.get(ALLOCATIONS))["data"] == [other.allocation]
    assert (await other.get(CONFIGURATIONS))["data"] == [other.configuration]
    assert (await other.get(CONFIGURATIONS, allocation_id=world.allocation_id))["data"] == []
    problem(await other.http.put(f"{ALLOCATIONS}/{world.allocation_id}", json={"allocation": entries()}), 404)
    problem(await other.http.delete(f"{CONFIGURATIONS}/{world.account_id}"), 404)
    account = (await other.created("/accounts", other.account_body()))["id"]
    body = {"account_id": account, "allocation_id": world.allocation_id}
    problem(await other.post(CONFIGURATIONS, body), 422, "allocation_id")
    body = {"account_id": world.account_id, "allocation_id": other.allocation_id}
    problem(await other.post(CONFIGURATIONS, body), 422, "account_id")
    key = {"idempotency-key": world.api.new_id()}
    path = f"{CONFIGURATIONS}/{other.account_id}"
    answer = await other.http.patch(path, json={"allocation_id": world.allocation_id}, headers=key)
    problem(answer, 422, "allocation_id")
