"""Any number of senders: each subscription has one owner at a time, and a new one when that is gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from orderlane.domain.places import place_behind
from orderlane.ports.deliveries import CursorMoved, Package
from orderlane.ports.errors import StoreUnavailable
from orderlane.ports.feed import Cursor
from orderlane.ports.webhooks import Subscription
from orderlane.postgres import deliveries
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

UNPROTECT = "ALTER TABLE events_default DISABLE TRIGGER events_are_final"


async def until_shared(senders: list[RunningSender], each: int) -> None:
    async with asyncio.timeout(20):
        while [len(running.sender.subscriptions) for running in senders] != [each] * len(senders):
            await asyncio.sleep(0.01)


async def test_two_senders_share_and_what_a_dead_one_leaves_is_taken_over(
    dsn: str, sources: Sources, subscribe: Subscribe, writer: EventWriter
) -> None:
    async with AsyncExitStack() as stack:
        receivers = [await stack.enter_async_context(receiving()) for _ in range(4)]
        for receiver in receivers:
            await subscribe(receiver.url)
        first = await stack.enter_async_context(sending(dsn, sources))
        await until_shared([first], 4)
        second = await stack.enter_async_context(sending(dsn, sources))
        await until_shared([first, second], 2)
        assert not first.sender.subscriptions & second.sender.subscriptions

        await writer.write(0, 1)
        await second.vanish()
        await writer.write(0, 1)
        for receiver in receivers:
            await receiver.until_accepted(4)
        assert len(first.sender.subscriptions) == 4

    for receiver in receivers:
        assert receiver.in_flight_max == 1
        assert {event["id"] for event in receiver.events} == set(writer.written)


async def test_what_is_given_back_is_not_sent_twice(
    dsn: str, sources: Sources, subscribe: Subscribe, writer: EventWriter
) -> None:
    async with AsyncExitStack() as stack:
        receivers = [await stack.enter_async_context(receiving()) for _ in range(4)]
        for receiver in receivers:
            await subscribe(receiver.url, max_package_bytes=100)
        senders: list[RunningSender] = []
        for turn in range(3):
            senders.append(await stack.enter_async_context(sending(dsn, sources)))
            for _ in range(20):
                await writer.write(turn)
        await senders[0].end()
        for receiver in receivers:
            await receiver.until_accepted(60)

    for receiver in receivers:
        assert [event["id"] for event in receiver.events] == writer.written
        assert len(receiver.received) == 60


async def test_a_subscription_begins_with_the_events_after_it(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    await writer.write(0, 1)
    await subscribe(receiver.url)
    later = await writer.write(0, 0)

    await receiver.until_accepted(2)

    assert [event["id"] for event in receiver.events] == later


async def test_a_disabled_subscription_gets_nothing_until_it_is_enabled_and_then_everything(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    disabled = await subscribe(f"{receiver.url}/disabled", enabled=False)
    await subscribe(f"{receiver.url}/enabled")
    await writer.write(0, 1)
    await receiver.until_accepted(2)
    assert {request.path for request in receiver.received} == {"/enabled"}

    await enable(writer, disabled.id, disabled.client_id)
    await receiver.until_accepted(4)

    assert receiver.accepted[-1].path == "/disabled"
    assert len(receiver.accepted[-1].events) == 2


async def enable(writer: EventWriter, subscription_id: Any, client_id: Any) -> None:
    subscriptions = PostgresSubscriptions(writer.connection)
    subscription = await subscriptions.get(client_id, subscription_id)
    await subscriptions.change(replace(subscription, enabled=True))


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

    assert [request.path for request in receiver.received].count("/deleted") == 1


async def test_changes_and_deletions_in_the_middle_of_deliveries_lock_nobody_out(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter, dsn: str
) -> None:
    receiver.otherwise = answering(410)
    async with opened(dsn) as other:
        subscriptions = PostgresSubscriptions(other)
        for turn in range(30):
            new = await subscribe(f"{receiver.url}/{turn}")
            await writer.write(0, 1)
            await receiver.until(lambda path=f"/{turn}": any(request.path == path for request in receiver.received))
            if turn % 2:
                async with other.transaction():
                    stored = await subscriptions.get(new.client_id, new.id, to_change=True)
                    await subscriptions.change(replace(stored, enabled=True))
            await subscriptions.delete(new.client_id, new.id)
    assert not sender.task.done()


async def test_a_new_url_is_used_at_once(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    subscription = await subscribe(f"{receiver.url}/old")
    await writer.write(0)
    await receiver.until_accepted(1)
    await PostgresSubscriptions(writer.connection).change(replace(subscription, url=f"{receiver.url}/new"))
    await sender.until_owning(subscription.number)
    await writer.write(0)
    await receiver.until_accepted(2)
    await writer.write(0)
    await receiver.until_accepted(3)

    assert receiver.received[-1].path == "/new"


async def test_a_sender_that_loses_its_session_says_so_and_the_next_one_goes_on(
    dsn: str, sources: Sources, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    subscription = await subscribe(receiver.url)
    async with sending(dsn, sources) as first:
        await first.until_owning(subscription.number)
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
        assert {request.path for request in receiver.received} == {"/whole"}

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
        await writer.connection.execute(f"{UNPROTECT}; TRUNCATE events_default")
        async with asyncio.timeout(20):
            while stuck.number in running.sender.subscriptions:
                await asyncio.sleep(0.01)
        await subscribe(f"{receiver.url}/other")
        await writer.write(0)
        await receiver.until_accepted(1)

    assert [request.path for request in receiver.received] == ["/stuck", "/other"]


async def test_events_arrive_without_any_notification(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    writer.notifies = False
    await subscribe(receiver.url)
    for _ in range(3):
        await writer.write(0, 3)

    await receiver.until_accepted(6)


@asynccontextmanager
async def owning(dsn: str, *subscriptions: Subscription) -> AsyncIterator[PostgresDeliveryStore]:
    """A store whose session owns subscriptions."""
    store = await PostgresDeliveryStore.open(dsn)
    try:
        numbers = {subscription.number for subscription in subscriptions}
        assert await store.redistribute(numbers, ()) == numbers
        yield store
    finally:
        await store.close()


async def package_of(store: PostgresDeliveryStore, subscription: Subscription, sources: Sources) -> Package:
    """A package of all that is new."""
    state = await store.state(subscription)
    assert state is not None
    read = await store.read(subscription.filter, state.cursor, 100)
    return Package(
        id=sources.ids.new_id(), created_at=sources.clock.now(), reached=read.reached, filter=subscription.filter
    )


async def cursor_of(store: PostgresDeliveryStore, subscription: Subscription) -> Cursor:
    state = await store.state(subscription)
    assert state is not None
    return state.cursor


async def test_a_cursor_is_moved_only_by_who_knows_where_it_stands(
    dsn: str, sources: Sources, subscribe: Subscribe, writer: EventWriter
) -> None:
    subscription = await subscribe("https://hooks.example.com", enabled=False)
    await writer.write(0, 0)
    async with owning(dsn, subscription) as store:
        cursor, package = await cursor_of(store, subscription), await package_of(store, subscription, sources)
        await store.freeze(subscription, package, cursor)
        elsewhere = Cursor([place_behind(9)] * 4, [sources.clock.now() + timedelta(1)] * 4)
        for stale in (
            store.freeze(subscription, package, cursor),
            store.freeze(subscription, package, elsewhere),
            store.skip(subscription, cursor, package.reached),
        ):
            with pytest.raises(CursorMoved):
                await stale
        again = await store.state(subscription)
        assert again is not None
        assert again.package is not None
        assert (again.package.id, again.package.reached.places) == (package.id, package.reached.places)


async def test_a_session_that_does_not_own_a_subscription_cannot_deliver_it(
    dsn: str, sources: Sources, subscribe: Subscribe, writer: EventWriter
) -> None:
    subscription = await subscribe("https://hooks.example.com", enabled=False)
    await writer.write(0)
    async with owning(dsn, subscription) as owner, owning(dsn) as stranger:
        cursor, package = await cursor_of(owner, subscription), await package_of(owner, subscription, sources)
        for refused in (
            stranger.state(subscription),
            stranger.confirm(subscription),
            stranger.freeze(subscription, package, cursor),
            stranger.skip(subscription, cursor, package.reached),
        ):
            with pytest.raises(CursorMoved):
                await refused
        await owner.freeze(subscription, package, cursor)
        await owner.confirm(subscription)


async def test_ownership_is_looked_up_again_when_the_last_look_is_old(
    dsn: str, sources: Sources, subscribe: Subscribe, writer: EventWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the lock was lost: here its session gives it up without the store knowing."""
    subscription = await subscribe("https://hooks.example.com", enabled=False)
    await writer.write(0)
    async with owning(dsn, subscription) as store:
        cursor, package = await cursor_of(store, subscription), await package_of(store, subscription, sources)
        await store._connection.execute("SELECT pg_advisory_unlock_all()")
        await store.confirm(subscription)  # seen to be owned a moment ago

        monkeypatch.setattr(deliveries, "OWNED_SECONDS_MAX", 0.0)
        for refused in (store.confirm(subscription), store.freeze(subscription, package, cursor)):
            with pytest.raises(CursorMoved):
                await refused


