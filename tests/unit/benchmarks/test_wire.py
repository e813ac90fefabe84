"""Load generator and sink speak HTTP/1.1 to each other, and the sink remembers what came."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from benchmarks.sink import Arrival, Progress, Sink
from benchmarks.wire import ClientConnection, Response, ServerConnection, request_head

EVENT = '{{"id":"{0}","type":"ORDER.NEW","sequence":1,"portfolio_order_id":"p","webhook_id":"w"}}'


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[ClientConnection, str]]:
    sink = Sink()
    server = await asyncio.get_running_loop().create_server(lambda: ServerConnection(sink.respond), "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        connection = await ClientConnection.open(url)
        yield connection, url
        connection.close()


async def ask(connection: ClientConnection, url: str, method: str, path: str, body: bytes = b"") -> Response:
    return await connection.request(request_head(method, url, path, {"accept": "*/*"}, body), body)


async def test_every_event_is_counted_and_told_with_its_request() -> None:
    async with connected() as (connection, url):
        for ids in (("a", "b"), ("c",)):
            body = f'{{"payload":[{",".join(map(EVENT.format, ids))}]}}'.encode()
            assert await ask(connection, url, "POST", "/webhooks", body) == Response(204, b"")
        progress = msgspec.json.decode((await ask(connection, url, "GET", "/progress")).body, type=Progress)
        arrivals = msgspec.json.decode((await ask(connection, url, "GET", "/arrivals")).body, type=list[Arrival])

    assert (progress.requests, progress.events) == (2, 3)
    assert [(one.request, one.event.id) for one in arrivals] == [(1, "a"), (1, "b"), (2, "c")]


async def test_a_sink_forgets() -> None:
    async with connected() as (connection, url):
        await ask(connection, url, "POST", "/webhooks", f'{{"payload":[{EVENT.format("a")}]}}'.encode())
        await ask(connection, url, "POST", "/forget")
        answer = await ask(connection, url, "GET", "/progress")

    assert msgspec.json.decode(answer.body, type=Progress) == Progress(0, 0, 0)


async def test_a_large_body_arrives_whole() -> None:
    body = f'{{"payload":[{",".join([EVENT.format("a")] * 20_000)}]}}'.encode()
    async with connected() as (connection, url):
        await ask(connection, url, "POST", "/webhooks", body)
        progress = msgspec.json.decode((await ask(connection, url, "GET", "/progress")).body, type=Progress)

    assert progress == Progress(1, 20_000, len(body))


async def test_a_request_without_an_answer_is_an_error() -> None:
    async with connected() as (connection, url):
        with pytest.raises(OSError, match="closed"):
            await ask(connection, url, "GET", "/nowhere")
