"""The HTTP protocol under attack, byte by byte over real sockets: what is no request never reaches the application."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from structlog.testing import capture_logs

from orderlane.api.http_protocol import HEAD_BYTES_MAX, BoundedHttpProtocol, http_protocol

REQUEST_ID = "0190163d-8694-739b-aea5-966c26f8ad91"
ANSWER_SECONDS_MAX = 10


@dataclass
class Application:
    """Remembers what reaches it, and answers with the headers that it sees once it has read the body."""

    seen: list[str] = field(default_factory=list)
    filling: bytes = b""
    held: asyncio.Event | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        has_more, body = True, b""
        while has_more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, has_more = body + message.get("body", b""), message.get("more_body", False)
        self.seen.append(f"{scope['method']} {scope['path']}")
        if self.held is not None:
            await self.held.wait()
        names = [name.decode() for name, _ in scope["headers"]]
        answer = self.filling or json.dumps({"names": names, "body": body.decode()}).encode()
        head = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(answer))]}
        await send(head)
        await send({"type": "http.response.body", "body": answer})


@dataclass
class Server:
    application: Application
    port: int
    running: uvicorn.Server

    def connections(self) -> int:
        """How many connections the server has."""
        return len(self.running.server_state.connections)

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
        yield Server(application, listener.getsockname()[1], running)
        await running.shutdown(sockets=[listener])


def problem(answer: bytes, status: int = 400) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0].startswith(b"HTTP/1.1 %d " % status)
    assert b"cache-control: no-store" in lines
    assert b"x-content-type-options: nosniff" in lines
    assert b"content-type: application/problem+json" in lines
    assert b"connection: close" in lines
    assert f"upvest-request-id: {REQUEST_ID}".encode() in lines
    document: dict[str, Any] = json.loads(body)
    return document


@contextmanager
def slow_client(port: int) -> Iterator[socket.socket]:
    """A client with little room for what it does not read."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(ANSWER_SECONDS_MAX)
        client.connect(("127.0.0.1", port))
        yield client


async def logged(lines: Sequence[MutableMapping[str, Any]], event: str) -> MutableMapping[str, Any]:
    """The first line of that event, as soon as it is there."""
    async with asyncio.timeout(ANSWER_SECONDS_MAX):
        while not (found := [line for line in lines if line["event"] == event]):
            await asyncio.sleep(0.01)
    return found[0]


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

    assert document["type"] == "http://127.0.0.1:8080/errors/malformed_request"
    assert document["request_id"] == REQUEST_ID
    assert "GET /smuggled" not in server.application.seen


FLOOD = b"b" * 4096


@pytest.mark.parametrize(
    ("head", "piece", "status"),
    [
        (b"GET /a HTTP/1.1\r\nHost: x\r\n", b"A: " + FLOOD + b"\r\n", 431),
        (b"GET /a HTTP/1.1\r\nHost: x\r\nA: ", FLOOD, 431),
        (b"GET /a HTTP/1.1\r\nHost: x\r\n", FLOOD, 431),
        (b"GET /", FLOOD, 414),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"A: " + FLOOD + b"\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n5;", FLOOD, 400),
    ],
    ids=["headers", "header's value", "header's name", "request line", "trailers", "chunk extension"],
)
async def test_what_never_ends_is_ended(server: Server, head: bytes, piece: bytes, status: int) -> None:
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

    assert " more than 32768 bytes" in f" {problem(await answer, status)['detail']}"
    assert sent < 1_000_000
    assert server.application.seen == []


async def test_a_large_head_in_one_piece_is_refused(server: Server) -> None:
    lines = b"".join(b"a%d: b\r\n" % number for number in range(HEAD_BYTES_MAX))
    answer = await server.exchange(b"GET /a HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n")

    assert answer == b"" or problem(answer, 431)
    assert server.application.seen == []


@pytest.mark.parametrize("target", [b"/" + b"x" * 60_000, b"/?a=" + b"x" * 60_000], ids=["path", "query"])
async def test_path_and_query_count(server: Server, target: bytes) -> None:
    document = problem(await server.exchange(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED), 414)

    assert document["type"] == "http://127.0.0.1:8080/errors/target_too_long"
    assert server.application.seen == []


