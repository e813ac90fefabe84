"""An answer as it goes over the wire."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"

encode_json = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Answer:
    """Status, body and headers; a handler returns one itself when the plain resource is not enough."""

    status: int
    body: bytes = b""
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(status: int, resource: Any) -> Answer:
    """An answer with a resource as JSON, or without a body when there is none."""
    return Answer(status, b"" if resource is None else encode_json(resource))


async def send_answer(send: Any, answer: Answer, request_id: str, *, with_body: bool) -> None:
    """Send the answer; HEAD gets everything but the body."""
    headers = [(b"upvest-request-id", request_id.encode("latin-1"))]
    if answer.status != 204:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    if answer.body:
        headers.append((b"content-type", answer.media_type.encode("latin-1")))
    headers += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body if with_body else b""})
