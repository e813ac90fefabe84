"""An operator's view against a real PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from orderlane.cli.doctor import examine
from orderlane.domain.messages import PlacePortfolioOrder
from orderlane.ports.errors import NotFound
from orderlane.postgres.operations import PostgresOperations
from tests.database.lanes.conftest import NOW

NOWHERE = UUID(int=7)


@pytest.fixture
async def operations(dsn: str) -> AsyncIterator[PostgresOperations]:
    operations = await PostgresOperations.open(dsn)
    yield operations
    await operations.close()


async def wrong(operations: PostgresOperations, seconds_later: float = 0) -> dict[str, str]:
    """What the doctor finds wrong, by subject."""
    later = NOW + timedelta(seconds=seconds_later)
    return {one.subject: one.text for one in await examine(operations, later) if not one.is_well}


async def test_lanes_without_an_owner_are_named(scene, operations: PostgresOperations) -> None:
    health = await operations.lanes()
    assert (health.lane_count, health.without_worker, health.without_gateway) == (4, [0, 1, 2, 3], [0, 1, 2, 3])

    found = await wrong(operations)
    assert found["lane workers"].startswith("4 of 4 lanes have no worker: start one")
    assert found["venue gateways"].startswith("4 of 4 lanes have no gateway")


async def test_owned_lanes_are_well(worker, operations: PostgresOperations) -> None:
    assert (await operations.lanes()).without_worker == []
    assert "lane workers" not in await wrong(operations)


async def test_messages_that_wait_too_long_are_told(scene, operations: PostgresOperations) -> None:
    await scene.deposit(scene.accounts[0], "1")
    await scene.connection.execute("UPDATE inbox SET created_at = $1", NOW)

    assert "inbox" not in await wrong(operations, seconds_later=29)
    text = (await wrong(operations, seconds_later=7200))["inbox"]
    assert text.startswith("1 messages wait, the oldest for 2 hours")


async def test_a_quarantined_message_is_seen_and_put_back(scene, worker, operations: PostgresOperations) -> None:
    account = scene.accounts[0]
    await scene.say(account, PlacePortfolioOrder(NOWHERE))
    await worker.work_off()

    [quarantined] = await operations.quarantined()
    assert (quarantined.account_id, quarantined.kind) == (account, "PLACE_PORTFOLIO_ORDER")
    assert str(NOWHERE) in quarantined.error
    assert str(account) in (await wrong(operations))["quarantine"]

    await operations.release(quarantined.id)
    assert await operations.quarantined() == []
    assert (await operations.lanes()).waiting_messages == 1
    with pytest.raises(NotFound):
        await operations.release(quarantined.id)


async def test_a_portfolio_order_is_told_whole(scene, worker, operations: PostgresOperations) -> None:
    await scene.deposit(scene.accounts[0], "1000")
    placed = await scene.place(scene.accounts[0], "1000")
    await worker.work_off()
    await scene.execute_all(placed)
    await worker.work_off()

    story = await operations.portfolio_order(placed)
    assert (story.portfolio_order.status, story.sequence, len(story.orders)) == ("FILLED", 12, 3)
    assert {one.status for one in story.orders} == {"FILLED"}
    with pytest.raises(NotFound, match="portfolio order"):
        await operations.portfolio_order(NOWHERE)


async def test_the_oldest_undelivered_event_is_that_of_the_filter(scene, worker, operations) -> None:
    await scene.deposit(scene.accounts[0], "1000")
    await subscribe(scene, "all", ["ALL"], [])
    await subscribe(scene, "executions", ["EXECUTION"], [])
    await scene.place(scene.accounts[0], "1000")
    await worker.work_off()

    deliveries = {one.title: one for one in await operations.deliveries()}
    assert deliveries["all"].oldest_undelivered_at == NOW
    assert deliveries["executions"].oldest_undelivered_at is None
    found = await wrong(operations, seconds_later=60)
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
        "INSERT INTO webhook_cursors (subscription_id, positions, event_times)"
        " SELECT $1, array_agg(0), array_agg('epoch'::timestamptz) FROM lanes",
        subscription,
    )
