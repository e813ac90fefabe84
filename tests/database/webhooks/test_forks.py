"""A lane whose history forked below a cursor is stopped for that subscription; its other lanes, and others, go on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from structlog.testing import capture_logs

from orderlane.domain.places import is_stopped, place_behind, stopped
from orderlane.ports.webhooks import Subscription
from orderlane.postgres.epochs import begin_epoch
from orderlane.sources import Sources
from tests.database.webhooks.conftest import Subscribe
from tests.database.webhooks.events import EventWriter
from tests.database.webhooks.receivers import Receiver, answering
from tests.database.webhooks.senders import RunningSender, sending


async def lose(connection: asyncpg.Connection, **heads: int) -> None:
    """As a failover to a standby that was behind: the lanes' last segments are gone, and an epoch begins."""
    for name, head in heads.items():
        lane = int(name.removeprefix("lane_"))
        async with connection.transaction():
            await connection.execute("ALTER TABLE events DISABLE TRIGGER events_are_final")
            await connection.execute("DELETE FROM events WHERE lane = $1 AND position > $2", lane, head)
            await connection.execute("ALTER TABLE events ENABLE TRIGGER events_are_final")
        await connection.execute("UPDATE lanes SET position = $2 WHERE lane = $1", lane, head)
    await begin_epoch(connection, "a test lost events")


async def cursor_of(connection: asyncpg.Connection, subscription: Subscription) -> asyncpg.Record:
    return await connection.fetchrow("SELECT * FROM webhook_cursors WHERE subscription_id = $1", subscription.id)


def lanes_of(receiver: Receiver) -> list[int]:
    return [event["object"]["lane"] for event in receiver.events]


@asynccontextmanager
async def sending_with_logs(dsn: str, sources: Sources) -> AsyncIterator[tuple[RunningSender, list[dict]]]:
    with capture_logs() as lines:
        async with sending(dsn, sources) as running:
            yield running, lines


def forks(lines: list[dict]) -> list[list[int]]:
    return [line["lanes"] for line in lines if line["event"] == "cursor_forked"]


async def test_a_forked_lane_is_stopped_once_and_the_others_go_on(
    dsn: str, sources: Sources, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    connection = writer.connection
    subscription = await subscribe(receiver.url)
    async with sending(dsn, sources):
        await writer.write(0, 0, 1, 2)
        await receiver.until_accepted(4)
    await lose(connection, lane_0=1, lane_2=1)
    await writer.write(0, 0, 0, 1, 2)

    async with sending_with_logs(dsn, sources) as (_, lines):
        await receiver.until_accepted(6)
        await writer.write(0, 1)
        await receiver.until_accepted(7)

    assert lanes_of(receiver)[4:] == [1, 2, 1]
    assert forks(lines) == [[0]]
    cursor = await cursor_of(connection, subscription)
    assert cursor["positions"][0] == stopped(place_behind(2))
    assert cursor["last_error"] == "cursor_forked: lanes 0"
    assert cursor["epoch"] == 2

    async with sending_with_logs(dsn, sources) as (_, lines):
        receiver.answers = [answering(503)]
        await writer.write(0, 2)
        await receiver.until_accepted(8)
    assert lanes_of(receiver)[7:] == [2]
    assert forks(lines) == []
    assert (await cursor_of(connection, subscription))["last_error"] == "cursor_forked: lanes 0"


async def test_a_package_in_flight_with_events_of_a_forked_lane_is_given_up(
    dsn: str, sources: Sources, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    await subscribe(receiver.url)
    receiver.answers = [answering(503)]
    async with sending(dsn, sources) as first:
        receiver.otherwise = answering(503)
        ids = await writer.write(0, 1)
        await receiver.until_received(2)
        await first.end()
    await lose(writer.connection, lane_0=0)
    receiver.otherwise = answering(204)

    async with sending_with_logs(dsn, sources) as (_, lines):
        await receiver.until_accepted(1)

    assert [event["id"] for event in receiver.events] == ids[1:]
    assert receiver.accepted[0].webhook_id != receiver.received[0].webhook_id
    assert [line["drops_package"] for line in lines if line["event"] == "cursor_forked"] == [True]


async def test_a_package_in_flight_without_events_of_a_forked_lane_is_sent_again_as_it_was(
    dsn: str, sources: Sources, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    subscription = await subscribe(receiver.url)
    async with sending(dsn, sources) as first:
        await writer.write(0)
        await receiver.until_accepted(1)
        receiver.otherwise = answering(503)
        await writer.write(1, 2, types=("ORDER.NEW", "ORDER.FILLED"))
        await receiver.until_received(3)
        await first.end()
    await lose(writer.connection, lane_0=0)
    receiver.otherwise = answering(204)

    async with sending_with_logs(dsn, sources) as (_, lines):
        await receiver.until_accepted(5)

    failed, again = receiver.received[1], receiver.accepted[1]
    assert (again.webhook_id, again.body) == (failed.webhook_id, failed.body)
    assert forks(lines) == [[0]]
    assert is_stopped((await cursor_of(writer.connection, subscription))["positions"][0])


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_subscription_that_is_stopped_holds_up_no_other_that_reads_along(
    dsn: str, sources: Sources, receiver: Receiver, subscribe: Subscribe, writer: EventWriter, is_first: bool
) -> None:
    forked = await subscribe(f"{receiver.url}/forked")
    async with sending(dsn, sources):
        await writer.write(0, 0)
        await receiver.until_accepted(2)
    await lose(writer.connection, lane_0=1)
    other = await subscribe(f"{receiver.url}/other", enabled=False)
    disabled, enabled = (other, forked) if is_first else (forked, other)
    await writer.connection.execute("UPDATE webhook_subscriptions SET enabled = id = $1", enabled.id)

    async with sending(dsn, sources) as running:
        await writer.write(1)
        await receiver.until_accepted(3)
        query = "UPDATE webhook_subscriptions SET enabled = true, updated_at = now() WHERE id = $1"
        await writer.connection.execute(query, disabled.id)
        await running.until_owning(forked.number, other.number)
        await receiver.until_accepted(4)
        for _ in range(5):
            await writer.write(0, 0, 1)
        await receiver.until_accepted(24)

    lanes: dict[str, list[int]] = {"/forked": [], "/other": []}
    for request in receiver.accepted:
        lanes[request.path] += [event["object"]["lane"] for event in request.events]
    assert lanes["/other"] == [1, *[0, 0, 1] * 5]
    assert lanes["/forked"] == [0, 0, 1, *[1] * 5]


async def test_a_cursor_that_no_epoch_began_below_goes_on_in_the_new_one(
    dsn: str, sources: Sources, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    subscription = await subscribe(receiver.url)
    async with sending(dsn, sources):
        await writer.write(0, 1)
        await receiver.until_accepted(2)
    await lose(writer.connection, lane_0=1)

    async with sending_with_logs(dsn, sources) as (_, lines):
        await writer.write(0, 1)
        await receiver.until_accepted(4)
    await lose(writer.connection, lane_1=2)

    assert forks(lines) == []
    assert (await cursor_of(writer.connection, subscription))["epoch"] == 2
    async with sending_with_logs(dsn, sources) as (_, lines):
        await writer.write(0, 1)
        await receiver.until_accepted(6)
    assert forks(lines) == []
    assert [event["id"] for event in receiver.events] == writer.written
