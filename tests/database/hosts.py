"""A database server behind a network: one that can fall silent."""

import asyncio
import ctypes
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit

SO_ATTACH_FILTER = 26
RETURN_NOTHING = 0x06


class Host:
    """Passes TCP connections on to the server's Unix socket, until it is told not to."""

    def __init__(self, server_socket: str) -> None:
        self._server_socket = server_socket
        self._answering = asyncio.Event()
        self._answering.set()
        self._writers: list[asyncio.StreamWriter] = []
        self._pumps: set[asyncio.Task[None]] = set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(self._server_socket)
        self._writers += [writer, server_writer]
        for one in (self._pump(reader, server_writer), self._pump(server_reader, writer)):
            task = asyncio.create_task(one)
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                await self._answering.wait()
                writer.write(data)
                await writer.drain()
        writer.close()

    def hang(self) -> None:
        """Pass nothing on: the server's programs hang, its kernel still answers."""
        self._answering.clear()

    def resume(self) -> None:
        self._answering.set()

    def vanish(self) -> None:
        """Answer nothing, not even in the kernel: the host lost its power, or its network."""
        self.hang()
        for writer in self._writers:
            connected = writer.get_extra_info("socket")
            if connected.family == socket.AF_INET:
                drop_everything(connected)

    async def close(self) -> None:
        for task in list(self._pumps):
            task.cancel()
        for writer in self._writers:
            writer.close()


def drop_everything(connected: socket.socket) -> None:
    """Have the kernel drop each packet that comes for the socket, before it is acknowledged."""
    instruction = ctypes.create_string_buffer(RETURN_NOTHING.to_bytes(2, "little") + bytes(6), 8)
    program = (1).to_bytes(2, "little") + bytes(6) + ctypes.addressof(instruction).to_bytes(8, "little")
    connected.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)


@asynccontextmanager
async def reached_over_network(dsn: str) -> AsyncIterator[tuple[str, Host]]:
    """The address of a database on loopback, and the host that it seems to be on."""
    url = urlsplit(dsn)
    query = parse_qs(url.query)
    host = Host(f"{query['host'][0]}/.s.PGSQL.{query['port'][0]}")
    server = await asyncio.start_server(host.accept, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield f"postgresql://{url.username}@127.0.0.1:{port}{url.path}?sslmode=disable", host
    finally:
        server.close()
        await host.close()
