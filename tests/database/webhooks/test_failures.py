"""Receivers that fail, and senders that die: nothing is lost, order holds, and nobody else notices."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from aiohttp import web

from orderlane.ports.webhooks import Subscription
from orderlane.postgres.webhooks import PostgresSubscriptions
from orderlane.sources import Clock, Sources
from orderlane.webhooks.schedule import RetrySchedule
from orderlane.webhooks.sending import SendingLimits
from tests.database.webhooks.conftest import Subscribe
from tests.database.webhooks.events import EventWriter
from tests.database.webhooks.receivers import Received, Receiver, answering, receiving
from tests.database.webhooks.senders import RunningSender, sending


async def cursor_of(connection: asyncpg.Connection, subscription_id: str) -> asyncpg.Record:
    return await connection.fetchrow("SELECT * FROM webhook_cursors WHERE subscription_id = $1", subscription_id)


async def until_attempts(connection: asyncpg.Connection, subscription_id: str, count: int) -> list[asyncpg.Record]:
    """The attempts that were noted, once there are so many."""
    async with asyncio.timeout(20):
        while True:
            rows = await connection.fetch(
                "SELECT * FROM webhook_attempts WHERE subscription_id = $1 ORDER BY sent_at, id", subscription_id
            )
            if len(rows) >= count:
                return rows
            await asyncio.sleep(0.01)


class Holding:
    """An answer that is held back until it is let go."""

    def __init__(self, status: int = 204) -> None:
        self.let_go = asyncio.Event()
        self._status = status

    async def __call__(self, _: Received) -> web.Response:
        await self.let_go.wait()
        return web.Response(status=self._status)


async def test_everything_arrives_later_when_the_receiver_was_down(
    sender: RunningSender, subscribe: Subscribe, writer: EventWriter, connection: asyncpg.Connection
) -> None:
    async with receiving() as receiver:
        url, port = receiver.url, int(receiver.url.rpartition(":")[2])
    subscription = await subscribe(url)
    await writer.write(0, 1)
    attempts = await until_attempts(connection, subscription.id, 3)
    await writer.write(0, 2)

    async with receiving(port) as receiver:
        await receiver.until_accepted(4)
        assert {event["id"] for event in receiver.events} == set(writer.written)

    assert {attempt["error_code"] for attempt in attempts} == {"connection_refused"}
    assert len({attempt["package_id"] for attempt in attempts}) == 1


async def test_a_package_in_flight_is_sent_again_by_the_next_sender_when_its_sender_dies(
    dsn: str, sources: Sources, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    holding = Holding(status=500)
    receiver.answers = [holding]
    await subscribe(receiver.url)
    async with sending(dsn, sources) as first:
        await writer.write(0, 1)
        await receiver.until_received(1)
        await writer.write(0, 2)
        await first.vanish()
    holding.let_go.set()

    async with sending(dsn, sources):
        await receiver.until_accepted(4)

    cut_off, again = receiver.received[:2]
    assert (again.webhook_id, again.body) == (cut_off.webhook_id, cut_off.body)
    assert [event["id"] for event in again.events] == writer.written[:2]
    assert {event["id"] for event in receiver.events} == set(writer.written)


async def test_a_failed_package_is_rebuilt_to_the_byte_by_the_next_sender(
    dsn: str, sources: Sources, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    await subscribe(receiver.url)
    receiver.otherwise = answering(503)
    async with sending(dsn, sources) as first:
        await writer.write(3, 1, 2, 1, padding=50)
        await receiver.until_received(2)
        await first.end()
    await writer.write(1, 3)
    receiver.otherwise = answering(200)

    async with sending(dsn, sources):
        await receiver.until_accepted(6)

    failed = receiver.received[0]
    assert (receiver.accepted[0].webhook_id, receiver.accepted[0].body) == (failed.webhook_id, failed.body)


async def test_a_restart_keeps_the_wait_and_a_change_by_the_client_ends_it(
    dsn: str, sources: Sources, receiver: Receiver, subscribe: Subscribe, writer: EventWriter, connection: Any
) -> None:
    failing = await subscribe(f"{receiver.url}/failing")
    schedule = RetrySchedule(waits_seconds=(3600,))
    receiver.answers = [answering(500)]
    async with sending(dsn, sources, schedule=schedule) as first:
        await writer.write(0)
        await until_attempts(connection, failing.id, 1)
        await first.end()
    other = await subscribe(f"{receiver.url}/other")

    async with sending(dsn, sources, schedule=schedule) as second:
        await second.until_owning(failing.number, other.number)
        await writer.write(0)
        await receiver.until_accepted(1)
        assert [request.path for request in receiver.received] == ["/failing", "/other"]
        await PostgresSubscriptions(connection).change(failing)
        await receiver.until_accepted(3)

    assert [request.path for request in receiver.received] == ["/failing", "/other", "/failing", "/failing"]
    assert receiver.received[2].body == receiver.received[0].body


@dataclass(frozen=True)
class ShiftedClock:
    """A clock that is wrong."""

    clock: Clock
    by: timedelta

    def now(self) -> datetime:
        return self.clock.now() + self.by


@pytest.mark.parametrize("by", [timedelta(hours=3), timedelta(days=-400)])
async def test_waiting_goes_by_the_database_s_clock_however_wrong_the_sender_s_is(
    dsn: str, sources: Sources, receiver: Receiver, subscribe: Subscribe, writer: EventWriter, by: timedelta
) -> None:
    wrong = replace(sources, clock=ShiftedClock(sources.clock, by))
    failing = await subscribe(f"{receiver.url}/failing")
    receiver.answers = [answering(500), answering(500)]
    async with sending(dsn, wrong) as first:
        await writer.write(0)
        await receiver.until_accepted(1)
        await first.end()
    assert len(receiver.received) == 3

    receiver.answers = [answering(500)]
    schedule = RetrySchedule(waits_seconds=(3600,))
    async with sending(dsn, sources, schedule=schedule) as second:
        await writer.write(0)
        await until_attempts(writer.connection, failing.id, 4)
        await second.end()
    other = await subscribe(f"{receiver.url}/other")
    async with sending(dsn, wrong) as third:
        await third.until_owning(failing.number, other.number)
        await writer.write(0)
        await receiver.until_accepted(2)
        assert [request.path for request in receiver.received[3:]] == ["/failing", "/other"]


async def test_the_wait_grows_and_is_never_shorter_than_retry_after_asks(
    dsn: str, sources: Sources, receiver: Receiver, subscribe: Subscribe, writer: EventWriter, connection: Any
) -> None:
    subscription = await subscribe(receiver.url)
    receiver.answers = [answering(500), answering(503, retry_after="1200"), answering(503, retry_after="999999")]
    waits = []
    async with sending(dsn, sources, schedule=RetrySchedule(waits_seconds=(100, 200, 300))):
        await writer.write(0)
        for attempt in range(1, 4):
            made = (await until_attempts(connection, subscription.id, attempt))[-1]
            cursor = await cursor_of(connection, subscription.id)
            assert cursor["attempts"] == attempt
            waits.append((cursor["next_attempt_at"] - made["sent_at"]) // timedelta(seconds=100))
            await PostgresSubscriptions(connection).change(subscription)

    assert waits == [1, 12, 36]


async def until_disabled(subscriptions: PostgresSubscriptions, subscription: Subscription) -> Subscription:
    async with asyncio.timeout(20):
        while (stored := await subscriptions.get(subscription.client_id, subscription.id)).enabled:
            await asyncio.sleep(0.01)
    return stored


async def test_gone_disables_the_subscription_and_enabling_it_goes_on_where_it_stopped(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter, connection: Any
) -> None:
    subscription = await subscribe(receiver.url)
    receiver.answers = [answering(410)]
    await writer.write(0, 1)
    await until_attempts(connection, subscription.id, 1)
    subscriptions = PostgresSubscriptions(connection)
    disabled = await until_disabled(subscriptions, subscription)
    await writer.write(0)

    assert disabled.disabled_reason == "the receiver answered 410: nothing more is wanted there"
    await subscriptions.change(subscription)
    await receiver.until_accepted(3)

    assert receiver.accepted[0].body == receiver.received[0].body
    enabled = await subscriptions.get(subscription.client_id, subscription.id)
    assert (enabled.enabled, enabled.disabled_reason) == (True, None)


async def test_a_redirect_is_a_failure_and_is_not_followed(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter, connection: Any
) -> None:
    subscription = await subscribe(f"{receiver.url}/here")
    receiver.answers = [answering(status, location=f"{receiver.url}/elsewhere") for status in (301, 302, 307, 308)]
    await writer.write(0)

    await receiver.until_accepted(1)

    assert [request.path for request in receiver.received] == ["/here"] * 5
    attempts = await until_attempts(connection, subscription.id, 5)
    assert [(attempt["status_code"], attempt["error_code"]) for attempt in attempts] == [
        (301, "redirected"),
        (302, "redirected"),
        (307, "redirected"),
        (308, "redirected"),
        (204, None),
    ]


async def test_a_receiver_that_does_not_answer_holds_up_nobody_else(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    holding = Holding()
    async with receiving() as slow:
        slow.otherwise = holding
        await subscribe(slow.url)
        await subscribe(receiver.url)
        for _ in range(20):
            await writer.write(0, 1)
            await receiver.until_accepted(len(writer.written))

        assert len(slow.received) == 1
        holding.let_go.set()
        await slow.until_accepted(40)
        assert [event["id"] for event in slow.events[:2]] == writer.written[:2]


async def test_no_answer_in_time_is_a_failure(
    dsn: str, sources: Sources, receiver: Receiver, subscribe: Subscribe, writer: EventWriter, connection: Any
) -> None:
    holding = Holding()
    receiver.answers = [holding]
    subscription = await subscribe(receiver.url)
    async with sending(dsn, sources, sending_limits=SendingLimits(total_seconds_max=0.2)):
        await writer.write(0)
        await receiver.until_received(2)
        holding.let_go.set()
        attempts = await until_attempts(connection, subscription.id, 2)

    assert [attempt["error_code"] for attempt in attempts] == ["timeout", None]
    assert receiver.received[0].body == receiver.received[1].body


async def test_attempts_are_noted_with_what_they_carried(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter, connection: Any
) -> None:
    subscription = await subscribe(receiver.url)
    receiver.answers = [answering(500)]
    ids = await writer.write(1, 1)

    failed, delivered = await until_attempts(connection, subscription.id, 2)

    assert (failed["attempt"], failed["status_code"], failed["error_code"]) == (1, 500, "failed")
    assert (delivered["attempt"], delivered["status_code"], delivered["error_code"]) == (2, 204, None)
    assert failed["event_ids"] == delivered["event_ids"]
    assert [str(event_id) for event_id in delivered["event_ids"]] == ids
    assert delivered["body_bytes"] == len(receiver.accepted[0].body)
    assert str(delivered["package_id"]) == receiver.accepted[0].webhook_id
