"""HTTP/1.1 over bare asyncio protocols, so that load generator and sink cost little beside what they measure.

Both read with httptools, the parser that the service's own server uses. A connection carries one request at a time.
"""

import asyncio
from collections.abc import Callable
from typing import Self, cast
from urllib.parse import urlsplit

import httptools
from msgspec import Struct

Respond = Callable[[str, str, bytes], bytes | None]
"""Take a request (method, path, body) and give the JSON of a 200 answer, or None for 204 without a body."""


class Response(Struct, frozen=True):
    """What came back."""

    status: int
    body: bytes


class ClientConnection(asyncio.Protocol):
    """One connection to a server, which stays open."""

    def __init__(self) -> None:
        self._answered: asyncio.Future[Response] | None = None
        self._body: list[bytes] = []

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect to the server at `url`. Raises OSError."""
        address = urlsplit(url)
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, address.hostname or "", address.port or 80)
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what to write to. Called by the event loop."""
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        """Read on. Called by the event loop."""
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the request that is under way. Called by the event loop."""
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(exc or ConnectionResetError("the server closed the connection"))

    async def request(self, head: bytes, body: bytes) -> Response:
        """Send one request and wait for its answer. Raises OSError when the connection ends instead."""
        if self._transport.is_closing():
            raise ConnectionResetError("the server closed the connection")
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(head + body)
        return await self._answered

    def close(self) -> None:
        """End the connection."""
        self._transport.close()

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the answer. Called by the parser."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Hand the answer over. Called by the parser."""
        body, self._body = b"".join(self._body), []
        assert self._answered is not None
        self._answered.set_result(Response(self._parser.get_status_code(), body))


class ServerConnection(asyncio.Protocol):
    """One connection from a client, each of whose requests `respond` answers at once."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what to write to. Called by the event loop."""
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpRequestParser(self)
        self.on_message_begin()

    def data_received(self, data: bytes) -> None:
        """Read on. Called by the event loop."""
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        """Begin a request. Called by the parser."""
        self._path, self._body = b"", list[bytes]()

    def on_url(self, url: bytes) -> None:
        """Keep a piece of the path. Called by the parser."""
        self._path += url

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body. Called by the parser."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Answer. Called by the parser."""
        answer = self._respond(self._parser.get_method().decode(), self._path.decode(), b"".join(self._body))
        if answer is None:
            self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        else:
            head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(answer)}\r\n\r\n"
            self._transport.write(head.encode() + answer)


def request_head(method: str, url: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    """The head of a request, from its first line to the empty one."""
    lines = [f"{method} {path} HTTP/1.1", f"host: {urlsplit(url).netloc}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()
