"""A request as it was received: headers by name, path and query as sent, and the body once it is read."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from orderlane.api.errors import BodyTooLarge, FieldError, InvalidHeader

# What decides about a request must be said once: of two values, a proxy in front may have judged the other one.
_ONCE: Final = frozenset(
    {
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"host",
        b"idempotency-key",
        b"upvest-api-version",
        b"upvest-client-id",
    }
)


class ClientDisconnected(Exception):
    """The client has gone before its request was complete."""


@dataclass(slots=True)
class ReceivedRequest:
    """The request."""

    scope: Mapping[str, Any]
    receive: Callable[[], Awaitable[Any]]
    headers: Mapping[bytes, bytes]
    body: bytes = field(default=b"")

    @classmethod
    def of(cls, scope: Mapping[str, Any], receive: Callable[[], Awaitable[Any]]) -> "ReceivedRequest":
        """Take the request from ASGI.

        Raises:
            InvalidHeader: a header that decides comes twice.
        """
        lines = scope["headers"]
        headers = dict(lines)
        if len(headers) != len(lines):
            _refuse_repeated([name for name, _ in lines])
        return cls(scope, receive, headers)

    @property
    def target(self) -> bytes:
        """Path and query as sent."""
        query: bytes = self.scope["query_string"]
        path: bytes = self.scope["raw_path"]
        return path + b"?" + query if query else path

    @property
    def address(self) -> str:
        """The address that the connection comes from."""
        client = self.scope.get("client")
        return client[0] if client else ""

    def header(self, name: bytes) -> str | None:
        """A header's value; the name in small letters."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    async def read_body(self, bytes_max: int) -> bytes:
        """Read the body.

        Raises:
            BodyTooLarge: it has more than `bytes_max` bytes.
            ClientDisconnected: the client has gone before it was complete.
        """
        announced = self.headers.get(b"content-length", b"")
        if announced.isdigit() and int(announced) > bytes_max:
            raise BodyTooLarge(f"the body has {int(announced)} bytes, the limit is {bytes_max}")
        chunks: list[bytes] = []
        length, has_more = 0, True
        while has_more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnected
            chunk = message.get("body", b"")
            length += len(chunk)
            if length > bytes_max:
                raise BodyTooLarge(f"the body has more than {bytes_max} bytes")
            chunks.append(chunk)
            has_more = message.get("more_body", False)
        self.body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        return self.body


def _refuse_repeated(names: list[bytes]) -> None:
    for name in _ONCE:
        if names.count(name) > 1:
            shown = name.decode()
            raise InvalidHeader(f"{shown} is given twice", [FieldError(shown, "is given twice")])
