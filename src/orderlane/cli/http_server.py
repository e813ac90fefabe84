"""The API's HTTP server as a part of a process."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.config import Config

from orderlane.api.http_protocol import CONNECTIONS_MAX, http_protocol
from orderlane.api.problem_types import PUBLIC_URL_DEFAULT
from orderlane.cli.outcome import CommandRefused

BACKLOG = 2048
FINISH_SECONDS_MAX = 5
KEEP_ALIVE_SECONDS = 75
"""Longer than clients and proxies keep an idle connection: who closes first must not be the server, or a POST that is
just being sent over it gets no answer."""


class Listener:
    """A socket bound once, and kept while the server behind it is made anew.

    It does not listen before `listen` is called: until there is a server, connections are refused and do not hang.

    Raises:
        CommandRefused: the address cannot be listened on.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._socket = _bind(host, port)

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def listen(self) -> None:
        """Take connections from now on.

        Raises:
            CommandRefused: another program has begun to listen there meanwhile.
        """
        try:
            self._socket.listen(BACKLOG)
        except OSError as error:
            raise _not_listening(self._host, self._port, error) from error

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def reachable_url(self) -> str:
        """An address under which this machine reaches it: where it listens, unless that is every address."""
        host, port = self._socket.getsockname()[:2]
        return {"0.0.0.0": f"http://127.0.0.1:{port}", "::": f"http://[::1]:{port}"}.get(host, self.url)  # noqa: S104

    def duplicate(self) -> socket.socket:
        """The same socket once more, for a server that closes its own."""
        return self._socket.dup()


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            bound.bind(address)
        except BaseException:
            bound.close()
            raise
    except OSError as error:
        raise _not_listening(host, port, error) from error
    return bound


def _not_listening(host: str, port: int, error: OSError) -> CommandRefused:
    return CommandRefused(
        f"cannot listen on {host}, port {port}: {error.strerror}; choose another with --host and --port"
    )


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process has its own."""

    def __init__(self, config: Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, and say so."""
        await super().startup(sockets)
        if self.started:
            self._on_started()


class HttpServer:
    """Serves an ASGI application, whose lifespan is its owner's business, on a listener."""

    def __init__(
        self,
        application: Any,
        listener: Listener,
        new_id: Callable[[], str],
        on_started: Callable[[], None],
        trusted_proxies: str | None = None,
        connections_max: int = CONNECTIONS_MAX,
        public_url: str = PUBLIC_URL_DEFAULT,
    ) -> None:
        self._listener = listener
        self._server = _Server(
            Config(
                application,
                http=http_protocol(new_id, connections_max, public_url),
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=trusted_proxies is not None,
                forwarded_allow_ips=trusted_proxies or "",
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=FINISH_SECONDS_MAX,
            ),
            on_started,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then let requests finish."""
        serving = asyncio.create_task(self._server.serve(sockets=[self._listener.duplicate()]))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            self._server.should_exit = True
            await serving
