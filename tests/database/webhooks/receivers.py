"""A subscriber's server on loopback: real HTTP, its answers told by the test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

WAIT_SECONDS_MAX = 30


@dataclass(frozen=True)
class Received:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def events(self) -> list[dict[str, Any]]:
        return msgspec.json.decode(self.body)["payload"]

    @property
    def webhook_id(self) -> str:
        return self.headers["webhook-id"]


Answer = Callable[[Received], Awaitable[web.Response]]


async def accept(_: Received) -> web.Response:
    return web.Response(status=204)


def answering(status: int, **headers: str) -> Answer:
    async def answer(_: Received) -> web.Response:
        return web.Response(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer


@dataclass
class Receiver:
    """Notes every request, and answers with what is next in `answers`, else with `otherwise`."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    accepted: list[Received] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    otherwise: Answer = accept
    in_flight: int = 0
    in_flight_max: int = 0
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        received = Received(
            request.raw_path, {name.lower(): value for name, value in request.headers.items()}, await request.read()
        )
        self.in_flight += 1
        self.in_flight_max = max(self.in_flight_max, self.in_flight)
        try:
            async with self._news:
                self.received.append(received)
                self._news.notify_all()
            response = await (self.answers.pop(0) if self.answers else self.otherwise)(received)
            if 200 <= response.status < 300:
                async with self._news:
                    self.accepted.append(received)
                    self._news.notify_all()
            return response
        finally:
            self.in_flight -= 1

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that requests bring about."""
        async with asyncio.timeout(WAIT_SECONDS_MAX), self._news:
            await self._news.wait_for(condition)

    async def until_received(self, count: int) -> None:
        await self.until(lambda: len(self.received) >= count)

    async def until_accepted(self, event_count: int) -> None:
        await self.until(lambda: len(self.events) >= event_count)

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events of the requests that were answered with 2xx, in their order."""
        return [event for request in self.accepted for event in request.events]


@asynccontextmanager
async def receiving(port: int = 0) -> AsyncIterator[Receiver]:
    """A receiver that listens for as long as the context lasts."""
    receiver = Receiver()
    application = web.Application(client_max_size=4 * 1024 * 1024)
    application.router.add_route("*", "/{rest:.*}", receiver.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        await runner.cleanup()