async def test_path_and_headers_count_together(server: Server) -> None:
    half = b"x" * (HEAD_BYTES_MAX // 2)
    fits = b"GET /" + half[200:] + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nA: " + half[200:] + b"\r\n\r\n"
    document = problem(
        await server.exchange(b"GET /" + half + b" HTTP/1.1\r\nHost: x\r\nA: " + half + b"\r\n\r\n"), 431
    )

    assert document["type"] == "http://127.0.0.1:8080/errors/head_too_large"
    assert server.application.seen == []
    assert (await server.exchange(fits)).startswith(b"HTTP/1.1 200")


HOSTS = {
    "none": (b"1.1", b"", "is missing, but HTTP/1.1 demands it"),
    "two": (b"1.1", b"Host: a\r\nHost: b\r\n", "is given twice"),
    "the same twice": (b"1.1", b"Host: a\r\nHost: a\r\n", "is given twice"),
    "two in HTTP/1.0": (b"1.0", b"Host: a\r\nHost: b\r\n", "is given twice"),
    "empty": (b"1.1", b"Host:\r\n", "must be a name or an address, with a port or without"),
    "a path": (b"1.1", b"Host: a/b\r\n", "must be a name or an address, with a port or without"),
    "a list": (b"1.1", b"Host: a, b\r\n", "must be a name or an address, with a port or without"),
    "a user": (b"1.1", b"Host: user@a\r\n", "must be a name or an address, with a port or without"),
    "no port": (b"1.1", b"Host: a:b\r\n", "must be a name or an address, with a port or without"),
}


@pytest.mark.parametrize("kind", HOSTS)
async def test_a_request_names_one_host(server: Server, kind: str) -> None:
    version, lines, message = HOSTS[kind]
    document = problem(await server.exchange(b"GET /a HTTP/" + version + b"\r\n" + lines + b"\r\n" + SMUGGLED))

    assert document["errors"] == [{"field": "host", "message": message}]
    assert server.application.seen == []


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.0\r\n",
        b"HTTP/1.0\r\nHost: a\r\n",
        b"HTTP/1.1\r\nConnection: close\r\nHost: a.example:8080\r\n",
        b"HTTP/1.1\r\nConnection: close\r\nHost: [2001:db8::1]:80\r\n",
        b"HTTP/1.1\r\nConnection: close\r\nHost: a_b.internal\r\n",
    ],
)
async def test_a_host_that_is_one_and_http_1_0_without(server: Server, head: bytes) -> None:
    assert (await server.exchange(b"GET /a " + head + b"\r\n")).startswith(b"HTTP/1.1 200")


async def test_a_target_has_no_fragment(server: Server) -> None:
    document = problem(await server.exchange(b"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n"))

    assert "no fragment" in document["detail"]
    assert server.application.seen == []


async def test_tls_at_the_plain_port_is_told_in_the_log(server: Server) -> None:
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200)
    with capture_logs() as lines:
        document = problem(await server.exchange(hello))

    [line] = [line for line in lines if line["event"] == "connection_refused"]
    assert document["detail"] == line["reason"]
    assert line["reason"].startswith("this is TLS, but the port serves plain HTTP")
    assert (line["log_level"], line["status"], line["request_id"]) == ("warning", 400, REQUEST_ID)
    assert line["client"].startswith("127.0.0.1:")


async def test_a_request_under_way_is_not_answered_by_the_refusal_of_what_follows(server: Server) -> None:
    """A client that had its POST answered by such a 400 would take a thing that happens for one that does not."""
    server.application.held = asyncio.Event()
    answer = await server.exchange(POST + b"Content-Length: 2\r\n\r\nab" + b"NO HTTP\r\n\r\n")
    server.application.held.set()

    assert answer == b""


@pytest.mark.parametrize("close", [b"Connection: close\r\n", b""], ids=["closing", "kept alive"])
async def test_a_client_that_does_not_take_its_answer_is_cut_off(
    server: Server, close: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedHttpProtocol, "unread_seconds_max", 0.2)
    server.application.filling = b"x" * 20_000_000
    with capture_logs() as lines, slow_client(server.port) as client:
        client.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\n" + close + b"\r\n")
        address = f"127.0.0.1:{client.getsockname()[1]}"
        line = await logged(lines, "answer_not_read")
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            while server.connections():
                await asyncio.sleep(0.01)

    assert line["client"] == address
    assert line["unread_bytes"] > 10_000_000
    assert line["taken_bytes"] + line["unread_bytes"] > len(server.application.filling)


async def test_a_client_that_takes_its_answer_slowly_gets_all_of_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lets the server's buffer stand full over many looks, but takes more than the least between two of them."""
    monkeypatch.setattr(BoundedHttpProtocol, "unread_seconds_max", 1.0)
    server.application.filling = b"x" * 20_000_000
    taken, loop = 0, asyncio.get_running_loop()
    with slow_client(server.port) as client:
        client.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        client.setblocking(False)
        started = loop.time()
        async with asyncio.timeout(60):
            while data := await loop.sock_recv(client, 200_000):
                taken += len(data)
                if loop.time() - started < 3:
                    await asyncio.sleep(0.02)

    assert taken > 20_000_000


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
