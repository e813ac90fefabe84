"""Every request is signed in both ways, as libraries written by others verify on what really arrived."""

import asyncio
import json
from datetime import timedelta
from types import SimpleNamespace

import asyncpg
import standardwebhooks
from http_message_signatures import HTTPMessageVerifier, algorithms
from http_message_signatures.resolvers import MappingKeyResolver
from msgspec.structs import replace

from orderlane.http_signatures import verify_webhook
from orderlane.postgres.connection import open_pool
from orderlane.postgres.webhooks import PostgresWebhookKeys
from orderlane.sources import Sources
from orderlane.webhooks.signing import KeyRing, new_key, new_secret
from tests.database.webhooks.conftest import Subscribe
from tests.database.webhooks.events import EventWriter
from tests.database.webhooks.receivers import Received, Receiver, answering
from tests.database.webhooks.senders import LIMITS, RunningSender, sending


def verify_message(received: Received, url: str, ring: KeyRing) -> int:
    """Verify the RFC 9421 signatures with the library; how many there are."""
    request = SimpleNamespace(method="POST", url=url.partition("/hooks")[0] + received.path, headers=received.headers)
    keys = {key_id: key.pem.encode() for key_id, key in ring.published.items()}
    verifier = HTTPMessageVerifier(
        signature_algorithm=algorithms.ED25519, key_resolver=MappingKeyResolver(public_keys=keys, private_keys={})
    )
    return len(verifier.verify(request, expect_tag="orderlane-webhook", body=received.body))


async def test_what_arrives_is_signed_for_both_kinds_of_receivers(
    sender: RunningSender,
    receiver: Receiver,
    subscribe: Subscribe,
    writer: EventWriter,
    connection: asyncpg.Connection,
    sources: Sources,
) -> None:
    url = f"{receiver.url}/hooks/%7Ea?tenant=1&b=%20"
    subscription = await subscribe(url)
    receiver.answers = [answering(500)]
    await writer.write(0, 1)
    await receiver.until_accepted(2)
    ring = KeyRing(sender.store.keys, sources)
    await ring.refresh()

    for received in receiver.received:
        assert standardwebhooks.Webhook(subscription.secret).verify(received.body, received.headers) == json.loads(
            received.body
        )
        verified = verify_webhook(
            received.headers, received.body, sources.clock.now(), keys=list(ring.published.values())
        )
        assert verified.scheme == "v1a"
        assert verify_message(received, url, ring) == 1
        assert url.endswith(received.path)
    assert len(receiver.received) == 2


async def test_keys_and_secrets_rotate_with_overlap(
    dsn: str,
    sources: Sources,
    receiver: Receiver,
    subscribe: Subscribe,
    writer: EventWriter,
    connection: asyncpg.Connection,
) -> None:
    subscription = await subscribe(receiver.url)
    now = sources.clock.now()
    previous = new_secret(sources.tokens)
    await connection.execute(
        "UPDATE webhook_subscriptions SET previous_secret = $2, previous_secret_expires_at = $3 WHERE id = $1",
        subscription.id,
        previous,
        now + timedelta(hours=1),
    )
    pool = await open_pool(dsn, "tests", size_max=2)
    keys = PostgresWebhookKeys(pool)
    old, new = new_key(sources), new_key(sources)
    await keys.ensure(old)
    await keys.rotate(replace(new, created_at=now + timedelta(seconds=1)), now + timedelta(hours=1))
    ring = KeyRing(keys, sources)
    await ring.refresh()
    assert list(ring.published) == [new.id, old.id]

    async with sending(dsn, sources):
        await writer.write(0)
        await receiver.until_accepted(1)

    (received,) = receiver.accepted
    for secret in (subscription.secret, previous):
        standardwebhooks.Webhook(secret).verify(received.body, received.headers)
    for key in ring.published.values():
        verify_webhook(received.headers, received.body, sources.clock.now(), keys=[key])
    assert verify_message(received, receiver.url, ring) == 2
    assert [key.id for key in await keys.active(now + timedelta(hours=2))] == [new.id]
    await pool.close()


async def test_a_running_sender_signs_with_a_new_key_soon(
    dsn: str, sources: Sources, receiver: Receiver, subscribe: Subscribe, writer: EventWriter
) -> None:
    await subscribe(receiver.url)
    async with sending(dsn, sources, limits=replace(LIMITS, keys_seconds=0.0)) as running:
        await writer.write(0)
        await receiver.until_accepted(1)
        new = new_key(sources)
        await running.store.keys.rotate(new, sources.clock.now())
        async with asyncio.timeout(20):
            while f'keyid="{new.id}"' not in receiver.accepted[-1].headers["signature-input"]:
                await writer.write(0)
                await receiver.until_accepted(len(writer.written))

    assert receiver.accepted[-1].headers["signature-input"].count("keyid=") == 1


async def test_processes_that_start_together_make_one_key(dsn: str, sources: Sources) -> None:
    pool = await open_pool(dsn, "tests", size_max=8)
    rings = [KeyRing(PostgresWebhookKeys(pool), sources) for _ in range(8)]

    await asyncio.gather(*(ring.refresh() for ring in rings))

    assert len({tuple(ring.published) for ring in rings}) == 1
    assert len(rings[0].published) == 1
    await pool.close()
