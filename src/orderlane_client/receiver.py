"""A server that receives webhooks: it verifies every signature, drops what it has seen, hands events on in order."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from time import monotonic, time
from typing import Self
from uuid import UUID

import msgspec
from aiohttp import web
from msgspec import Struct

from orderlane_client.resources import WebhookEvent
from orderlane_client.signatures import ReceivedRequest, WebhookRefused, WebhookVerifier

BODY_BYTES_MAX = 2 * 1024 * 1024
REMEMBERED_EVENTS_MAX = 100_000
STOP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event with the number of the request that brought it.

    `received_at` is when that came, in seconds of the monotonic clock; `seconds_since_transition` is how long that was
    after the event's `created_at`, by the clocks of sender and receiver.
    """

    event: WebhookEvent
    request: int
    received_at: float
    seconds_since_transition: float


@dataclass(slots=True)
class Received:
    """How much came: requests, events, and events seen before, all with good signatures; requests refused."""

    requests: int = 0
    events: int = 0
    duplicates: int = 0
    refused: int = 0


class Package(Struct, frozen=True):
    """The body of a webhook request."""

    payload: list[WebhookEvent]


class WebhookReceiver:
    """Listens for webhooks while its `async with` block lasts; iterate over it for the events.

    Args:
        verifier: checks the signatures. It may be set later, as the secret is known only when the subscription is
            made; until then every request is put off with 503.
        host: the address to listen on.
        port: the port; 0 takes any free one.
    """

    def __init__(self, verifier: WebhookVerifier | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        self.verifier = verifier
        self.received = Received()
        self.refusals: asyncio.Queue[str] = asyncio.Queue()
        self._host, self._port = host, port
        self._seen: OrderedDict[UUID, None] = OrderedDict()
        self._events: asyncio.Queue[ReceivedEvent] = asyncio.Queue()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=BODY_BYTES_MAX)
        application.router.add_post("/{path:.*}", self._receive)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=STOP_SECONDS)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self._host}:{self._port}/webhooks"

    async def __aiter__(self) -> AsyncIterator[ReceivedEvent]:
        while True:
            yield await self._events.get()

    async def next(self) -> ReceivedEvent:
        """Wait for the next event."""
        return await self._events.get()

    async def _receive(self, request: web.Request) -> web.Response:
        received_at, arrived_at = monotonic(), time()
        body = await request.read()
        if self.verifier is None:
            return web.Response(status=503, text="not ready")
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = ReceivedRequest(request.method, f"http://{request.host}{request.raw_path}", headers, body)
        try:
            self.verifier.verify(received)
            package = msgspec.json.decode(body, type=Package)
        except (WebhookRefused, msgspec.MsgspecError) as refusal:
            self.received.refused += 1
            self.refusals.put_nowait(str(refusal))
            return web.Response(status=400, text=str(refusal))
        self.received.requests += 1
        for event in package.payload:
            transit = arrived_at - event.created_at.timestamp()
            self._hand_on(ReceivedEvent(event, self.received.requests, received_at, transit))
        return web.Response(status=204)

    def _hand_on(self, received: ReceivedEvent) -> None:
        if received.event.id in self._seen:
            self.received.duplicates += 1
            return
        self._seen[received.event.id] = None
        if len(self._seen) > REMEMBERED_EVENTS_MAX:
            self._seen.popitem(last=False)
        self.received.events += 1
        self._events.put_nowait(received)
