"""The transport's connections that are kept for the next request: how many, and which are none."""

import asyncio
import socket
from contextlib import AsyncExitStack, suppress

import pytest

from orderlane.ports.webhooks import WebhookNotSent
from orderlane.webhooks.sending import HttpTransport, SendingLimits
from tests.unit.webhooks.peers import DEVELOPMENT, NO_CONTENT, Talk, drip, hang_up, peer, refused, saying, silent


async def test_a_bounded_number_of_connections_is_kept() -> None:
    limits = SendingLimits(connections_kept_max=1)
    async with peer(NO_CONTENT) as one, peer(NO_CONTENT) as other, HttpTransport(DEVELOPMENT, limits) as transport:
        for _ in range(3):
            for each in (one, other):
                assert (await transport.post(f"http://127.0.0.1:{each.port}/", {}, b"{}")).status == 204

    assert (one.connections, other.connections) == (1, 3)


def closing(text: str) -> Talk:
    async def talk(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(text.encode())
        writer.close()

    return talk


NOT_KEPT = {
    "no answer": hang_up,
    "a silent receiver": silent,
    "half an answer": drip,
    "an answer that is too long": saying("HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + "x" * 5000),
    "an answer that says close": closing("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
    "an answer of old": closing("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
}
ONE_KEPT = SendingLimits(connect_seconds_max=0.2, total_seconds_max=0.3, answer_bytes_max=1000, connections_kept_max=1)


async def connections_of_two_requests(transport: HttpTransport) -> int:
    """How many connections a receiver that is well sees."""
    async with peer(NO_CONTENT) as well:
        for _ in range(2):
            assert (await transport.post(f"http://127.0.0.1:{well.port}/", {}, b"{}")).status == 204
    return well.connections


@pytest.mark.parametrize("kind", NOT_KEPT)
async def test_a_connection_that_is_not_kept_takes_no_room(kind: str) -> None:
    async with peer(NOT_KEPT[kind]) as one, HttpTransport(DEVELOPMENT, ONE_KEPT) as transport:
        with suppress(WebhookNotSent):
            await transport.post(f"http://127.0.0.1:{one.port}/", {}, b"{}")

        assert one.connections == 1
        assert await connections_of_two_requests(transport) == 1


async def test_a_connection_that_is_refused_takes_no_room() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with HttpTransport(DEVELOPMENT, ONE_KEPT) as transport:
        assert await refused(transport, f"http://127.0.0.1:{port}/") == "connection_refused"
        assert await connections_of_two_requests(transport) == 1


async def test_a_connection_that_is_not_made_in_time_takes_no_room() -> None:
    async with peer(silent) as one, HttpTransport(DEVELOPMENT, ONE_KEPT) as transport:
        assert await refused(transport, f"https://localhost:{one.port}/") == "connect_timeout"
        assert await connections_of_two_requests(transport) == 1


@pytest.mark.thorough
async def test_idle_connections_are_never_more_than_are_kept() -> None:
    """Those idle for too long are closed once in ten seconds only: some of the first eleven are open after 16."""
    limits = SendingLimits(connections_kept_max=10, keep_alive_seconds=10.0)
    async with AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(peer(NO_CONTENT)) for _ in range(21)]
        transport = await stack.enter_async_context(HttpTransport(DEVELOPMENT, limits))
        for seconds, some in ((0, peers[:1]), (3, peers[1:11]), (13, peers[11:])):
            await asyncio.sleep(seconds)
            for one in some:
                assert (await transport.post(f"http://127.0.0.1:{one.port}/", {}, b"{}")).status == 204
            await asyncio.sleep(0.1)
            assert sum(one.open for one in peers) <= 10
