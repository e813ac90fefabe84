"""What a subscriber gets: everything, in order, signed, and the same bytes again until it says 2xx."""

from tests.database.webhooks.conftest import Subscribe
from tests.database.webhooks.events import EventWriter
from tests.database.webhooks.receivers import Receiver, answering
from tests.database.webhooks.senders import RunningSender


def lanes_in_order(events: list[dict]) -> dict[int, list[int]]:
    lanes: dict[int, list[int]] = {}
    for event in events:
        lanes.setdefault(event["object"]["lane"], []).append(event["object"]["position"])
    return lanes


async def test_events_arrive_with_the_id_of_their_subscription(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    subscription = await subscribe(f"{receiver.url}/hooks?a=1")
    ids = await writer.write(3, 3, 3)

    await receiver.until_accepted(3)

    assert [event["id"] for event in receiver.events] == ids
    assert {event["webhook_id"] for event in receiver.events} == {subscription.id}
    assert {request.path for request in receiver.received} == {"/hooks?a=1"}
    assert {request.headers["content-type"] for request in receiver.received} == {"application/json"}


async def test_order_holds_across_requests_while_the_receiver_fails_now_and_then(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    await subscribe(receiver.url, max_package_bytes=1500)
    receiver.answers = [answering(status) for status in (500, 503, 404, 302, 429, 500)]
    for turn in range(60):
        await writer.write(turn % 4, (turn + 1) % 4)

    await receiver.until_accepted(120)

    assert lanes_in_order(receiver.events) == {lane: list(range(1, 31)) for lane in range(4)}
    assert len(receiver.accepted) > 20
    assert receiver.in_flight_max == 1


async def test_a_retry_carries_the_same_bytes_and_the_same_webhook_id(
    sender: RunningSender, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    await subscribe(receiver.url)
    receiver.answers = [answering(500)] * 3
    await writer.write(2)
    await receiver.until_received(1)
    await writer.write(2, 1)
    await receiver.until_accepted(3)

    first = receiver.received[0]
    assert [(request.webhook_id, request.body) for request in receiver.received[:4]] == [
        (first.webhook_id, first.body)
    ] * 4
    assert receiver.received[4].webhook_id != first.webhook_id
