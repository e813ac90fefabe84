"""A process that receives every webhook and remembers what came when. It checks nothing while it receives.

Started as `python -m benchmarks.sink`; it prints its address as a line, and ends with its standard input.

`POST /webhooks` takes webhooks, `GET /progress` counts them, `GET /arrivals` tells all of them, `POST /forget` begins
anew.
"""

import asyncio
import sys
import time

import msgspec
import uvloop
from aiohttp import web
from msgspec import Struct

BODY_BYTES_MAX = 2 * 1024 * 1024
FINAL = frozenset({"PORTFOLIO_ORDER.FILLED", "PORTFOLIO_ORDER.CANCELLED"})


class Event(Struct, frozen=True):
    """What the checks need of an event."""

    id: str
    type: str
    sequence: int | None
    portfolio_order_id: str


class Package(Struct, frozen=True):
    """The body of a webhook request."""

    payload: list[Event]


class Arrival(Struct, frozen=True, array_like=True):
    """An event, the request that brought it, and when that had come in whole (seconds since 1970)."""

    received_at: float
    request: int
    event: Event


class Progress(Struct, frozen=True):
    """How much has come."""

    requests: int
    events: int
    final: int
    body_bytes: int


_decode = msgspec.json.Decoder(Package).decode


class Sink:
    """Everything that came, in the order in which it came."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.arrivals: list[Arrival] = []
        self.requests = self.final = self.body_bytes = 0

    async def receive(self, request: web.Request) -> web.Response:
        """Take one webhook request."""
        body = await request.read()
        received_at = time.time()
        self.requests += 1
        self.body_bytes += len(body)
        for event in _decode(body).payload:
            self.arrivals.append(Arrival(received_at, self.requests, event))
            self.final += event.type in FINAL
        return web.Response(status=204)

    async def progress(self, _: web.Request) -> web.Response:
        """How much has come."""
        counts = Progress(self.requests, len(self.arrivals), self.final, self.body_bytes)
        return web.Response(body=msgspec.json.encode(counts), content_type="application/json")

    async def tell_arrivals(self, _: web.Request) -> web.Response:
        """All that has come."""
        return web.Response(body=msgspec.json.encode(self.arrivals), content_type="application/json")

    async def begin_anew(self, _: web.Request) -> web.Response:
        """Forget what has come."""
        self.forget()
        return web.Response(status=204)


async def serve() -> None:
    """Receive until standard input ends."""
    sink = Sink()
    application = web.Application(client_max_size=BODY_BYTES_MAX)
    application.router.add_post("/webhooks", sink.receive)
    application.router.add_get("/progress", sink.progress)
    application.router.add_get("/arrivals", sink.tell_arrivals)
    application.router.add_post("/forget", sink.begin_anew)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(serve())
