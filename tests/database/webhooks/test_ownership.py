"""Any number of senders: each subscription has one owner at a time, and a new one when that is gone."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from orderlane.ports.deliveries import Cursor, CursorMoved, Package
from orderlane.ports.errors import StoreUnavailable
from orderlane.postgres.deliveries import PostgresDeliveryStore
from orderlane.postgres.webhooks import PostgresSubscriptions
from orderlane.sources import Sources
from orderlane.webhooks.schedule import RetrySchedule
from orderlane.webhooks.signing import new_secret
from tests.conftest import opened
from tests.database.webhooks.conftest import Subscribe
from tests.database.webhooks.events import EventWriter
from tests.database.webhooks.receivers import Receiver, answering, receiving
from tests.database.webhooks.senders import RunningSender, sending


async def until_shared(senders: list[RunningSender], each: int) -> None:
    async with asyncio.timeout(20):
        while [len(one.sender.subscriptions) for one in senders] != [each] * len(senders):
            await asyncio.sleep(0.01)


async def test_two_senders_share_and_what_a_dead_one_leaves_is_taken_over(
    dsn: str, sources: Sources, subscribe: Subscribe, writer: EventWriter
) -> None:
    async with AsyncExitStack() as stack:
        receivers = [await stack.enter_async_context(receiving()) for _ in range(4)]
        for one in receivers:
            await subscribe(one.url)
        first = await stack.enter_async_context(sending(dsn, sources))
        await until_shared([first], 4)
        second = await stack.enter_async_context(sending(dsn, sources))
        await until_shared([first, second], 2)
        assert not first.sender.subscriptions & second.sender.subscriptions

        await writer.write(0, 1)
        await second.vanish()
        await writer.write(0, 1)
        for one in receivers:
            await one.until_accepted(4)
        assert len(first.sender.subscriptions) == 4

    for one in receivers:
        assert one.in_flight_max == 1
        assert {event["id"] for event in one.events} == {str(event_id) for event_id in writer.written}


async def test_what_is_given_back_is_not_sent_twice(
    dsn: str, sources: Sources, subscribe: Subscribe, writer: EventWriter
) -> None:
    async with AsyncExitStack() as stack:
        receivers = [await stack.enter_async_context(receiving()) for _ in range(4)]
        for one in receivers:
            await subscribe(one.url, max_package_bytes=100)
        senders: list[RunningSender] = []
        for turn in range(3):
            senders.append(await stack.enter_async_context(sending(dsn, sources)))
            for _ in range(20):
                await writer.write(turn)
        await senders[0].end()
        for one in receivers:
            await one.until_accepted(60)

    for one in receivers:
        assert [event["id"] for event in one.events] == [str(event_id) for event_id in writer.written]
        assert len(one.received) == 60


async def test_a_subscription_begins_with_the_events_after_it(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    await writer.write(0, 1)
    await subscribe(receiver.url)
    later = await writer.write(0, 0)

    await receiver.until_accepted(2)

    assert [event["id"] for event in receiver.events] == [str(one) for one in later]


async def test_a_disabled_subscription_gets_nothing_until_it_is_enabled_and_then_everything(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    disabled = await subscribe(f"{receiver.url}/disabled", enabled=False)
    await subscribe(f"{receiver.url}/enabled")
    await writer.write(0, 1)
    await receiver.until_accepted(2)
    assert {one.path for one in receiver.received} == {"/enabled"}

    await enable(writer, disabled.id, disabled.client_id)
    await receiver.until_accepted(4)

    assert receiver.accepted[-1].path == "/disabled"
    assert len(receiver.accepted[-1].events) == 2


async def enable(writer: EventWriter, subscription_id: Any, client_id: Any) -> None:
    subscriptions = PostgresSubscriptions(writer.connection)
    one = await subscriptions.get(client_id, subscription_id)
    await subscriptions.change(replace(one, enabled=True))


async def test_a_deleted_subscription_gets_nothing_more(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    deleted = await subscribe(f"{receiver.url}/deleted")
    await subscribe(f"{receiver.url}/kept")
    await writer.write(0)
    await receiver.until_accepted(2)
    await PostgresSubscriptions(writer.connection).delete(deleted.client_id, deleted.id)
    async with asyncio.timeout(20):
        while deleted.number in sender.sender.subscriptions:
            await asyncio.sleep(0.01)

    await writer.write(0, 1)
    await receiver.until_accepted(4)

    assert [one.path for one in receiver.received].count("/deleted") == 1


async def test_changes_and_deletions_in_the_middle_of_deliveries_lock_nobody_out(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter, dsn: str
) -> None:
    receiver.otherwise = answering(410)
    async with opened(dsn) as other:
        subscriptions = PostgresSubscriptions(other)
        for turn in range(30):
            one = await subscribe(f"{receiver.url}/{turn}")
            await writer.write(0, 1)
            await receiver.until(lambda path=f"/{turn}": any(one.path == path for one in receiver.received))
            if turn % 2:
                async with other.transaction():
                    stored = await subscriptions.get(one.client_id, one.id, to_change=True)
                    await subscriptions.change(replace(stored, enabled=True))
            await subscriptions.delete(one.client_id, one.id)
    assert not sender.task.done()


async def test_a_new_url_is_used_at_once(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    one = await subscribe(f"{receiver.url}/old")
    await writer.write(0)
    await receiver.until_accepted(1)
    await PostgresSubscriptions(writer.connection).change(replace(one, url=f"{receiver.url}/new"))
    await sender.until_owning(one.number)
    await writer.write(0)
    await receiver.until_accepted(2)
    await writer.write(0)
    await receiver.until_accepted(3)

    assert receiver.received[-1].path == "/new"


async def test_a_sender_that_loses_its_session_says_so_and_the_next_one_goes_on(
    dsn: str, sources: Sources, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    one = await subscribe(receiver.url)
    async with sending(dsn, sources) as first:
        await first.until_owning(one.number)
        await writer.connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name = 'orderlane sender'"
        )
        with pytest.raises(StoreUnavailable):
            await first.task
    assert first.sender.subscriptions == frozenset()

    await writer.write(0, 1)
    async with sending(dsn, sources):
        await receiver.until_accepted(2)


async def test_a_delivery_that_breaks_rests_and_the_others_go_on(
    dsn: str, sources: Sources, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    broken = await subscribe(f"{receiver.url}/broken", secret="no secret")
    await subscribe(f"{receiver.url}/whole")
    async with sending(dsn, sources) as running:
        await running.until_owning(broken.number)
        for _ in range(3):
            await writer.write(0, 1)
        await receiver.until_accepted(6)
        async with asyncio.timeout(20):
            while broken.number in running.sender.subscriptions:
                await asyncio.sleep(0.01)
        assert {one.path for one in receiver.received} == {"/whole"}

    secret = new_secret(sources.tokens)
    await writer.connection.execute("UPDATE webhook_subscriptions SET secret = $2 WHERE id = $1", broken.id, secret)
    async with sending(dsn, sources):
        await receiver.until_accepted(12)
    assert receiver.accepted[-1].path == "/broken"


async def test_events_that_are_gone_stop_their_subscription_only(
    dsn: str, sources: Sources, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    stuck = await subscribe(f"{receiver.url}/stuck")
    receiver.answers = [answering(500)]
    async with sending(dsn, sources, schedule=RetrySchedule(waits_seconds=(0.5,))) as running:
        await writer.write(0)
        await receiver.until_received(1)
        await writer.connection.execute("TRUNCATE events")
        async with asyncio.timeout(20):
            while stuck.number in running.sender.subscriptions:
                await asyncio.sleep(0.01)
        await subscribe(f"{receiver.url}/other")
        await writer.write(0)
        await receiver.until_accepted(1)

    assert [one.path for one in receiver.received] == ["/stuck", "/other"]


async def test_events_arrive_without_any_notification(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    writer.notifies = False
    await subscribe(receiver.url)
    for _ in range(3):
        await writer.write(0, 3)

    await receiver.until_accepted(6)


async def test_a_cursor_is_moved_only_by_who_knows_where_it_stands(
    dsn: str, sources: Sources, subscribe: Subscribe, writer: EventWriter
) -> None:
    one = await subscribe("https://hooks.example.com", enabled=False)
    await writer.write(0, 0)
    store = await PostgresDeliveryStore.open(dsn)
    try:
        state = await store.state(one.id)
        assert state is not None
        read = await store.read(one.filter, state.cursor, 100)
        now = sources.clock.now()
        package = Package(sources.ids.new_id(), now, read.reached, one.filter)
        await store.freeze(one.id, package, state.cursor)
        elsewhere = Cursor([9] * 4, [now + timedelta(1)] * 4)
        for stale in (
            store.freeze(one.id, package, state.cursor),
            store.freeze(one.id, package, elsewhere),
            store.skip(one.id, state.cursor, read.reached),
        ):
            with pytest.raises(CursorMoved):
                await stale
        again = await store.state(one.id)
        assert again is not None
        assert again.package is not None
        assert (again.package.id, again.package.reached.positions) == (package.id, package.reached.positions)
    finally:
        await store.close()
