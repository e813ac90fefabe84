"""The server with as many connections as it may have, over real sockets."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import uvicorn

from orderlane.api.http_protocol import http_protocol
from tests.unit.api.test_http_protocol import REQUEST_ID, Application

CONNECTIONS_MAX = 3
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

    async def begin(self) -> None:
        """Send the beginning of a request."""
        self._writer.write(REQUEST[:20])
        await self._writer.drain()

    async def rest(self) -> bytes:
        """What comes until the server closes the connection."""
        return await self._reader.read()


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A server with room for a few connections."""
    protocol = http_protocol(lambda: REQUEST_ID, CONNECTIONS_MAX)
    config = uvicorn.Config(Application(), http=protocol, lifespan="off", log_config=None, server_header=False)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await server.startup(sockets=[listener])
        yield listener.getsockname()[1]
        await server.shutdown(sockets=[listener])


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Caller]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            yield Caller(reader, writer)
    finally:
        writer.close()


async def test_a_new_connection_closes_the_oldest_that_is_idle(port: int) -> None:
    async with AsyncExitStack() as stack:
        callers = [await stack.enter_async_context(connected(port)) for _ in range(CONNECTIONS_MAX)]
        for caller in callers:
            assert await caller.ask() == 200
        await callers[0].begin()

        async with connected(port) as newcomer:
            assert await newcomer.ask() == 200
        assert await callers[1].rest() == b""
        assert await callers[2].ask() == 200


async def test_when_none_is_idle_a_new_connection_is_told_to_come_again(port: int) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(CONNECTIONS_MAX):
            caller = await stack.enter_async_context(connected(port))
            assert await caller.ask() == 200
            await caller.begin()

        async with connected(port) as newcomer:
            head, _, body = (await newcomer.rest()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 2" in head.lower()
        assert json.loads(body)["type"] == "http://127.0.0.1:8080/errors/overloaded"
