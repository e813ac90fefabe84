"""A process that places portfolio orders over HTTP: reads a `Load` as JSON from standard input, prints the `Answers`.

Without a rate, each of its clients places the next order when the last one is answered. With a rate, orders are placed
at that rate, however long the answers take.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from typing import Self
from uuid import uuid4

import aiohttp
import msgspec
import uvloop
from msgspec import Struct

from orderlane_client.signing import RequestSigner

ACCEPTED = 202
PATH = "/portfolios/orders"


class Load(Struct, frozen=True):
    """What to place: each of `bodies` once. `key_pem` signs every request with the Ed25519 key named `key_id`."""

    url: str
    access_token: str
    bodies: list[str]
    clients: int
    rate: float | None = None
    key_id: str = ""
    key_pem: str = ""


class Answer(Struct, frozen=True, array_like=True):
    """One request: when it was sent (seconds since 1970), how long it took, and what came back."""

    sent_at: float
    seconds: float
    status: int
    portfolio_order_id: str


class Answers(Struct, frozen=True):
    """Every request, in the order in which they were answered, and the processor time that placing them took."""

    answers: list[Answer]
    cpu_seconds: float


class _Placed(Struct, frozen=True):
    id: str


_read_id = msgspec.json.Decoder(_Placed).decode


class Placer:
    """Places portfolio orders and notes how each went."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._signer = RequestSigner.from_pem(load.key_id, load.key_pem) if load.key_pem else None
        self.answers: list[Answer] = []

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def place(self, body: bytes) -> None:
        """Place one portfolio order."""
        headers = self._headers(body)
        sent_at, began = time.time(), time.perf_counter()
        async with self._session.post(self._load.url + PATH, data=body, headers=headers) as response:
            content = await response.read()
        seconds = time.perf_counter() - began
        placed = _read_id(content).id if response.status == ACCEPTED else content.decode(errors="replace")
        self.answers.append(Answer(sent_at, seconds, response.status, placed))

    def _headers(self, body: bytes) -> dict[str, str]:
        headers = {
            "accept": "application/json",
            "authorization": f"Bearer {self._load.access_token}",
            "content-type": "application/json",
            "idempotency-key": str(uuid4()),
        }
        if self._signer is not None:
            headers |= self._signer.sign("POST", PATH, headers, body)
        return headers

    async def take_turns(self, bodies: Iterator[bytes]) -> None:
        """Be one client: place the next order when the last one is answered."""
        for body in bodies:
            await self.place(body)

    async def keep_pace(self, bodies: Iterator[bytes], rate: float) -> None:
        """Place orders at a rate, in orders a second."""
        began = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as tasks:
            for number, body in enumerate(bodies):
                await asyncio.sleep(began + number / rate - asyncio.get_running_loop().time())
                tasks.create_task(self.place(body))


async def run(load: Load) -> Answers:
    """Place everything."""
    bodies = iter([body.encode() for body in load.bodies])
    async with Placer(load) as placer:
        if load.rate is not None:
            await placer.keep_pace(bodies, load.rate)
        else:
            await asyncio.gather(*(placer.take_turns(bodies) for _ in range(load.clients)))
    return Answers(placer.answers, time.process_time())


if __name__ == "__main__":
    done = uvloop.run(run(msgspec.json.decode(sys.stdin.buffer.read(), type=Load)))
    sys.stdout.buffer.write(msgspec.json.encode(done))
