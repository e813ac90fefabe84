"""Sending requests to subscribers over persistent connections, and telling why one could not be sent."""

import asyncio
import socket
import ssl
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from importlib.metadata import version
from time import perf_counter
from types import SimpleNamespace, TracebackType
from typing import Any, Final, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from msgspec import Struct
from yarl import URL

from orderlane.domain.ids import ClientId
from orderlane.ports.errors import Invalid
from orderlane.ports.webhooks import WebhookNotSent, WebhookResponse
from orderlane.webhooks.addresses import AddressGuard
from orderlane.webhooks.fair_shares import FairShares
from orderlane.webhooks.kept_connections import KeptConnections
from orderlane.webhooks.refusals import not_sent

_HEADERS: Final = {"user-agent": f"Orderlane/{version('orderlane')}", "accept": "*/*"}
_NEVER_SENT: Final = ("accept-encoding",)

NOBODY: Final = ClientId("")

_SENT_FOR: Final[ContextVar[ClientId]] = ContextVar("sent_for", default=NOBODY)
"""Whose request the running task sends: a lookup that belongs to it is counted in that client's share."""

ADDRESSES_MAX: Final = 2
"""How many addresses of a name are tried, one of each family where it has both: each may take a socket at once."""


class SendingLimits(Struct, frozen=True, kw_only=True):
    """How long a request may take, and how much of an answer is read.

    `total_seconds_max` counts everything, from looking up the name, and a second try too. That one begins within
    `resend_seconds_max`: its sender may have been frozen, and another one may be at work. Of the connections at most
    `connections_kept_max` are kept for further requests, each until it was idle for `keep_alive_seconds`; once in that
    time, those too old are closed, so it may be open for twice as long, and counts until then.
    """

    connect_seconds_max: float = 5.0
    total_seconds_max: float = 15.0
    resend_seconds_max: float = 1.0
    answer_bytes_max: int = 64 * 1024
    keep_alive_seconds: float = 60.0
    connections_kept_max: int = 1000
    name_lookups_max: int = 64


class HttpTransport:
    """Sends over HTTP, wherever the guard lets it. Use it as an asynchronous context: it holds connections."""

    def __init__(self, guard: AddressGuard, limits: SendingLimits | None = None) -> None:
        self._guard = guard
        self._limits = limits or SendingLimits()
        self._kept = KeptConnections(self._limits.connections_kept_max, self._limits.keep_alive_seconds)
        self._resolver = NameResolver(self._limits.name_lookups_max)
        self._keeping: aiohttp.ClientSession | None = None
        self._closing: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        tls = ssl.create_default_context()
        self._keeping = self._open_session(tls, keepalive_timeout=self._limits.keep_alive_seconds)
        self._closing = self._open_session(tls, force_close=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sessions = self._keeping, self._closing
        self._keeping = self._closing = None
        for session in sessions:
            if session is not None:
                await session.close()
        await self._resolver.close()

    def check_url(self, url: str) -> None:
        """Check whether requests may go there at all.

        Raises:
            Invalid: names the rule that the URL breaks.
        """
        self._guard.check_url(url)

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, client_id: ClientId = NOBODY
    ) -> WebhookResponse:
        """Send one request for a client, exactly these headers and bytes; no redirect is followed.

        Raises:
            WebhookNotSent: no answer came.
        """
        try:
            self._guard.check_url(url)
        except Invalid as rule:
            raise WebhookNotSent("url_refused", str(rule)) from None
        _SENT_FOR.set(client_id)
        try:
            async with asyncio.timeout(self._limits.total_seconds_max):
                return await self._tried(url, headers, body)
        except TimeoutError as error:
            raise not_sent(error) from error

    async def _tried(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookResponse:
        """A kept connection that the receiver closed just then says nothing about the receiver: once, try a new one."""
        use, began = _ConnectionUse(), perf_counter()
        target = URL(url, encoded=True)
        try:
            return await self._post(target, headers, body, use)
        except WebhookNotSent as failure:
            is_late = perf_counter() - began > self._limits.resend_seconds_max
            if failure.code != "disconnected" or not use.was_kept or is_late:
                raise
        return await self._post(target, headers, body, _ConnectionUse())

    async def _post(self, url: URL, headers: Mapping[str, str], body: bytes, use: "_ConnectionUse") -> WebhookResponse:
        """Send over a connection that is kept, if there is room for one more of these, else over one of its own."""
        assert self._keeping is not None, "the transport is used as an asynchronous context"
        assert self._closing is not None, "the transport is used as an asynchronous context"
        origin = str(url.origin())
        if not self._kept.begin(origin, perf_counter()):
            return await self._posted(self._closing, url, headers, body, use)
        try:
            return await self._posted(self._keeping, url, headers, body, use)
        finally:
            self._kept.end(origin, perf_counter(), is_kept=use.may_be_open)

    async def _posted(
        self,
        session: aiohttp.ClientSession,
        url: URL,
        headers: Mapping[str, str],
        body: bytes,
        use: "_ConnectionUse",
    ) -> WebhookResponse:
        try:
            async with session.post(
                url,
                data=body,
                headers=headers,
                allow_redirects=False,
                skip_auto_headers=_NEVER_SENT,
                trace_request_ctx=use,
            ) as response:
                answer = await self._read(response)
                use.may_be_open = response.content.at_eof() and not _is_last(response)
                fields = {name.lower(): value for name, value in response.headers.items()}
                return WebhookResponse(response.status, fields, answer)
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            raise not_sent(error) from error

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """The beginning of the answer; a connection whose answer goes on after it is not kept."""
        answer = bytearray()
        async for chunk in response.content.iter_any():
            answer += chunk
            if len(answer) > self._limits.answer_bytes_max:
                response.close()
                break
        return bytes(answer[: self._limits.answer_bytes_max])

    def _open_session(self, tls: ssl.SSLContext, **keeping: Any) -> aiohttp.ClientSession:
        limits = self._limits
        connector = aiohttp.TCPConnector(
            limit=0,
            resolver=self._resolver,
            socket_factory=self._guard.open_socket,
            ssl=tls,
            ttl_dns_cache=30,
            **keeping,
        )
        timeout = aiohttp.ClientTimeout(
            total=None,
            connect=limits.connect_seconds_max,
            sock_connect=limits.connect_seconds_max,
            ceil_threshold=limits.connect_seconds_max + 1,  # exact timeouts, not rounded up to whole seconds
        )
        return aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            headers=_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            trace_configs=[_watching_connections()],
        )


