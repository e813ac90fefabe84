"""A process that receives every webhook and remembers what came when. It reads no body while it receives.

Started as `python -m benchmarks.sink`; it prints its address as a line, and ends with its standard input.

`POST /webhooks` takes webhooks, `GET /progress` counts them, `GET /arrivals` tells all of them, `POST /forget` begins
anew.
"""

import asyncio
import sys
import time

import msgspec
import uvloop
from msgspec import Struct

from benchmarks.wire import ServerConnection

EVENT_MARK = b'"webhook_id":'
"""What a body has once for each of its events."""


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
    body_bytes: int


class Received(Struct, frozen=True):
    """One webhook request as it came."""

    received_at: float
    body: bytes


_decode = msgspec.json.Decoder(Package).decode


class Sink:
    """Everything that came, in the order in which it came. Bodies are decoded when somebody asks for the arrivals."""

    def __init__(self) -> None:
        self._received: list[Received] = []
        self._events = self._body_bytes = 0

    def respond(self, method: str, path: str, body: bytes) -> bytes | None:
        """Answer one request. Raises KeyError when the sink has no such route."""
        return {
            ("POST", "/webhooks"): self._receive,
            ("GET", "/progress"): self._progress,
            ("GET", "/arrivals"): self._arrivals,
            ("POST", "/forget"): self._forget,
        }[method, path](body)

    def _receive(self, body: bytes) -> None:
        self._received.append(Received(time.time(), body))
        self._events += body.count(EVENT_MARK)
        self._body_bytes += len(body)

    def _progress(self, _: bytes) -> bytes:
        return msgspec.json.encode(Progress(len(self._received), self._events, self._body_bytes))

    def _arrivals(self, _: bytes) -> bytes:
        return msgspec.json.encode(
            [
                Arrival(one.received_at, number, event)
                for number, one in enumerate(self._received, 1)
                for event in _decode(one.body).payload
            ]
        )

    def _forget(self, _: bytes) -> None:
        self._received.clear()
        self._events = self._body_bytes = 0


async def serve() -> None:
    """Receive until standard input ends."""
    sink = Sink()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: ServerConnection(sink.respond), "127.0.0.1", 0)
    async with server:
        print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(serve())
