"""Receivers on real sockets that say whatever a test wants, and what a transport tells of them."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from orderlane.ports.webhooks import WebhookNotSent
from orderlane.webhooks.addresses import AddressGuard
from orderlane.webhooks.sending import HttpTransport

DEVELOPMENT = AddressGuard(allow_insecure=True)
Talk = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


class Peer:
    """A server that speaks whatever the test says; it reads one request at a time, and notes them."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.requests: list[bytes] = []
        self.connections = 0
        self.open = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0] or 0)
                self.requests.append(head + await reader.readexactly(length))
                await self._talk(head, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def peer(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    one = Peer(talk)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0, ssl=tls)
    one.port = server.sockets[0].getsockname()[1]
    async with server:
        yield one


def saying(text: str) -> Talk:
    async def talk(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(text.encode())

    return talk


async def silent(_: bytes, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def hang_up(_: bytes, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def drip(_: bytes, writer: asyncio.StreamWriter) -> None:
    """Begin an answer, and do not end it."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx")
    await asyncio.Event().wait()


FOREIGN_WORDS = re.compile(r"(?i)errno|ssl:|_ssl|call failed|connect call|cannot connect to host|127\.0\.0\.1|Error\b")
"""What the libraries say of hosts, ports and errors, which is nobody's business but the log's."""

NO_CONTENT = saying("HTTP/1.1 204 No Content\r\nX-Answer: yes\r\n\r\n")


async def refused(transport: HttpTransport, url: str) -> str:
    """The code of the failure, whose sentence is one of ours."""
    return (await failure(transport, url)).code


async def failure(transport: HttpTransport, url: str) -> WebhookNotSent:
    with pytest.raises(WebhookNotSent) as not_sent:
        await transport.post(url, {"webhook-id": "1"}, b"{}")
    detail = not_sent.value.detail
    assert not FOREIGN_WORDS.search(detail), detail
    return not_sent.value
