"""Something changes between the answer to POST /portfolios/orders and the lane's decision: which of both counts.

The order's own terms are those of the acceptance, its allocation among them; everything else is as of the decision.
"""

from typing import Any

import asyncpg
import pytest

from orderlane.domain.instruments import TradingStatus
from orderlane.postgres.segments import decompress
from orderlane.resources.events import frames_of
from tests.database.api.worlds import ISINS, ClientWorld, Desk, entries, instrument, load_instruments, problem

PATH = "/portfolios/orders"


class Story:
    """A portfolio order of 1,000.00 EUR that is accepted and not decided yet."""

    def __init__(self, world: ClientWorld, desk: Desk, connection: asyncpg.Connection) -> None:
        self.world, self.desk, self.connection = world, desk, connection

    async def begin(self, **fields: Any) -> None:
        self.answer = await self.world.place(**fields)
        self.id = self.answer["id"]

    async def decide(self) -> dict[str, Any]:
        """The portfolio order once its lane has worked, which says the same of itself wherever it is shown."""
        await self.desk.work_off()
        shown: dict[str, Any] = await self.world.get(f"{PATH}/{self.id}")
        events = (await self.world.get(f"{PATH}/{self.id}/events"))["data"]
        told = [event["object"] for event in events if event["type"].startswith("PORTFOLIO_ORDER.")]
        assert {one.get("allocation_id") for one in (*told, shown)} == {self.answer.get("allocation_id")}
        assert await self.connection.fetchval("SELECT count(*) FROM quarantine") == 0
        return shown

    async def legs(self) -> dict[str, str]:
        """What each instrument got, by ISIN."""
        return {order["isin"]: f"{order['cash_amount']:.2f}" for order in await self.desk.orders(self.id)}

    async def cancelled(self, reason: str, details: str) -> None:
        """See that the order is cancelled, and that nothing was reserved or sent for it."""
        shown = await self.decide()
        assert (shown["status"], shown["cancellation_reason"]) == ("CANCELLED", reason)
        assert shown["cancellation_details"] == details
        assert shown["orders"] == []
        rows = await self.connection.fetch("SELECT payload, payload_bytes FROM events ORDER BY lane, position")
        assert any(b'"PORTFOLIO_ORDER.CANCELLED"' in frame for row in rows for frame in frames_of(decompress(*row)))
        assert await self.connection.fetchval("SELECT count(*) FROM venue_outbox") == 0
        assert not await self.connection.fetchval("SELECT max(locked) FROM holdings")

    async def change_instrument(self, **fields: Any) -> None:
        await load_instruments(self.world.api, [instrument(ISINS[0], **fields)])


AS_CONFIGURED = {ISINS[0]: "500.00", ISINS[1]: "300.00", ISINS[2]: "200.00"}


@pytest.fixture
async def story(world: ClientWorld, desk: Desk, connection: asyncpg.Connection) -> Story:
    await world.deposit("1000.00")
    await desk.work_off()
    return Story(world, desk, connection)


async def second_allocation(world: ClientWorld) -> str:
    body = {"name": "Second", "allocation": entries(["1"], [ISINS[1]])}
    allocation_id: str = (await world.created("/portfolios/allocations", body))["id"]
    return allocation_id


# Fixed at acceptance: what the order says of itself


async def test_a_configuration_that_is_removed_does_not_touch_an_accepted_order(story: Story) -> None:
    await story.begin()
    assert (await story.world.http.delete(f"/portfolios/configurations/{story.world.account_id}")).status_code == 204

    assert (await story.decide())["status"] == "NEW"
    assert await story.legs() == AS_CONFIGURED


async def test_a_configuration_that_is_changed_counts_from_the_next_order(story: Story) -> None:
    world, second = story.world, await second_allocation(story.world)
    await story.begin(cash_amount="500.00")
    path = f"/portfolios/configurations/{world.account_id}"
    headers = {"idempotency-key": world.api.new_id()}
    assert (await world.http.patch(path, json={"allocation_id": second}, headers=headers)).status_code == 200

    await story.decide()
    assert story.answer["allocation_id"] == world.allocation_id
    assert await story.legs() == {ISINS[0]: "250.00", ISINS[1]: "150.00", ISINS[2]: "100.00"}

    await story.begin(cash_amount="500.00")
    await story.decide()
    assert story.answer["allocation_id"] == second
    assert await story.legs() == {ISINS[1]: "500.00"}


