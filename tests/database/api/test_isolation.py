"""No client reaches what belongs to another: every declared operation that names something, tried by a stranger.

The table of operations drives the test: a new route is tried without anybody having to think of it.
"""

from typing import Any
from uuid import UUID

import pytest

from orderlane.api.operations import Access, Operation
from orderlane.api.routes import OPERATIONS
from tests.database.api.worlds import ISINS, ClientWorld, Desk, entries, problem

PUBLIC = {"instrument_id", "isin"}
"""Parameters that name nothing of any client's own."""

NAMING = [
    one for one in OPERATIONS if one.access is Access.TOKEN and one.parameters and not set(one.parameters) <= PUBLIC
]
LISTS = [one for one in OPERATIONS if one.method == "GET" and one.access is Access.TOKEN and not one.parameters]
OF_NOBODY = {"list_instruments", "get_verify_keys"}


class Belongings:
    """What a client has, by the names of the parameters that name it, and bodies for the calls that need one."""

    def __init__(self, world: ClientWorld, placed: Any, orders: list[Any], webhook_id: str) -> None:
        self.world = world
        self.ids: dict[str, str] = {
            "user_id": world.user_id,
            "account_group_id": world.group_id,
            "account_id": world.account_id,
            "allocation_id": world.allocation_id,
            "portfolio_order_id": placed["id"],
            "order_id": orders[0]["id"],
            "execution_id": orders[0]["executions"][0]["id"],
            "webhook_id": webhook_id,
            "isin": ISINS[0],
        }

    def path(self, one: Operation) -> str:
        return one.path.format(**{name: self.ids[name] for name in one.parameters})

    async def snapshot(self) -> dict[str, Any]:
        """Everything that can be got of it."""
        got = [one for one in NAMING if one.method == "GET" and not one.path.endswith("/test")]
        answers = {one.id: (await self.world.http.get(self.path(one))).json() for one in got}
        valued = answers["get_valuation"]
        for name in ("id", "created_at", "updated_at", "valuation_time"):
            valued[name] = ""
        return answers


def body_of(one: Operation, stranger: ClientWorld) -> Any:
    """A body that would be right, were the thing the stranger's own."""
    return {
        "create_deposit": {"amount": "1.00", "currency": "EUR"},
        "replace_allocation": {"name": "taken over", "allocation": entries()},
        "change_configuration": {"allocation_id": stranger.allocation_id},
        "change_webhook": {"title": "taken over"},
    }[one.id]


@pytest.fixture
async def belongings(world: ClientWorld, desk: Desk) -> Belongings:
    await world.deposit("1000.00")
    placed = await world.place()
    await desk.fill(placed["id"])
    listed = (await world.get(f"/accounts/{world.account_id}/orders"))["data"]
    webhook = {"title": "mine", "url": "https://hooks.example.com/mine", "enabled": False}
    created = await world.http.post("/webhooks", json=webhook)
    assert created.status_code == 201, created.text
    return Belongings(world, placed, listed, created.json()["id"])


async def test_whatever_is_named_is_not_there_for_a_stranger(belongings: Belongings, other: ClientWorld) -> None:
    before = await belongings.snapshot()
    for one in NAMING:
        key = {"idempotency-key": str(other.api.new_id())}
        body = {"json": body_of(one, other)} if one.body else {}
        answer = await other.http.request(one.method, belongings.path(one), headers=key, **body)

        document = problem(answer, 404)
        assert document["type"] == "http://127.0.0.1:8080/errors/not_found", one.id
    assert await belongings.snapshot() == before


async def test_the_owner_reaches_all_of_it(belongings: Belongings) -> None:
    """Proof that the test above names what is there."""
    for name, answer in (await belongings.snapshot()).items():
        assert "status" not in answer or answer["status"] not in (400, 404), (name, answer)
        assert "data" not in answer or answer["data"] or name == "list_webhook_deliveries", name


