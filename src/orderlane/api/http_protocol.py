"""The HTTP protocol of the server: uvicorn's, with bounds on what a client may send before anybody knows who it is.

uvicorn with httptools reads a head of any size, waits for the rest of a request for ever, and appends the trailer
fields of a chunked body to the headers, where they would pass for headers that were never checked.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from orderlane.api.error_map import problem_answer
from orderlane.api.errors import ApiError, MalformedRequest, Overloaded
from orderlane.api.open_connections import OpenConnections

HEAD_BYTES_MAX: Final = 32 * 1024
RECEIVE_SECONDS_MAX: Final = 30.0
CONNECTIONS_MAX: Final = 10_000


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection: bounded in what it keeps of an unfinished head, and in how long a request may take to arrive."""

    new_id: Callable[[], str]
    open_connections: OpenConnections
    receive_seconds_max = RECEIVE_SECONDS_MAX
    _is_in_head = False
    _head_bytes = 0
    _unread_bytes = 0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._expect_the_rest()
        if not self.open_connections.add(self):
            self._refuse(Overloaded())

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._expect_nothing()
        self.open_connections.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless it is a head that never ends."""
        self._expect_the_rest()
        self._unread_bytes += len(data)
        super().data_received(data)
        if self._unread_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
            self.send_400_response(f"more than {HEAD_BYTES_MAX} bytes of request line, headers or trailers")

    def on_message_begin(self) -> None:
        """A request begins."""
        self._is_in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header in; a trailer field is dropped."""
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_BYTES_MAX:
            raise ValueError(f"more than {HEAD_BYTES_MAX} bytes of headers or trailers")
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is complete: the request is handed on."""
        self._is_in_head, self._head_bytes, self._unread_bytes = False, 0, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body: its length is the application's business."""
        self._unread_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete."""
        self._unread_bytes = 0
        self._expect_nothing()
        super().on_message_complete()

    @property
    def is_idle(self) -> bool:
        """Whether it waits for another request after one that is answered."""
        return self.timeout_keep_alive_task is not None

    def close_idle(self) -> None:
        """Close it, as it would be for being idle for too long."""
        self.timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request with a problem document, and close the connection."""
        self._refuse(MalformedRequest(msg))

    def _refuse(self, refusal: ApiError) -> None:
        request_id = self.new_id()
        answer = problem_answer(refusal, "", request_id, development=False)
        headers = {
            "upvest-request-id": request_id,
            "content-type": answer.media_type,
            "content-length": str(len(answer.body)),
            "connection": "close",
            **answer.headers,
        }
        lines = [f"{name}: {value}\r\n".encode() for name, value in headers.items()]
        self.transport.write(b"".join((STATUS_LINE[answer.status], *lines, b"\r\n", answer.body)))
        self.transport.close()

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


def http_protocol(new_id: Callable[[], str], connections_max: int = CONNECTIONS_MAX) -> type[asyncio.Protocol]:
    """The protocol for uvicorn's configuration; `new_id` names refused requests."""
    members: dict[str, Any] = {"new_id": staticmethod(new_id), "open_connections": OpenConnections(connections_max)}
    return type("HttpProtocol", (BoundedHttpProtocol,), members)