async def test_a_configuration_that_comes_after_the_order_comes_too_late(story: Story) -> None:
    world = story.world
    await world.http.delete(f"/portfolios/configurations/{world.account_id}")
    await story.begin()
    configuration = {"account_id": world.account_id, "allocation_id": world.allocation_id}
    await world.created("/portfolios/configurations", configuration)

    await story.cancelled(
        "CONFIGURATION_IS_MISSING", "the account had no portfolio configuration when the portfolio order was accepted"
    )


# As of the decision: everything else


async def test_a_user_who_leaves_before_the_decision_buys_nothing(story: Story) -> None:
    await story.begin()
    assert (await story.world.http.delete(f"/users/{story.world.user_id}")).status_code == 202

    await story.cancelled("ACCOUNT_NOT_ACTIVE", "the account's user is OFFBOARDING")
    problem(await story.world.post(PATH, story.world.order_body()), 409)


async def test_a_user_who_leaves_after_the_decision_keeps_what_was_ordered(story: Story) -> None:
    """Offboarding refuses nothing for open orders: they run to their end, and the user stays OFFBOARDING meanwhile."""
    world = story.world
    await story.begin()
    await story.decide()
    assert (await world.http.delete(f"/users/{world.user_id}")).status_code == 202
    await story.desk.fill(story.id)

    assert (await story.decide())["status"] == "FILLED"
    assert (await world.get(f"/users/{world.user_id}"))["status"] == "OFFBOARDING"


async def test_weights_are_those_of_the_decision(story: Story) -> None:
    world = story.world
    await story.begin()
    body = {"name": "World", "allocation": entries(["0.1", "0.2", "0.7"])}
    answer = await world.http.put(f"/portfolios/allocations/{world.allocation_id}", json=body)
    assert answer.status_code == 200, answer.text

    await story.decide()
    assert await story.legs() == {ISINS[0]: "100.00", ISINS[1]: "200.00", ISINS[2]: "700.00"}
    facts = await story.connection.fetchval("SELECT facts ->> 'weights' FROM journal WHERE facts IS NOT NULL")
    assert '"0.7"' in facts, "the journal has the weights that counted"


async def test_an_instrument_that_is_suspended_before_the_decision_is_not_bought(story: Story) -> None:
    await story.begin()
    await story.change_instrument(trading_status=TradingStatus.INACTIVE)

    await story.cancelled("INSTRUMENT_NOT_TRADABLE", f"instrument {ISINS[0]} is INACTIVE")


async def test_an_instrument_that_is_admitted_before_the_decision_is_bought(story: Story) -> None:
    await story.change_instrument(trading_status=TradingStatus.INACTIVE)
    await story.begin()
    await story.change_instrument(trading_status=TradingStatus.ACTIVE)

    await story.decide()
    assert await story.legs() == AS_CONFIGURED


async def test_prices_are_those_of_the_decision(story: Story) -> None:
    await story.begin()
    await story.change_instrument(price=instrument(ISINS[0]).price + 7)

    await story.decide()
    assert [str(order["reference_price"]) for order in await story.desk.orders(story.id)] == ["57.00", "50.00", "50.00"]


async def test_an_account_that_is_locked_before_the_decision_buys_nothing(story: Story) -> None:
    await story.begin()
    await story.connection.execute("UPDATE accounts SET status = 'LOCKED'")

    await story.cancelled("ACCOUNT_NOT_ACTIVE", "the account is LOCKED")


async def test_cash_that_came_before_the_decision_counts_in_the_order_of_the_calls(story: Story) -> None:
    world = story.world
    await world.deposit("500.00")
    await story.begin(cash_amount="1500.00")

    assert (await story.decide())["status"] == "NEW"
    await story.begin(cash_amount="100.00")
    await world.deposit("100.00")
    shown = await story.decide()
    assert (shown["status"], shown["cancellation_reason"]) == ("CANCELLED", "INSUFFICIENT_FUNDS")
    assert shown["cancellation_details"] == "100.00 EUR needed, 0.00 EUR available for trading"
