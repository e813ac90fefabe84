"""Sending requests to subscribers over persistent connections, and telling why one could not be sent."""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from errno import EADDRNOTAVAIL, ECONNREFUSED, EMFILE, ENETDOWN, ENETUNREACH, ENFILE, ENOBUFS, ENOMEM
from importlib.metadata import version
from time import perf_counter
from types import SimpleNamespace, TracebackType
from typing import Any, Final, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from msgspec import Struct
from yarl import URL

from orderlane.ports.errors import Invalid
from orderlane.ports.webhooks import WebhookNotSent, WebhookResponse
from orderlane.webhooks.addresses import AddressGuard, AddressRefused

_OUR_ERRORS: Final = {EADDRNOTAVAIL, EMFILE, ENETDOWN, ENETUNREACH, ENFILE, ENOBUFS, ENOMEM}
"""Errors that say that this host is short of something or has no network: no receiver is at fault."""

_HEADERS: Final = {"user-agent": f"Orderlane/{version('orderlane')}", "accept": "*/*"}
_NEVER_SENT: Final = ("accept-encoding",)


class SendingLimits(Struct, frozen=True, kw_only=True):
    """How long a request may take, and how much of an answer is read.

    `total_seconds_max` counts everything, from looking up the name, and a second try too. That one begins within
    `resend_seconds_max`: its sender may have been frozen, and another one may be at work.
    """

    connect_seconds_max: float = 5.0
    total_seconds_max: float = 15.0
    resend_seconds_max: float = 1.0
    answer_bytes_max: int = 64 * 1024
    keep_alive_seconds: float = 60.0
    name_lookups_max: int = 64


class HttpTransport:
    """Sends over HTTP, wherever the guard lets it. Use it as an asynchronous context: it holds connections."""

    def __init__(self, guard: AddressGuard, limits: SendingLimits | None = None) -> None:
        self._guard = guard
        self._limits = limits or SendingLimits()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = self._open_session()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def check_url(self, url: str) -> None:
        """Check whether requests may go there at all.

        Raises:
            Invalid: names the rule that the URL breaks.
        """
        self._guard.check_url(url)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookResponse:
        """Send one request, exactly these headers and bytes; no redirect is followed.

        Raises:
            WebhookNotSent: no answer came.
        """
        try:
            self._guard.check_url(url)
        except Invalid as rule:
            raise WebhookNotSent("url_refused", str(rule)) from None
        try:
            async with asyncio.timeout(self._limits.total_seconds_max):
                return await self._tried(url, headers, body)
        except TimeoutError as error:
            raise _not_sent(error) from error

    async def _tried(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookResponse:
        """A kept connection that the receiver closed just then says nothing about the receiver: once, try a new one."""
        use, began = _ConnectionUse(), perf_counter()
        try:
            return await self._post(url, headers, body, use)
        except WebhookNotSent as failure:
            is_late = perf_counter() - began > self._limits.resend_seconds_max
            if failure.code != "disconnected" or not use.was_kept or is_late:
                raise
        return await self._post(url, headers, body, _ConnectionUse())

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes, use: "_ConnectionUse") -> WebhookResponse:
        assert self._session is not None, "the transport is used as an asynchronous context"
        try:
            async with self._session.post(
                URL(url, encoded=True),
                data=body,
                headers=headers,
                allow_redirects=False,
                skip_auto_headers=_NEVER_SENT,
                trace_request_ctx=use,
            ) as response:
                answer = await self._read(response)
                fields = {name.lower(): value for name, value in response.headers.items()}
                return WebhookResponse(response.status, fields, answer)
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            raise _not_sent(error) from error

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """The beginning of the answer; a connection whose answer goes on after it is not kept."""
        answer = bytearray()
        async for chunk in response.content.iter_any():
            answer += chunk
            if len(answer) > self._limits.answer_bytes_max:
                response.close()
                break
        return bytes(answer[: self._limits.answer_bytes_max])

    def _open_session(self) -> aiohttp.ClientSession:
        limits = self._limits
        connector = aiohttp.TCPConnector(
            limit=0,
            keepalive_timeout=limits.keep_alive_seconds,
            resolver=NameResolver(limits.name_lookups_max),
            socket_factory=self._guard.open_socket,
            ssl=ssl.create_default_context(),
            ttl_dns_cache=30,
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
    was_kept: bool = False


def _watching_connections() -> aiohttp.TraceConfig:
    """Notes for each request whether it went over a connection that was there before."""

    async def note(_session: aiohttp.ClientSession, context: Any, _parameters: object) -> None:
        context.trace_request_ctx.was_kept = True

    watching = aiohttp.TraceConfig()
    watching.on_connection_reuseconn.append(note)
    return watching


class NameResolver(AbstractResolver):
    """The system's name lookup, in threads of its own: a slow name server of one receiver delays no other."""

    def __init__(self, lookups_max: int) -> None:
        self._threads = ThreadPoolExecutor(lookups_max, thread_name_prefix="webhook names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host.

        Raises:
            OSError: the name is not known, or no name server answers.
        """
        infos = await asyncio.get_running_loop().run_in_executor(
            self._threads, socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG
        )
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=address_family,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address_family, _, protocol, _, address in infos
        ]

    async def close(self) -> None:
        """Let the threads end by themselves: a lookup cannot be interrupted."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _not_sent(error: Exception) -> WebhookNotSent:
    detail = str(error) or type(error).__name__
    match error:
        case aiohttp.ClientConnectorDNSError():
            return WebhookNotSent("name_not_found", detail)
        case aiohttp.ClientSSLError():
            return WebhookNotSent("tls_failed", detail)
        case aiohttp.ClientConnectorError():
            return _not_connected(error.os_error, detail)
        case aiohttp.ConnectionTimeoutError():
            return WebhookNotSent("connect_timeout", detail)
        case TimeoutError():
            return WebhookNotSent("timeout", detail)
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
            return WebhookNotSent("disconnected", detail)
        case aiohttp.ClientError() | ValueError():
            return WebhookNotSent("not_http", detail)
        case _:
            return WebhookNotSent("not_sent", detail, is_ours=True)


def _not_connected(error: OSError, detail: str) -> WebhookNotSent:
    if isinstance(error, AddressRefused):
        return WebhookNotSent("address_refused", str(error))
    if error.errno in _OUR_ERRORS:
        return WebhookNotSent("no_network", detail, is_ours=True)
    return WebhookNotSent("connection_refused" if error.errno == ECONNREFUSED else "not_connected", detail)
