"""The receiver as a server: verified, deduplicated, in order."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
import pytest

from orderlane.http_signatures import WebhookSecret, WebhookSigner, WebhookSigningKey, key_set
from orderlane_client import WebhookReceiver, WebhookVerifier

KEY = WebhookSigningKey("key-1", b"k" * 32)
SECRET = WebhookSecret(b"s" * 32)


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    verifier = WebhookVerifier(key_set({"key-1": KEY.public_key})["keys"], [SECRET.text])
    async with WebhookReceiver(verifier) as receiver:
        yield receiver


def event(number: int) -> dict[str, Any]:
    return {
        "id": str(UUID(int=number)),
        "created_at": "2021-07-21T14:10:00.000Z",
        "type": "ORDER.NEW",
        "object": {"cash_amount": "333.33"},
        "webhook_id": str(UUID(int=1000)),
        "sequence": number,
        "portfolio_order_id": str(UUID(int=2000)),
    }


async def send(url: str, *numbers: int, tampered: bool = False) -> int:
    body = msgspec.json.encode({"payload": [event(number) for number in numbers]})
    headers = WebhookSigner(url, [KEY], [SECRET]).sign("message-1", datetime.now(UTC), body)
    sent = body + b" " if tampered else body
    async with aiohttp.ClientSession() as session, session.post(url, data=sent, headers=headers) as answer:
        return answer.status


async def test_events_come_out_in_their_order_and_each_once(receiver: WebhookReceiver) -> None:
    assert await send(receiver.url, 1, 2) == 204
    assert await send(receiver.url, 2, 3) == 204

    got = [await receiver.next() for _ in range(3)]
    assert [(one.event.sequence, one.request) for one in got] == [(1, 1), (2, 1), (3, 2)]
    assert got[0].received_at <= got[2].received_at
    told = receiver.received
    assert (told.requests, told.events, told.duplicates, told.refused) == (2, 3, 1, 0)


async def test_a_forged_request_is_refused_and_nothing_of_it_is_handed_on(receiver: WebhookReceiver) -> None:
    assert await send(receiver.url, 1, tampered=True) == 400
    assert (await receiver.refusals.get()).startswith("v1: ")

    assert await send(receiver.url, 7) == 204
    assert (await receiver.next()).event.sequence == 7
    assert (receiver.received.refused, receiver.received.events) == (1, 1)


async def test_requests_are_put_off_until_the_secret_is_known() -> None:
    async with WebhookReceiver() as receiver:
        assert await send(receiver.url, 1) == 503


async def test_what_is_no_package_of_events_is_refused(receiver: WebhookReceiver) -> None:
    body = b'{"payload": 7}'
    headers = WebhookSigner(receiver.url, [KEY], [SECRET]).sign("message-1", datetime.now(UTC), body)
    async with aiohttp.ClientSession() as session, session.post(receiver.url, data=body, headers=headers) as answer:
        assert answer.status == 400
