"""The HTTP protocol of the server: uvicorn's, with bounds on what a client may send before anybody knows who it is.

uvicorn with httptools reads a head of any size, takes a request without a host, waits for the rest of a request for
ever and for the reader of an answer too, and appends the trailer fields of a chunked body to the headers, where they
would pass for headers that were never checked.
"""

import asyncio
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final, cast

import httptools
import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from orderlane.api.answers import header_lines
from orderlane.api.counted_transport import CountedTransport
from orderlane.api.error_map import problem_answer
from orderlane.api.errors import (
    ApiError,
    FieldError,
    HeadTooLarge,
    InvalidHeader,
    MalformedRequest,
    Overloaded,
    TargetTooLong,
)
from orderlane.api.open_connections import OpenConnections
from orderlane.api.problem_types import PUBLIC_URL_DEFAULT

HEAD_BYTES_MAX: Final = 32 * 1024
RECEIVE_SECONDS_MAX: Final = 30.0
CONNECTIONS_MAX: Final = 10_000
UNREAD_SECONDS_MAX: Final = 30.0
"""How often a connection is looked at: what the client takes of a waiting answer between two looks must be at least
`READ_BYTES_MIN`. So a client that takes nothing is cut off after one to two of these."""
READ_BYTES_MIN: Final = 16 * 1024
UNSENT_BYTES_MAX: Final = 64 * 1024
"""How much of an answer the operating system takes before the client has room for it. By default it takes megabytes,
and whether the client reads at all shows only when a third of them is gone."""