async def test_lists_show_nothing_of_a_stranger(belongings: Belongings, other: ClientWorld) -> None:
    foreign = {value for name, value in belongings.ids.items() if name not in PUBLIC}
    own_id = str(UUID(other.user_id))
    for one in LISTS:
        if one.id in OF_NOBODY:
            continue
        answer = await other.http.get(one.path)
        assert answer.status_code == 200, answer.text
        assert not [value for value in foreign if value in answer.text], one.id
        for name in ("user_id", "account_id", "allocation_id", "account_group_id"):
            filtered = await other.http.get(one.path, params={name: belongings.ids[name]})
            if filtered.status_code == 200:
                assert filtered.json()["data"] == [], (one.id, name)
                assert filtered.json()["meta"]["total_count"] == 0
    assert own_id in (await other.http.get("/users")).text


BODIES: list[tuple[str, dict[str, Any], dict[str, str], tuple[str, ...]]] = [
    ("/account_groups", {"type": "PERSONAL"}, {"user_id": "user_id"}, ("user_id",)),
    ("/accounts", {"type": "PORTFOLIO", "account_group_id": None}, {"user_id": "user_id"}, ("user_id",)),
    (
        "/accounts",
        {"type": "PORTFOLIO", "user_id": None},
        {"account_group_id": "account_group_id"},
        ("account_group_id",),
    ),
    (
        "/accounts",
        {"type": "PORTFOLIO"},
        {"user_id": "user_id", "account_group_id": "account_group_id"},
        ("user_id",),
    ),
    ("/portfolios/configurations", {"allocation_id": None}, {"account_id": "account_id"}, ("account_id",)),
    ("/portfolios/configurations", {"account_id": None}, {"allocation_id": "allocation_id"}, ("allocation_id",)),
    ("/portfolios/orders", {"user_id": None}, {"account_id": "account_id"}, ("account_id",)),
    ("/portfolios/orders", {"account_id": None}, {"user_id": "user_id"}, ("user_id",)),
    ("/portfolios/orders", {}, {"user_id": "user_id", "account_id": "account_id"}, ("user_id", "account_id")),
]
"""Path, what is the caller's own (None: its id), what is the other client's, and all fields that are named."""


async def test_what_is_of_a_stranger_can_not_be_used_in_a_body(belongings: Belongings, other: ClientWorld) -> None:
    its_own = {
        "user_id": other.user_id,
        "account_id": other.account_id,
        "account_group_id": other.group_id,
        "allocation_id": other.allocation_id,
    }
    before = await belongings.snapshot()
    answer = await other.http.delete(f"/portfolios/configurations/{other.account_id}")
    assert answer.status_code == 204
    for path, own, stolen, named in BODIES:
        body = {name: its_own[name] if value is None else value for name, value in own.items()}
        body |= {name: belongings.ids[which] for name, which in stolen.items()}
        if path == "/portfolios/orders":
            body |= {"cash_amount": "1.00", "currency": "EUR", "side": "BUY"}

        document = problem(await other.post(path, body), 422)
        assert tuple(wrong["field"] for wrong in document["errors"]) == named
    assert await belongings.snapshot() == before


async def test_an_allocation_of_a_stranger_can_not_be_followed(belongings: Belongings, other: ClientWorld) -> None:
    answer = await other.http.patch(
        f"/portfolios/configurations/{other.account_id}",
        json={"allocation_id": belongings.ids["allocation_id"]},
        headers={"idempotency-key": str(other.api.new_id())},
    )

    problem(answer, 422, "allocation_id")


async def test_an_idempotency_key_of_a_stranger_is_free(belongings: Belongings, other: ClientWorld) -> None:
    """Nobody gets another client's answer, nor learns that a key is taken."""
    key, body = other.api.new_id(), {"name": "same", "allocation": entries()}
    mine = await belongings.world.post("/portfolios/allocations", body, key)
    its = await other.post("/portfolios/allocations", body, key)

    assert (mine.status_code, its.status_code) == (200, 200)
    assert mine.json()["id"] != its.json()["id"]
    assert "idempotent-replayed" not in its.headers

    placed = await belongings.world.post("/portfolios/orders", belongings.world.order_body(cash_amount="1.00"), key)
    assert placed.json()["type"] == "http://127.0.0.1:8080/errors/idempotency_key_reused"
    key = other.api.new_id()
    answers = [
        await one.post("/portfolios/orders", one.order_body(cash_amount="1.00"), key)
        for one in (belongings.world, other)
    ]
    assert [one.status_code for one in answers] == [202, 202]
    assert answers[0].json()["account_id"] == belongings.world.account_id
    assert answers[1].json()["account_id"] == other.account_id
