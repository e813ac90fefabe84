"""A process that places portfolio orders over HTTP: reads a `Load` as JSON from standard input, prints the `Answers`.

Without a rate, each of its clients places the next order when the last one is answered. With a rate, orders are placed
at that rate, however long the answers take.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from uuid import uuid4

import msgspec
import uvloop
from msgspec import Struct

from benchmarks.wire import ClientConnection, request_head
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
        self._idle: list[ClientConnection] = []
        self.answers: list[Answer] = []

    async def place(self, body: bytes) -> None:
        """Place one portfolio order, over a connection that is idle or a new one."""
        connection = self._idle.pop() if self._idle else await ClientConnection.open(self._load.url)
        head = request_head("POST", self._load.url, PATH, self._headers(body), body)
        sent_at, began = time.time(), time.perf_counter()
        response = await connection.request(head, body)
        seconds = time.perf_counter() - began
        self._idle.append(connection)
        placed = _read_id(response.body).id if response.status == ACCEPTED else response.body.decode(errors="replace")
        self.answers.append(Answer(sent_at, seconds, response.status, placed))

    def close(self) -> None:
        """End every connection."""
        for connection in self._idle:
            connection.close()

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
    """Place everything. The processor time does not include the start of the process."""
    bodies = iter([body.encode() for body in load.bodies])
    placer, begun_cpu = Placer(load), time.process_time()
    if load.rate is not None:
        await placer.keep_pace(bodies, load.rate)
    else:
        await asyncio.gather(*(placer.take_turns(bodies) for _ in range(load.clients)))
    spent = time.process_time() - begun_cpu
    placer.close()
    return Answers(placer.answers, spent)


if __name__ == "__main__":
    done = uvloop.run(run(msgspec.json.decode(sys.stdin.buffer.read(), type=Load)))
    sys.stdout.buffer.write(msgspec.json.encode(done))