_TLS: Final = b"\x16\x03"
"""How a handshake of TLS begins."""
_HOST: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::[0-9]*)?")
_log = structlog.get_logger("orderlane.api")


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection: bounded in what it keeps of an unfinished head, and in how long a request may take to arrive.

    An answer, too, has to be taken at some pace.
    """

    new_id: Callable[[], str]
    open_connections: OpenConnections
    public_url: str
    receive_seconds_max = RECEIVE_SECONDS_MAX
    unread_seconds_max = UNREAD_SECONDS_MAX
    _is_in_head = False
    _is_in_body = False
    _head_bytes = 0
    _unread_bytes = 0
    _deadline: asyncio.TimerHandle | None = None
    _next_look: asyncio.TimerHandle | None = None
    _taken_bytes: int | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._counted = CountedTransport(transport)
        self.transport = cast(asyncio.Transport, self._counted)
        _bound_unsent(transport)
        self._expect_the_rest()
        self._next_look = self.loop.call_later(self.unread_seconds_max, self._look_at_reader)
        if not self.open_connections.add(self):
            self._refuse(Overloaded())

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._expect_nothing()
        if self._next_look is not None:
            self._next_look.cancel()
        self.open_connections.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless it is a head that never ends."""
        self._parse(data)
        self._tell_state()

    def _parse(self, data: bytes) -> None:
        self._expect_the_rest()
        self._unread_bytes += len(data)
        self._unset_keepalive_if_required()
        try:
            with suppress(httptools.HttpParserUpgrade):  # no other protocol is offered: RFC 9110 lets a server go on
                self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._refuse(self._explained(error, data))
            return
        if self._unread_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
            self._refuse(self._too_large("bytes of request line, headers or trailers"))

    def on_message_begin(self) -> None:
        """A request begins."""
        self._is_in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a piece of path and query in.

        Raises:
            TargetTooLong: there is too much of them.
        """
        self._head_bytes += len(url)
        if self._head_bytes > HEAD_BYTES_MAX:
            raise TargetTooLong(f"path and query have more than {HEAD_BYTES_MAX} bytes")
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header in; a trailer field is dropped.

        Raises:
            HeadTooLarge: request line and headers are too large.
            MalformedRequest: the trailers are.
        """
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_BYTES_MAX:
            raise self._too_large("bytes of request line and headers, or of trailers")
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is complete: the request is handed on.

        Raises:
            InvalidHeader: it does not name one host (RFC 9112, section 3.2).
            MalformedRequest: its target has a fragment.
        """
        _check_host([value for name, value in self.headers if name == b"host"], self.parser.get_http_version())
        if b"#" in self.url:
            raise MalformedRequest("the target of a request has no fragment, so no # in it")
        self._is_in_head, self._head_bytes, self._unread_bytes = False, 0, 0
        self._is_in_body = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body: its length is the application's business."""
        self._unread_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete."""
        self._is_in_body = False
        self._unread_bytes = 0
        self._expect_nothing()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer is handed to the transport."""
        super().on_response_complete()
        self._tell_state()

    def pause_writing(self) -> None:
        """The client does not read as fast as the answer is written."""
        super().pause_writing()
        self._tell_state()

    def resume_writing(self) -> None:
        """The client has read on."""
        super().resume_writing()
        self._tell_state()

    def _explained(self, error: httptools.HttpParserError, data: bytes) -> ApiError:
        """What is wrong with a request that the parser refuses, by itself or because a callback here does."""
        if isinstance(error.__context__, ApiError):
            return error.__context__
        if self._latest_cycle is None and data.startswith(_TLS):
            return MalformedRequest(
                "this is TLS, but the port serves plain HTTP: use http://, or a proxy that ends TLS"
            )
        return MalformedRequest(f"this is not HTTP/1.1: {error}")

    def _too_large(self, what: str) -> ApiError:
        refusal = HeadTooLarge if self._is_in_head else MalformedRequest
        return refusal(f"more than {HEAD_BYTES_MAX} {what}")

    def _refuse(self, refusal: ApiError) -> None:
        """Answer what is no request with a problem document, and close the connection.

        While an earlier request has no answer yet, there is none: the client would take this one for that.
        """
        request_id = self.new_id()
        answer = problem_answer(refusal, "", request_id, development=False, public_url=self.public_url)
        _log.warning(
            "connection_refused",
            client=self._client_address,
            status=answer.status,
            reason=refusal.detail,
            request_id=request_id,
        )
        cycle = self._latest_cycle
        if cycle is None or cycle.response_complete or cycle.more_body:
            length = (b"content-length", b"%d" % len(answer.body))
            lines = [*header_lines(answer, request_id), length, (b"connection", b"close")]
            head = b"".join(b"%s: %s\r\n" % line for line in lines)
            self.transport.write(b"".join((STATUS_LINE[answer.status], head, b"\r\n", answer.body)))
        self.transport.close()

    def displace(self) -> None:
        """Give its descriptor back at once, whatever its client has not read yet."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    def _tell_state(self) -> None:
        """Tell whether this connection waits for its client, which decides whether it can be displaced.

        A request that is answered already is none any more, even if the rest of its body, which nobody reads, comes.
        """
        latest = self._latest_cycle
        if latest is None or latest.response_complete:
            self.open_connections.expect_request(self)
            self._bound_idleness()
        elif self._is_in_body or self.flow.write_paused:
            self.open_connections.hold_up(self)
        else:
            self.open_connections.owe_answer(self)

    def _bound_idleness(self) -> None:
        """Begin the bound of an idle connection, which the late body of a request answered without it has ended."""
        if self._deadline is None and self.timeout_keep_alive_task is None and not self.transport.is_closing():
            seconds = self.timeout_keep_alive
            self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _look_at_reader(self) -> None:
        """Cut a client off that does not take its answer; what waits for it holds memory and a descriptor."""
        unread, taken = self._counted.get_write_buffer_size(), self._counted.taken_bytes
        if unread and self._taken_bytes is not None and taken - self._taken_bytes < READ_BYTES_MIN:
            _log.warning(
                "answer_not_read",
                client=self._client_address,
                taken_bytes=taken,
                unread_bytes=unread,
                seconds=self.unread_seconds_max,
            )
            self.transport.abort()
            return
        self._taken_bytes = taken if unread else None
        self._next_look = self.loop.call_later(self.unread_seconds_max, self._look_at_reader)

    @property
    def _latest_cycle(self) -> RequestResponseCycle | None:
        """The latest request whose head was complete."""
        return self.cycle

    @property
    def _client_address(self) -> str | None:
        return f"{self.client[0]}:{self.client[1]}" if self.client else None

    def _expect_the_rest(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.receive_seconds_max, self._give_up)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        self.transport.close()


def http_protocol(
    new_id: Callable[[], str], connections_max: int = CONNECTIONS_MAX, public_url: str = PUBLIC_URL_DEFAULT
) -> type[asyncio.Protocol]:
    """The protocol for uvicorn's configuration; `new_id` names refused requests, `public_url` their types' address."""
    members: dict[str, Any] = {
        "new_id": staticmethod(new_id),
        "open_connections": OpenConnections(connections_max),
        "public_url": public_url,
    }
    return type("HttpProtocol", (BoundedHttpProtocol,), members)


def _bound_unsent(transport: asyncio.Transport) -> None:
    connected = transport.get_extra_info("socket")
    if connected is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES_MAX)


def _check_host(hosts: list[bytes], http_version: str) -> None:
    """See that a request names one host; HTTP/1.0 may leave it out.

    Raises:
        InvalidHeader: it does not.
    """
    if len(hosts) == 1:
        if not _is_host(hosts[0]):
            raise _host_refused("must be a name or an address, with a port or without")
    elif hosts:
        raise _host_refused("is given twice")
    elif http_version != "1.0":
        raise _host_refused("is missing, but HTTP/1.1 demands it")


@lru_cache(256)
def _is_host(text: bytes) -> bool:
    return _HOST.fullmatch(text) is not None


def _host_refused(message: str) -> InvalidHeader:
    return InvalidHeader(f"host {message}", [FieldError("host", message)])
