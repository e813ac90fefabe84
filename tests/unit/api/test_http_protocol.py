"""The HTTP protocol under attack, byte by byte over real sockets: what is no request never reaches the application."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn

from orderlane.api.http_protocol import HEAD_BYTES_MAX, BoundedHttpProtocol, http_protocol

REQUEST_ID = "0190163d-8694-739b-aea5-966c26f8ad91"
ANSWER_SECONDS_MAX = 10


@dataclass
class Application:
    """Remembers what reaches it, and answers with the headers that it sees once it has read the body."""

    seen: list[str] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        has_more, body = True, b""
        while has_more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, has_more = body + message.get("body", b""), message.get("more_body", False)
        self.seen.append(f"{scope['method']} {scope['path']}")
        names = [name.decode() for name, _ in scope["headers"]]
        answer = json.dumps({"names": names, "body": body.decode()}).encode()
        head = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(answer))]}
        await send(head)
        await send({"type": "http.response.body", "body": answer})


@dataclass
class Server:
    application: Application
    port: int

    async def exchange(self, *pieces: bytes) -> bytes:
        """Send the pieces, one after the other; everything that comes back until the connection is closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    application = Application()
    config = uvicorn.Config(
        application, http=http_protocol(lambda: REQUEST_ID), lifespan="off", log_config=None, server_header=False
    )
    config.load()
    running = uvicorn.Server(config)
    running.lifespan = config.lifespan_class(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await running.startup(sockets=[listener])
        yield Server(application, listener.getsockname()[1])
        await running.shutdown(sockets=[listener])


def problem(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 400 Bad Request"
    assert b"content-type: application/problem+json" in lines
    assert b"connection: close" in lines
    assert f"upvest-request-id: {REQUEST_ID}".encode() in lines
    document: dict[str, Any] = json.loads(body)
    return document


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: x\r\n"
NO_REQUESTS = {
    "length and chunked": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "the same length twice": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
    "signed length": POST + b"Content-Length: +5\r\n\r\nabcde",
    "unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked not last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "folded header": b"GET /a HTTP/1.1\r\nHost: x\r\nA: b\r\n c: d\r\n\r\n",
    "bare line feeds": b"GET /a HTTP/1.1\nHost: x\n\n",
    "NUL in a header": b"GET /a HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n",
    "tunnel": b"CONNECT a:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    "raw UTF-8 in the path": "GET /ü HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("kind", NO_REQUESTS)
async def test_what_is_no_request_is_refused_and_nothing_after_it_is_read(server: Server, kind: str) -> None:
    document = problem(await server.exchange(NO_REQUESTS[kind] + SMUGGLED))

    assert document["type"] == "/errors/malformed_request"
    assert document["request_id"] == REQUEST_ID
    assert "GET /smuggled" not in server.application.seen


FLOOD = b"b" * 4096


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"GET /a HTTP/1.1\r\nHost: x\r\n", b"A: " + FLOOD + b"\r\n"),
        (b"GET /a HTTP/1.1\r\nHost: x\r\nA: ", FLOOD),
        (b"GET /a HTTP/1.1\r\nHost: x\r\n", FLOOD),
        (b"GET /", FLOOD),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"A: " + FLOOD + b"\r\n"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n5;", FLOOD),
    ],
    ids=["headers", "header's value", "header's name", "request line", "trailers", "chunk extension"],
)
async def test_what_never_ends_is_ended(server: Server, head: bytes, piece: bytes) -> None:
    """The client would go on for ever; it is cut off after little more than the limit."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(head)
    sent = 0
    async with asyncio.timeout(ANSWER_SECONDS_MAX):
        answer = asyncio.ensure_future(reader.read())
        while not answer.done() and not writer.is_closing():
            writer.write(piece)
            sent += len(piece)
            await asyncio.wait((answer,), timeout=0.001)
    writer.close()

    assert problem(await answer)["detail"].startswith(("more than 32768 bytes", "Invalid HTTP"))
    assert sent < 1_000_000
    assert server.application.seen == []


async def test_a_large_head_in_one_piece_is_refused(server: Server) -> None:
    lines = b"".join(b"a%d: b\r\n" % number for number in range(HEAD_BYTES_MAX))
    answer = await server.exchange(b"GET /a HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n")

    assert answer == b"" or problem(answer)
    assert server.application.seen == []


async def test_a_large_body_is_none_of_its_business(server: Server) -> None:
    body = b"x" * (4 * HEAD_BYTES_MAX)
    head = POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)

    assert (await server.exchange(head, body)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("pieces", [1, 2])
async def test_trailer_fields_are_no_headers(server: Server, pieces: int) -> None:
    head = POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"
    rest = b"0\r\nAuthorization: Bearer evil\r\nUpvest-Client-Id: evil\r\n\r\n"
    answer = await server.exchange(*([head + rest] if pieces == 1 else [head, rest]))

    seen = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert seen == {"names": ["host", "connection", "transfer-encoding"], "body": "abcde"}


async def test_requests_follow_each_other_on_one_connection(server: Server) -> None:
    one = b"POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde"
    last = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = await server.exchange(b"".join(one % number for number in range(20)) + last)

    assert answer.count(b"HTTP/1.1 200") == 21
    assert server.application.seen == [*(f"POST /{number}" for number in range(20)), "GET /last"]


@pytest.mark.parametrize(
    "piece",
    [
        b"",
        b"GET /a HTT",
        b"GET /a HTTP/1.1\r\nHost: x\r\n",
        POST + b"Content-Length: 5\r\n\r\nab",
    ],
    ids=["nothing", "half a line", "half a head", "half a body"],
)
async def test_a_request_that_does_not_arrive_is_given_up(
    server: Server, piece: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedHttpProtocol, "receive_seconds_max", 0.05)

    assert await server.exchange(piece) == b""
    assert server.application.seen == []
