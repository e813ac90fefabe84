"""What the settings of a client change: the status of accepted portfolio orders, and the words of reasons."""

import asyncio
from typing import Any

import asyncpg
import pytest

from orderlane.api.auth.directory import AGE_SECONDS_MAX
from orderlane.domain.ids import OrderId
from orderlane.domain.lane.reporting import OrderEnded, ReceiveVenueReports
from tests.database.api.worlds import ClientWorld, Desk
from tests.database.lanes.conftest import accepted, executed


@pytest.fixture
async def official(api: Any, world: ClientWorld) -> ClientWorld:
    """A client that is told official reasons and 200, beside one that is not."""
    credentials = await api.new_client(official_reasons=True, accepted_status=200)
    official = ClientWorld(api, await api.session(credentials))
    official.client_id = credentials.client_id
    await official.build()
    return official


async def answers_of(world: ClientWorld, parent_id: str) -> list[dict[str, Any]]:
    """A portfolio order as each way of reading it shows it: alone, in the list, and by its last event."""
    one = await world.get(f"/portfolios/orders/{parent_id}")
    [listed] = [each for each in (await world.get("/portfolios/orders"))["data"] if each["id"] == parent_id]
    events = (await world.get(f"/portfolios/orders/{parent_id}/events"))["data"]
    last = [event["object"] for event in events if event["type"].startswith("PORTFOLIO_ORDER.")][-1]
    return [one, listed, last]


async def cancelled_one_by_one(world: ClientWorld, desk: Desk) -> dict[str, str]:
    """Portfolio orders, each cancelled for another reason, by their true reason."""
    empty = await world.place(side="SELL")
    poor = await world.place()
    bare = await world.place(account_id=(await world.created("/accounts", world.account_body()))["id"])
    await world.deposit("3000.00")
    small = await world.place(cash_amount="0.01")
    refused, partly = await world.place(), await world.place()
    await desk.work_off()
    legs = await desk.orders(refused["id"])
    ended = tuple(OrderEnded(OrderId(str(leg["id"])), "the venue says no") for leg in legs)
    await desk.report(legs[0], ReceiveVenueReports(ended))
    first, *others = await desk.orders(partly["id"])
    ended = tuple(OrderEnded(OrderId(str(leg["id"])), "the venue says no") for leg in others)
    await desk.report(first, ReceiveVenueReports((accepted(first), executed(first), *ended)))
    everything = await world.place(side="SELL", cash_amount="499.00")
    await desk.work_off()
    return {
        "ACCOUNT_IS_EMPTY": empty["id"],
        "INSUFFICIENT_FUNDS": poor["id"],
        "CONFIGURATION_IS_MISSING": bare["id"],
        "AMOUNT_TOO_SMALL": small["id"],
        "NOT_EXECUTED": refused["id"],
        "PARTIALLY_EXECUTED": partly["id"],
        "SELL_LIMIT_EXCEEDED": everything["id"],
    }


async def test_reasons_are_told_in_the_public_words_by_events_and_answers_alike(
    official: ClientWorld, world: ClientWorld, desk: Desk, connection: asyncpg.Connection
) -> None:
    public = {"ACCOUNT_IS_EMPTY": "ACCOUNT_IS_EMPTY", "SELL_LIMIT_EXCEEDED": "SELL_LIMIT_EXCEEDED"}
    found = await cancelled_one_by_one(official, desk)
    own = await cancelled_one_by_one(world, desk)

    for reason, parent_id in found.items():
        one, listed, last = await answers_of(official, parent_id)
        assert one == listed == last
        assert one["cancellation_reason"] == public.get(reason, "CANCELLED_BY_UPVEST")
        stored = await connection.fetchrow("SELECT * FROM parent_orders WHERE id = $1", parent_id)
        assert (stored["cancellation_reason"], one["cancellation_details"]) == (reason, stored["cancellation_details"])
        assert any(character.isalpha() for character in one["cancellation_details"])
    for reason, parent_id in own.items():
        one, listed, last = await answers_of(world, parent_id)
        assert one == listed == last
        assert one["cancellation_reason"] == reason


async def test_the_choice_is_known_from_memory_too(official: ClientWorld, desk: Desk) -> None:
    """The account stays in the worker's memory while the venue works on it: it is not read again."""
    await official.deposit("1000.00")
    placed = await official.place()
    await desk.work_off()
    first, *others = await desk.orders(placed["id"])
    await desk.report(first, ReceiveVenueReports((accepted(first),)))
    for leg in (first, *others):
        await desk.report(leg, ReceiveVenueReports((OrderEnded(OrderId(str(leg["id"])), "the venue says no"),)))

    one, listed, last = await answers_of(official, placed["id"])

    assert one == listed == last
    assert one["cancellation_reason"] == "CANCELLED_BY_UPVEST"
    assert "the venue says no" in one["cancellation_details"]


async def test_the_choice_of_reasons_is_fixed(official: ClientWorld, connection: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.RaiseError, match="official_reasons is fixed"):
        await connection.execute("UPDATE clients SET official_reasons = NOT official_reasons")


async def test_an_order_is_accepted_with_the_clients_status(official: ClientWorld, world: ClientWorld) -> None:
    key = world.api.new_id()

    first = await official.post("/portfolios/orders", official.order_body(), key)
    again = await official.post("/portfolios/orders", official.order_body(), key)
    other = await world.post("/portfolios/orders", world.order_body())

    assert (first.status_code, again.status_code, other.status_code) == (200, 200, 202)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert first.json()["status"] == "NEW"


@pytest.mark.parametrize(("before", "after"), [(202, 200), (200, 202)])
async def test_a_changed_status_counts_within_seconds_and_for_replays(
    api: Any, world: ClientWorld, before: int, after: int
) -> None:
    credentials = await api.new_client(accepted_status=before)
    client = ClientWorld(api, await api.session(credentials))
    await client.build()
    key = api.new_id()
    first = await client.post("/portfolios/orders", client.order_body(), key)
    async with api.services.store.transaction() as store:
        await store.clients.change_accepted_status(credentials.client_id, after)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + AGE_SECONDS_MAX + 1

    again = await client.post("/portfolios/orders", client.order_body(), key)
    while again.status_code == before and loop.time() < deadline:
        again = await client.post("/portfolios/orders", client.order_body(), key)

    assert (first.status_code, again.status_code) == (before, after)
    assert again.content == first.content
    assert (await client.post("/portfolios/orders", client.order_body())).status_code == after