async def test_a_request_is_not_sent_when_ownership_was_lost_before_it(
    dsn: str, sources: Sources, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    """As after a long freeze: the package is stored and signed, but by then the subscription is another's."""
    subscription = await subscribe(receiver.url)
    async with sending(dsn, sources) as running:
        await running.until_owning(subscription.number)
        confirm, package_ids = running.store.confirm, []

        async def confirm_late(subscription: Subscription) -> None:
            running.store._owned_at.clear()
            await running.store._connection.execute("SELECT pg_advisory_unlock_all()")
            package_ids.append(await package_id_of(writer, subscription))
            await confirm(subscription)

        running.store.confirm = confirm_late  # type: ignore[method-assign]
        await writer.write(0)
        async with asyncio.timeout(20):
            while subscription.number in running.sender.subscriptions or not package_ids:
                await asyncio.sleep(0.01)
        assert receiver.received == []
        running.store.confirm = confirm  # type: ignore[method-assign]

    async with sending(dsn, sources):
        await receiver.until_accepted(1)
    assert receiver.received[0].webhook_id == package_ids[0]


async def package_id_of(writer: EventWriter, subscription: Subscription) -> str:
    query = "SELECT package_id FROM webhook_cursors WHERE subscription_id = $1"
    return str(await writer.connection.fetchval(query, subscription.id))
