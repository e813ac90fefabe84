"""What a request holds: the events of the filter, up to a size, after a delay; and what that costs in statements."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise

import pytest

from orderlane.domain.places import next_frame, place_behind
from orderlane.ports.feed import Cursor
from orderlane.ports.webhooks import Subscription
from orderlane.postgres import feed
from orderlane.postgres.connection import open_pool
from orderlane.postgres.feed import PostgresEventFeed
from orderlane.sources import Sources
from orderlane.webhooks import reading
from orderlane.workers.sender import SenderLimits
from tests.database.webhooks.conftest import Subscribe
from tests.database.webhooks.events import EventWriter
from tests.database.webhooks.receivers import Receiver, answering
from tests.database.webhooks.senders import RunningSender, sending
from tests.database.webhooks.subscriptions import new_client


def types(receiver: Receiver) -> list[str]:
    return [event["type"] for event in receiver.events]


async def test_only_the_topics_of_the_subscription_are_delivered(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    await subscribe(receiver.url, types=("ORDER", "PORTFOLIO_ORDER"))
    for event_type in ("PORTFOLIO_ORDER.NEW", "ORDER.NEW", "EXECUTION.FILLED", "ORDER_CANCELLATION.REJECTED"):
        await writer.write(0, event_type=event_type)
    await writer.write(0, event_type="ORDER.FILLED")

    await receiver.until_accepted(3)

    assert types(receiver) == ["PORTFOLIO_ORDER.NEW", "ORDER.NEW", "ORDER.FILLED"]


async def test_excluded_topics_are_left_out_of_all(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    await subscribe(receiver.url, exclude_types=("EXECUTION", "POSITION"))
    for event_type in ("EXECUTION.FILLED", "ORDER.NEW", "POSITION.UPDATED", "ACCOUNT.CREATED"):
        await writer.write(1, event_type=event_type)

    await receiver.until_accepted(2)

    assert types(receiver) == ["ORDER.NEW", "ACCOUNT.CREATED"]


async def test_the_events_of_another_client_are_never_delivered(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter, sources: Sources
) -> None:
    stranger = await new_client(writer.connection, sources)
    await subscribe(receiver.url)
    await writer.write(0, 1, client_id=stranger)
    own = await writer.write(0, 1)

    await receiver.until_accepted(2)

    assert {event["id"] for event in receiver.events} == set(own)


async def test_the_cursor_moves_over_the_events_of_others(
    dsn: str,
    sources: Sources,
    receiver: Receiver,
    subscribe: Subscribe,
    writer: EventWriter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "SKIP_SECONDS", 0.0)
    stranger = await new_client(writer.connection, sources)
    subscription = await subscribe(receiver.url)
    async with sending(dsn, sources):
        await writer.write(0, 1, 1, client_id=stranger)
        async with asyncio.timeout(20):
            while await places(writer, subscription.id) != heads(1, 2, 0, 0):
                await asyncio.sleep(0.01)
        await writer.write(0, 3)
        await receiver.until_accepted(2)

    assert len(receiver.received) == 1


def heads(*positions: int) -> list[int]:
    return [place_behind(position) for position in positions]


async def places(writer: EventWriter, subscription_id: str) -> list[int]:
    return await writer.connection.fetchval(
        "SELECT positions FROM webhook_cursors WHERE subscription_id = $1", subscription_id
    )


async def test_a_request_holds_at_most_so_many_bytes_and_a_larger_event_goes_alone(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    subscription = await subscribe(receiver.url, max_package_bytes=2000, enabled=False)
    await writer.write(*[0] * 12)
    await writer.write(0, padding=5000)
    await writer.write(*[0] * 12)
    await writer.connection.execute("UPDATE webhook_subscriptions SET enabled = true WHERE id = $1", subscription.id)

    await receiver.until_accepted(25)

    sizes = [(len(request.body), len(request.events)) for request in receiver.accepted]
    assert [event["id"] for event in receiver.events] == writer.written
    assert [count for size, count in sizes if size > 2000] == [1]
    assert len(sizes) <= 9


async def test_an_event_waits_for_others_as_long_as_the_subscription_says(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    await subscribe(receiver.url, delay_ms=1500)
    for _ in range(5):
        await writer.write(0, 1)

    await receiver.until_accepted(10)

    assert len(receiver.received) == 1


async def test_a_full_package_does_not_wait(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    await subscribe(receiver.url, delay_ms=30_000, max_package_bytes=1000)
    await writer.write(*[0] * 40, padding=200)

    await receiver.until_accepted(30)

    assert all(len(request.body) > 400 for request in receiver.received)


SELDOM = SenderLimits(poll_seconds=2, redistribute_seconds=600)


async def test_a_delivered_request_costs_at_most_three_statements(
    dsn: str, sources: Sources, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    subscription = await subscribe(receiver.url)
    async with sending(dsn, sources, limits=SELDOM) as running:
        await running.until_owning(subscription.number)
        await writer.write(0)
        async with asyncio.timeout(20):
            while await places(writer, subscription.id) != heads(1, 0, 0, 0):
                await asyncio.sleep(0.01)
        before = running.count.total
        for _ in range(50):
            await writer.write(0, 1, 2)
            await receiver.until_accepted(len(writer.written))
        await running.end()
        statements, requests = running.count.total - before, len(receiver.received) - 1

    assert requests == 50
    assert statements <= 3 * requests + 2  # and a look at the heads when nothing came for a while


async def test_the_next_package_is_stored_with_the_delivery_of_the_one_before(
    dsn: str, sources: Sources, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    subscription = await subscribe(receiver.url, max_package_bytes=4000, enabled=False)
    for _ in range(50):
        await writer.write(*[0, 1, 2, 3] * 10)
    await writer.connection.execute("UPDATE webhook_subscriptions SET enabled = true WHERE id = $1", subscription.id)
    async with sending(dsn, sources, limits=SELDOM) as running:
        await receiver.until_accepted(2000)
        await running.end()
        statements = running.count.total

    assert len(receiver.received) > 100
    assert statements <= 1.5 * len(receiver.received)


@asynccontextmanager
async def reading_feed(dsn: str) -> AsyncIterator[PostgresEventFeed]:
    pool = await open_pool(dsn, "tests", size_max=1, reads_only=True)
    try:
        yield PostgresEventFeed(pool)
    finally:
        await pool.close()


async def cursor_of(writer: EventWriter, subscription: Subscription) -> Cursor:
    query = "SELECT positions, event_times FROM webhook_cursors WHERE subscription_id = $1"
    return Cursor(*await writer.connection.fetchrow(query, subscription.id))


async def test_reading_keeps_the_order_of_each_lane_over_partitions_and_shares_what_it_looks_at(
    dsn: str, sources: Sources, subscribe: Subscribe, writer: EventWriter
) -> None:
    subscription = await subscribe("https://hooks.example.com", enabled=False)
    today = sources.clock.now()
    for day in range(3):
        await writer.connection.execute("SELECT make_event_partition($1)", (today + timedelta(days=day)).date())
        await writer.write(*[0] * 20, 1, 2, created_at=today + timedelta(days=day))
    found, cursor, is_all = [], await cursor_of(writer, subscription), False
    async with reading_feed(dsn) as feed_of_events:
        while not is_all:
            read = await feed_of_events.read(subscription.filter, cursor, 10)
            assert len(read.segments) <= 10 + 3
            found, cursor, is_all = [*found, *read.segments], read.reached, read.is_all
        nothing = await feed_of_events.read(subscription.filter, cursor, 10)
        assert await feed_of_events.heads() == cursor.places

    assert [event_id for segment in found for event_id in segment.ids if event_id not in writer.written] == []
    assert sum(len(segment.ids) for segment in found) == len(writer.written)
    for lane in range(3):
        in_lane = [segment.position for segment in found if segment.lane == lane]
        assert in_lane == list(range(1, len(in_lane) + 1))
    assert (nothing.segments, nothing.reached, nothing.is_all) == ((), cursor, True)


async def test_a_reading_ends_when_it_has_enough_bytes_and_the_next_goes_on_there(
    dsn: str, subscribe: Subscribe, writer: EventWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = await subscribe("https://hooks.example.com", enabled=False)
    monkeypatch.setattr(feed, "READ_BYTES_MAX", 5000)
    for _ in range(4):
        await writer.write(0, 1, 0, 2, padding=2000)
    ids, cursor, is_all, readings = [], await cursor_of(writer, subscription), False, 0
    async with reading_feed(dsn) as feed_of_events:
        while not is_all:
            read = await feed_of_events.read(subscription.filter, cursor, 1000)
            assert len(read.segments) <= 3
            ids += [event_id for segment in read.segments for event_id in segment.ids]
            for segment in read.segments:
                assert segment.reached <= read.reached.places[segment.lane]
                assert segment.created_at >= cursor.event_times[segment.lane]
            cursor, is_all, readings = read.reached, read.is_all, readings + 1

    assert sorted(ids) == sorted(writer.written)
    assert readings >= 6
    assert cursor.places == heads(8, 4, 4, 0)


MESSAGE = ("PORTFOLIO_ORDER.PROCESSING", "ORDER.NEW", "ORDER.FILLED", "EXECUTION.FILLED", "ORDER.FILLED")


async def test_a_request_may_end_in_the_middle_of_a_segment_and_the_next_one_goes_on_there(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    await subscribe(receiver.url, max_package_bytes=1000)
    for _ in range(6):
        await writer.write(1, types=MESSAGE)

    await receiver.until_accepted(30)

    assert [event["id"] for event in receiver.events] == writer.written
    in_requests = [[event["object"]["position"] for event in request.events] for request in receiver.accepted]
    assert all(len(request.body) <= 1000 for request in receiver.accepted)
    assert any(request[-1] == following[0] for request, following in pairwise(in_requests))


async def test_a_segment_is_cut_to_the_topics_of_the_subscription(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    await subscribe(f"{receiver.url}/some", types=("ORDER", "USER"))
    await subscribe(f"{receiver.url}/others", exclude_types=("ORDER",))
    await writer.write(0, 2, types=MESSAGE)

    await receiver.until_accepted(10)

    by_path = {request.path: request for request in receiver.accepted}
    assert [event["object"]["frame"] for event in by_path["/some"].events] == [1, 2, 4] * 2
    assert [event["object"]["frame"] for event in by_path["/others"].events] == [0, 3] * 2


async def test_a_package_that_ends_inside_a_segment_is_rebuilt_to_the_byte_after_a_restart(
    dsn: str, sources: Sources, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    subscription = await subscribe(receiver.url, max_package_bytes=900, types=("ORDER",))
    receiver.answers = [answering(204), answering(503), answering(503)]
    async with sending(dsn, sources) as first:
        await writer.write(3, 3, types=MESSAGE)
        await receiver.until_received(3)
        await first.end()
    stored = await writer.connection.fetchrow(
        "SELECT positions[4] AS after, package_positions[4] AS reached FROM webhook_cursors WHERE subscription_id = $1",
        subscription.id,
    )
    await writer.write(3, types=MESSAGE)

    async with sending(dsn, sources):
        await receiver.until_accepted(9)

    delivered, failed, *_ = receiver.received
    assert next_frame(stored["after"]) > 0, "the package begins inside a segment"
    assert next_frame(stored["reached"]) > 0, "the package ends inside a segment"
    assert (receiver.accepted[1].webhook_id, receiver.accepted[1].body) == (failed.webhook_id, failed.body)
    places = [(event["object"]["position"], event["object"]["frame"]) for event in receiver.events]
    assert places == [(position, frame) for position in (1, 2, 3) for frame in (1, 2, 4)]
    assert delivered.body != failed.body
