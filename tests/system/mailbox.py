"""The subscriber's side: collects what a receiver hands on, over restarts of that receiver too."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from uuid import UUID

from orderlane_client import OrderlaneClient, ReceivedEvent, WebhookReceiver, WebhookVerifier
from tests.system.investors import TOPICS

FINAL = ("PORTFOLIO_ORDER.FILLED", "PORTFOLIO_ORDER.CANCELLED")
WAIT_SECONDS_MAX = 60


class Mailbox:
    """Events by arrival, each once; `refused` are the reasons of requests with a wrong signature."""

    def __init__(self, receiver: WebhookReceiver) -> None:
        self.receiver = receiver
        self.received: list[ReceivedEvent] = []
        self.final: set[UUID | None] = set()

    async def subscribe(self, client: OrderlaneClient) -> UUID:
        """Have events sent here, and trust the service's keys."""
        webhook = await client.create_webhook("system test", self.receiver.url, TOPICS, delay="0s")
        assert webhook.secret is not None
        self.receiver.verifier = WebhookVerifier(await client.verify_keys(), [webhook.secret])
        return webhook.id

    async def next(self) -> ReceivedEvent:
        received = await self.receiver.next()
        assert self.receiver.received.refused == 0, self.receiver.refusals.get_nowait()
        self.received.append(received)
        if received.event.type in FINAL:
            self.final.add(received.event.portfolio_order_id)
        return received

    async def until_final(self, portfolio_order_ids: Collection[UUID], seconds_max: float = WAIT_SECONDS_MAX) -> None:
        """Collect until the last event of each is here."""
        async with asyncio.timeout(seconds_max):
            while not self.final.issuperset(portfolio_order_ids):
                await self.next()

    async def until_count(self, count: int, seconds_max: float = WAIT_SECONDS_MAX) -> None:
        """Collect until so many events are here."""
        async with asyncio.timeout(seconds_max):
            while len(self.received) < count:
                await self.next()


@asynccontextmanager
async def open_mailbox() -> AsyncIterator[Mailbox]:
    async with WebhookReceiver() as receiver:
        yield Mailbox(receiver)
