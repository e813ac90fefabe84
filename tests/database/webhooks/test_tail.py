"""Subscriptions that are up to date read together; those that fall behind read alone until they are back."""

from contextlib import AsyncExitStack

from orderlane.sources import Sources
from orderlane.workers.sender import SenderLimits
from tests.database.webhooks.conftest import Subscribe
from tests.database.webhooks.events import EventWriter
from tests.database.webhooks.receivers import Receiver, receiving
from tests.database.webhooks.senders import RunningSender, sending
from tests.database.webhooks.subscriptions import new_client
from tests.database.webhooks.test_failures import Holding

SELDOM = SenderLimits(poll_seconds=2, redistribute_seconds=600)


async def test_each_subscription_gets_its_own_whoever_reads_along(
    sender: RunningSender, subscribe: Subscribe, writer: EventWriter, sources: Sources
) -> None:
    clients = [writer.client_id, *[await new_client(writer.connection, sources) for _ in range(2)]]
    topics = [("ALL",), ("ORDER",), ("EXECUTION", "POSITION")]
    async with AsyncExitStack() as stack:
        receivers: dict[tuple[int, int], Receiver] = {}
        for number, client_id in enumerate(clients):
            for kind, types in enumerate(topics):
                receiver = await stack.enter_async_context(receiving())
                await subscribe(receiver.url, client_id=client_id, types=types, max_package_bytes=1200)
                receivers[number, kind] = receiver
        written: dict[tuple[int, int], list[str]] = {key: [] for key in receivers}
        for turn in range(60):
            number, is_order = turn % 3, turn % 2
            event_type = "ORDER.NEW" if is_order else "EXECUTION.FILLED"
            ids = await writer.write(0, 0, event_type=event_type, client_id=clients[number])
            for kind in (0, 1 if is_order else 2):
                written[number, kind] += ids
        for key, receiver in receivers.items():
            await receiver.until_accepted(len(written[key]))

        for key, receiver in receivers.items():
            assert [event["id"] for event in receiver.events] == written[key]


async def test_many_subscriptions_are_told_that_there_is_nothing_with_one_statement(
    dsn: str, sources: Sources, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    stranger = await new_client(writer.connection, sources)
    idle = [await subscribe(receiver.url, client_id=stranger) for _ in range(40)]
    subscription = await subscribe(receiver.url)
    async with sending(dsn, sources, limits=SELDOM) as running:
        await running.until_owning(subscription.number, *(other.number for other in idle))
        await writer.write(0)
        await receiver.until_accepted(1)
        before = running.count.total
        for _ in range(30):
            await writer.write(0, 1)
            await receiver.until_accepted(len(writer.written))
        statements = running.count.total - before
        await running.end()

    assert statements <= 5 * 30  # far from one for each subscription and event


async def test_a_slow_receiver_falls_behind_and_comes_back_in_order(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    holding = Holding()
    async with receiving() as slow:
        slow.answers = [holding]
        await subscribe(slow.url, max_package_bytes=1500)
        await subscribe(receiver.url, max_package_bytes=1500)
        for turn in range(60):
            await writer.write(turn % 2, turn % 2)
            await receiver.until_accepted(len(writer.written))
        assert len(slow.received) == 1
        holding.let_go.set()
        for turn in range(20):
            await writer.write(turn % 2)
        for either in (slow, receiver):
            await either.until_accepted(len(writer.written))
            for lane in range(2):
                places = [event["object"]["position"] for event in either.events if event["object"]["lane"] == lane]
                assert places == list(range(1, 71))


MESSAGE = ("PORTFOLIO_ORDER.PROCESSING", "ORDER.NEW", "EXECUTION.FILLED", "ORDER.FILLED")


async def test_each_subscription_gets_its_own_of_segments_that_all_read_together(
    sender: RunningSender, subscribe: Subscribe, writer: EventWriter
) -> None:
    topics = {("ALL",): [0, 1, 2, 3], ("ORDER",): [1, 3], ("EXECUTION", "PORTFOLIO_ORDER"): [0, 2]}
    async with AsyncExitStack() as stack:
        receivers = []
        for types, frames in topics.items():
            for max_package_bytes in (700, 65536):
                receiver = await stack.enter_async_context(receiving())
                await subscribe(receiver.url, types=types, max_package_bytes=max_package_bytes)
                receivers.append((receiver, frames))
        for _ in range(30):
            await writer.write(1, 1, types=MESSAGE)
        for receiver, frames in receivers:
            await receiver.until_accepted(60 * len(frames))

        for receiver, frames in receivers:
            places = [(event["object"]["position"], event["object"]["frame"]) for event in receiver.events]
            assert places == [(position, frame) for position in range(1, 61) for frame in frames]
