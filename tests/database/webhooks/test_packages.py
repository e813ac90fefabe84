"""What a request holds: the events of the filter, up to a size, after a delay; and what that costs in statements."""

import asyncio
from datetime import timedelta

import pytest

from orderlane.postgres.deliveries import PostgresDeliveryStore
from orderlane.sources import Sources
from orderlane.webhooks import reading
from orderlane.workers.sender import SenderLimits
from tests.database.webhooks.conftest import Subscribe, new_client
from tests.database.webhooks.events import EventWriter
from tests.database.webhooks.receivers import Receiver
from tests.database.webhooks.senders import RunningSender, sending


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

    assert {event["id"] for event in receiver.events} == {str(one) for one in own}


async def test_the_cursor_moves_over_the_events_of_others(
    dsn: str,
    sources: Sources,
    receiver: Receiver,
    subscribe: Subscribe,
    writer: EventWriter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "SKIP_EVERY", timedelta(0))
    stranger = await new_client(writer.connection, sources)
    one = await subscribe(receiver.url)
    async with sending(dsn, sources):
        await writer.write(0, 1, 1, client_id=stranger)
        async with asyncio.timeout(20):
            while await positions(writer, one.id) != [1, 2, 0, 0]:
                await asyncio.sleep(0.01)
        await writer.write(0, 3)
        await receiver.until_accepted(2)

    assert len(receiver.received) == 1


async def positions(writer: EventWriter, subscription_id: object) -> list[int]:
    return await writer.connection.fetchval(
        "SELECT positions FROM webhook_cursors WHERE subscription_id = $1", subscription_id
    )


async def test_a_request_holds_at_most_so_many_bytes_and_a_larger_event_goes_alone(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    one = await subscribe(receiver.url, max_package_bytes=2000, enabled=False)
    await writer.write(*[0] * 12)
    await writer.write(0, padding=5000)
    await writer.write(*[0] * 12)
    await writer.connection.execute("UPDATE webhook_subscriptions SET enabled = true WHERE id = $1", one.id)

    await receiver.until_accepted(25)

    sizes = [(len(request.body), len(request.events)) for request in receiver.accepted]
    assert [event["id"] for event in receiver.events] == [str(event_id) for event_id in writer.written]
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

    assert all(len(one.body) > 400 for one in receiver.received)


SELDOM = SenderLimits(poll_seconds=2, rebalance_seconds=600)


async def test_a_delivered_request_costs_at_most_three_statements(
    dsn: str, sources: Sources, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    one = await subscribe(receiver.url)
    async with sending(dsn, sources, limits=SELDOM) as running:
        await running.until_owning(one.number)
        await writer.write(0)
        async with asyncio.timeout(20):
            while await positions(writer, one.id) != [1, 0, 0, 0]:
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
    one = await subscribe(receiver.url, max_package_bytes=4000, enabled=False)
    for _ in range(50):
        await writer.write(*[0, 1, 2, 3] * 10)
    await writer.connection.execute("UPDATE webhook_subscriptions SET enabled = true WHERE id = $1", one.id)
    async with sending(dsn, sources, limits=SELDOM) as running:
        await receiver.until_accepted(2000)
        await running.end()
        statements = running.count.total

    assert len(receiver.received) > 100
    assert statements <= 1.5 * len(receiver.received)


async def test_reading_keeps_the_order_of_each_lane_over_partitions_and_shares_what_it_looks_at(
    dsn: str, sources: Sources, subscribe: Subscribe, writer: EventWriter
) -> None:
    one = await subscribe("https://hooks.example.com", enabled=False)
    today = sources.clock.now()
    for day in range(3):
        await writer.connection.execute("SELECT make_event_partition($1)", (today + timedelta(days=day)).date())
        await writer.write(*[0] * 20, 1, 2, created_at=today + timedelta(days=day))
    store = await PostgresDeliveryStore.open(dsn)
    try:
        state = await store.state(one.id)
        assert state is not None
        found, cursor, is_all = [], state.cursor, False
        while not is_all:
            read = await store.read(one.filter, cursor, 10)
            assert len(read.events) <= 10 + 3
            found, cursor, is_all = [*found, *read.events], read.reached, read.is_all
        nothing = await store.read(one.filter, cursor, 10)
    finally:
        await store.close()

    assert {event.id for event in found} == set(writer.written)
    for lane in range(3):
        in_lane = [event.position for event in found if event.lane == lane]
        assert in_lane == list(range(1, len(in_lane) + 1))
    assert (nothing.events, nothing.reached, nothing.is_all) == ((), cursor, True)