class _ConnectionUse(SimpleNamespace):
    """What became of a request's connection.

    `may_be_open` is false from when it has one, or makes one, to the end of an answer after which it is kept.
    """

    was_kept: bool = False
    may_be_open: bool = True


def _watching_connections() -> aiohttp.TraceConfig:
    """Notes for each request whether it went over a connection that was there before, and that it has one at all."""

    async def note_reused(_session: aiohttp.ClientSession, context: Any, _parameters: object) -> None:
        context.trace_request_ctx.was_kept = True
        context.trace_request_ctx.may_be_open = False

    async def note_new(_session: aiohttp.ClientSession, context: Any, _parameters: object) -> None:
        context.trace_request_ctx.may_be_open = False

    watching = aiohttp.TraceConfig()
    watching.on_connection_reuseconn.append(note_reused)
    watching.on_connection_create_start.append(note_new)
    return watching


def _is_last(response: aiohttp.ClientResponse) -> bool:
    """Whether the receiver says that its connection ends with this answer."""
    word = response.headers.get("connection", "").strip().lower()
    is_old = response.version is not None and response.version < aiohttp.HttpVersion11
    return word == "close" or (is_old and not word)


class NameResolver(AbstractResolver):
    """The system's name lookup, in threads of its own, fairly shared: one client's name servers delay no other's."""

    def __init__(self, lookups_max: int) -> None:
        self._shares = FairShares(lookups_max, of="name lookups")
        self._closed = asyncio.Event()
        self._threads = ThreadPoolExecutor(lookups_max, thread_name_prefix="webhook names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host that are tried.

        Raises:
            OSError: the name is not known, or no name server answers.
        """
        infos = await self._looked_up(host, port, family)
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=address_family,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address_family, _, protocol, _, address in _tried(infos)
        ]

    async def _looked_up(self, host: str, port: int, family: socket.AddressFamily) -> Sequence[Any]:
        client_id = _SENT_FOR.get()
        if not await self._shares.acquire(client_id, self._closed):
            raise socket.gaierror(socket.EAI_AGAIN, "the resolver is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG
            )
        finally:
            self._shares.release(client_id)

    async def close(self) -> None:
        """Let the threads end by themselves: a lookup cannot be interrupted."""
        self._closed.set()
        self._threads.shutdown(wait=False, cancel_futures=True)


def _tried(infos: Sequence[Any]) -> Sequence[Any]:
    """The first address of each family, then others, at most `ADDRESSES_MAX`."""
    first = list({info[0]: info for info in reversed(infos)}.values())
    chosen = sorted(first, key=infos.index) + [info for info in infos if info not in first]
    return chosen[:ADDRESSES_MAX]
