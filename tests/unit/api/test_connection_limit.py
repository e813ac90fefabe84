"""The server with as many connections as it may have, over real sockets."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psutil
import pytest
import uvicorn

from orderlane.api import open_connections
from orderlane.api.http_protocol import http_protocol
from tests.unit.api.test_http_protocol import REQUEST_ID, Application

CONNECTIONS_MAX = 3
CLIENTS = 12
LARGE_ANSWER_BYTES = 100_000
"""More than the buffers of both ends take, less than what makes the application wait for the reader's pace."""
REQUEST = b"GET /x HTTP/1.1\r\nhost: a\r\n\r\n"
WAIT_SECONDS_MAX = 10


class Caller:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self) -> int:
        """Send a request and read its answer; the status."""
        self._writer.write(REQUEST)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        await self._reader.readexactly(length)
        return int(head.split()[1])

    async def send(self, request: bytes) -> None:
        """Send it, and read nothing."""
        self._writer.write(request)
        await self._writer.drain()

    async def begin(self) -> None:
        """Send the beginning of a request."""
        await self.send(REQUEST[:20])

    async def line(self) -> bytes:
        """The next line that comes."""
        return await self._reader.readline()

    async def rest(self) -> bytes:
        """What comes until the server closes the connection."""
        return await self._reader.read()


@dataclass
class Server:
    """A server with room for a few connections."""

    application: Application
    port: int

    def descriptors(self) -> int:
        """How many sockets of callers this process has open at the server's end."""
        every = psutil.Process().net_connections("tcp")
        return len([one for one in every if one.status != psutil.CONN_LISTEN and one.laddr[1] == self.port])

    async def settle_at(self, descriptors: int) -> None:
        """Wait until so many are open."""
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while self.descriptors() != descriptors:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def served(application: Any, keep_alive_seconds: int = 75) -> AsyncIterator[int]:
    """Serve the application with room for a few connections; the port."""
    protocol = http_protocol(lambda: REQUEST_ID, CONNECTIONS_MAX)
    config = uvicorn.Config(
        application,
        http=protocol,
        lifespan="off",
        log_config=None,
        server_header=False,
        timeout_keep_alive=keep_alive_seconds,
    )
    config.load()
    running = uvicorn.Server(config)
    running.lifespan = config.lifespan_class(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await running.startup(sockets=[listener])
        yield listener.getsockname()[1]
        await running.shutdown(sockets=[listener])


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    application = Application()
    async with served(application) as port:
        yield Server(application, port)


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Caller]:
    """A caller with little room for what it does not read."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=client, limit=4096)
    try:
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            yield Caller(reader, writer)
    finally:
        writer.close()


async def seen(server: Server, requests: int) -> None:
    """Wait until the application has had so many requests."""
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while len(server.application.seen) < requests:
            await asyncio.sleep(0.01)


async def is_told_to_come_again(server: Server) -> None:
    async with connected(server.port) as newcomer:
        head, _, body = (await newcomer.rest()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 2" in head.lower()
    assert json.loads(body)["type"] == "http://127.0.0.1:8080/errors/overloaded"


async def test_a_new_connection_closes_the_one_that_has_been_idle_longest(server: Server) -> None:
    async with AsyncExitStack() as stack:
        callers = [await stack.enter_async_context(connected(server.port)) for _ in range(CONNECTIONS_MAX)]
        for caller in (callers[1], callers[0], callers[2]):
            assert await caller.ask() == 200

        async with connected(server.port) as newcomer:
            assert await newcomer.ask() == 200
        assert await callers[1].rest() == b""
        assert await callers[0].ask() == 200
        assert await callers[2].ask() == 200


async def test_while_every_connection_has_a_request_a_new_one_is_told_to_come_again(server: Server) -> None:
    server.application.held = asyncio.Event()
    async with AsyncExitStack() as stack:
        callers = [await stack.enter_async_context(connected(server.port)) for _ in range(CONNECTIONS_MAX)]
        asked = [asyncio.create_task(caller.ask()) for caller in callers]
        await seen(server, CONNECTIONS_MAX)

        await is_told_to_come_again(server)
        server.application.held.set()
        assert await asyncio.gather(*asked) == [200] * CONNECTIONS_MAX


@pytest.mark.parametrize("pipelined", [1, 20])
async def test_answers_that_nobody_reads_hold_no_more_descriptors_than_there_are_connections(
    server: Server, pipelined: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_connections, "STALLED_SECONDS_MIN", 0.0)
    server.application.filling = b"x" * LARGE_ANSWER_BYTES
    async with AsyncExitStack() as stack:
        for count in range(1, CLIENTS + 1):
            caller = await stack.enter_async_context(connected(server.port))
            await caller.send(REQUEST * pipelined)
            await seen(server, count)
            await server.settle_at(min(count, CONNECTIONS_MAX))

        async with connected(server.port) as proper:
            assert await proper.ask() == 200
            await server.settle_at(CONNECTIONS_MAX)


async def test_clients_that_say_nothing_keep_nobody_out(server: Server) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(CLIENTS):
            await stack.enter_async_context(connected(server.port))
        await server.settle_at(CONNECTIONS_MAX)
        await asks_twice(server)


async def test_clients_that_begin_a_head_keep_nobody_out(server: Server) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(CLIENTS):
            caller = await stack.enter_async_context(connected(server.port))
            await caller.begin()
        await server.settle_at(CONNECTIONS_MAX)
        await asks_twice(server)


async def test_clients_that_begin_a_body_keep_others_out_for_a_moment_only(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with AsyncExitStack() as stack:
        callers = [await stack.enter_async_context(connected(server.port)) for _ in range(CONNECTIONS_MAX)]
        for caller in callers:
            await caller.send(b"POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n")
            await caller.line()

        await is_told_to_come_again(server)
        monkeypatch.setattr(open_connections, "STALLED_SECONDS_MIN", 0.0)
        await asks_twice(server)


async def asks_twice(server: Server) -> None:
    async with connected(server.port) as proper:
        assert [await proper.ask(), await proper.ask()] == [200, 200]
        assert server.descriptors() == CONNECTIONS_MAX


async def test_a_connection_is_idle_again_after_a_body_that_comes_later_than_the_answer() -> None:
    async def answer_at_once(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async with served(answer_at_once, keep_alive_seconds=1) as port, connected(port) as caller:
        await caller.send(b"POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n")
        assert await caller.line() == b"HTTP/1.1 401 Unauthorized\r\n"
        await caller.send(b"12345")
        assert (await caller.rest()).endswith(b"\r\n\r\n")
