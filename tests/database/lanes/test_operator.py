"""An operator's view against a real PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from orderlane.cli.doctor import examine
from orderlane.domain.ids import ParentOrderId
from orderlane.domain.lane.placing import PlacePortfolioOrder
from orderlane.ports.errors import NotFound
from orderlane.postgres.operator import PostgresOperator
from tests.database.lanes.conftest import NOW

NOWHERE = ParentOrderId("00000000-0000-7000-8000-000000000007")


@pytest.fixture
async def operator(dsn: str) -> AsyncIterator[PostgresOperator]:
    operator = await PostgresOperator.open(dsn)
    yield operator
    await operator.close()


async def wrong(operator: PostgresOperator) -> dict[str, str]:
    """What the doctor finds wrong, by subject."""
    return {finding.subject: finding.text for finding in await examine(operator) if not finding.is_well}


async def test_lanes_without_an_owner_are_named(scene, operator: PostgresOperator) -> None:
    health = await operator.lanes()
    assert (health.lane_count, health.without_worker) == (4, [0, 1, 2, 3])
    assert [(venue.name, venue.without_gateway) for venue in health.venues] == [("SIMULATED", [0, 1, 2, 3])]

    found = await wrong(operator)
    assert found["lane workers"].startswith("4 of 4 lanes have no worker: start one")
    assert found["gateways of SIMULATED"].startswith("4 of 4 lanes have no gateway")


async def test_owned_lanes_are_well(worker, operator: PostgresOperator) -> None:
    assert (await operator.lanes()).without_worker == []
    assert "lane workers" not in await wrong(operator)


async def test_messages_that_wait_too_long_are_told(scene, operator: PostgresOperator) -> None:
    await scene.deposit(scene.accounts[0], "1")
    assert "inbox" not in await wrong(operator)

    await scene.connection.execute("UPDATE inbox SET created_at = now() - interval '2 hours'")
    text = (await wrong(operator))["inbox"]
    assert text.startswith("1 messages wait, the oldest for 2 hours")


async def test_a_quarantined_message_is_seen_and_put_back(scene, worker, operator: PostgresOperator) -> None:
    account = scene.accounts[0]
    await scene.say(account, PlacePortfolioOrder(NOWHERE))
    await worker.work_off()

    [quarantined] = await operator.quarantined()
    assert (quarantined.subject_id, quarantined.kind) == (account, "PLACE_PORTFOLIO_ORDER")
    assert str(NOWHERE) in quarantined.error
    assert str(account) in (await wrong(operator))["quarantine"]

    await operator.release(quarantined.id)
    assert await operator.quarantined() == []
    assert (await operator.lanes()).waiting_messages == 1
    with pytest.raises(NotFound):
        await operator.release(quarantined.id)


async def test_a_portfolio_order_is_told_whole(scene, worker, operator: PostgresOperator) -> None:
    await scene.deposit(scene.accounts[0], "1000")
    placed = await scene.place(scene.accounts[0], "1000")
    await worker.work_off()
    await scene.execute_all(placed)
    await worker.work_off()

    story = await operator.portfolio_order(placed)
    assert (story.status, story.sequence, len(story.orders)) == ("FILLED", 12, 3)
    assert {order.status for order in story.orders} == {"FILLED"}
    assert list(await operator.events(placed)) == await scene.frames()
    with pytest.raises(NotFound, match="portfolio order"):
        await operator.portfolio_order(NOWHERE)


async def test_the_oldest_undelivered_event_is_that_of_the_filter(scene, worker, operator) -> None:
    await scene.deposit(scene.accounts[0], "1000")
    await subscribe(scene, "all", ["ALL"], [])
    await subscribe(scene, "executions", ["EXECUTION"], [])
    await scene.place(scene.accounts[0], "1000")
    await worker.work_off()

    deliveries = {delivery.title: delivery for delivery in await operator.deliveries()}
    assert deliveries["all"].oldest_undelivered_age == timedelta(0)
    assert deliveries["executions"].oldest_undelivered_age is None
    found = await wrong(operator)
    assert all("no sender" in text for subject, text in found.items() if subject.startswith("webhook"))


async def subscribe(scene, title: str, types: list[str], exclude_types: list[str]) -> None:
    subscription = scene.sources.ids.new_id()
    await scene.connection.execute(
        "INSERT INTO webhook_subscriptions (id, client_id, title, url, types, exclude_types, enabled, delay_ms,"
        " max_package_bytes, secret, created_at, updated_at)"
        " VALUES ($1, $2, $3, 'https://example.com', $4, $5, true, 0, 10000, '', $6, $6)",
        subscription,
        scene.client,
        title,
        types,
        exclude_types,
        NOW,
    )
    await scene.connection.execute(
        "INSERT INTO webhook_cursors (subscription_id, epoch, positions, event_times)"
        " SELECT $1, 1, array_agg(4095), array_agg('epoch'::timestamptz) FROM lanes",
        subscription,
    )
