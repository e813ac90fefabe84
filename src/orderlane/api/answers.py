"""An answer as it goes over the wire."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
SENT_BYTES = 64 * 1024
"""How much of a body is handed on at a time: the next is when the client has taken most of what was before it."""

_NOT_SNIFFED: Final = (b"x-content-type-options", b"nosniff")
_PAGE_GUARDS: Final = [_NOT_SNIFFED]
_DATA_GUARDS: Final = [(b"cache-control", b"no-store"), _NOT_SNIFFED]
"""What tells caches to keep no answer with data, and browsers to take an answer for what it says that it is."""

encode_json = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Answer:
    """Status, body and headers; a handler returns one itself when the plain resource is not enough.

    `on_sent` is called once, when the answer is sent or cannot be sent.
    """

    status: int
    body: bytes = b""
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    on_sent: Callable[[], None] | None = None


def json_answer(status: int, resource: Any) -> Answer:
    """An answer with a resource as JSON, or without a body when there is none."""
    return Answer(status, b"" if resource is None else encode_json(resource))


def header_lines(answer: Answer, request_id: str) -> list[tuple[bytes, bytes]]:
    """The headers of an answer, all but the length of its body."""
    headers = [(b"upvest-request-id", request_id.encode("latin-1"))]
    if answer.body:
        headers.append((b"content-type", answer.media_type.encode("latin-1")))
    headers += _guards(answer)
    headers += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    return headers


def _guards(answer: Answer) -> list[tuple[bytes, bytes]]:
    """The guards, but for those that the answer itself replaces."""
    guards = _DATA_GUARDS if answer.media_type in (JSON, PROBLEM_JSON) else _PAGE_GUARDS
    return [line for line in guards if line[0].decode() not in answer.headers] if answer.headers else guards


async def send_answer(send: Any, answer: Answer, request_id: str, *, with_body: bool) -> None:
    """Send the answer; HEAD gets everything but the body."""
    try:
        await _send(send, answer, request_id, answer.body if with_body else b"")
    finally:
        if answer.on_sent is not None:
            answer.on_sent()


async def _send(send: Any, answer: Answer, request_id: str, body: bytes) -> None:
    headers = header_lines(answer, request_id)
    if answer.status != 204:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    for start in range(0, len(body) - SENT_BYTES, SENT_BYTES):
        await send({"type": "http.response.body", "body": body[start : start + SENT_BYTES], "more_body": True})
    rest = (len(body) - 1) // SENT_BYTES * SENT_BYTES if body else 0
    await send({"type": "http.response.body", "body": body[rest:]})
