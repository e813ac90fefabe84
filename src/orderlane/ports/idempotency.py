"""Requests that count once: the key that a client sends, and the answer that is kept for it."""

import hashlib
from datetime import timedelta
from typing import Final, NewType, Protocol

from msgspec import Struct

from orderlane.domain.ids import ClientId

IdempotencyKey = NewType("IdempotencyKey", str)
"""A UUID in canonical lower case."""


KEPT_FOR: Final = timedelta(hours=48)
"""For how long a key counts, at least: the time that clients are told."""


class IdempotencyClaim(Struct, frozen=True, kw_only=True):
    """A client's request under its key; `fingerprint` tells it from any other request (see `fingerprint_of`)."""

    client_id: ClientId
    key: IdempotencyKey
    fingerprint: bytes


class KeptAnswer(Struct, frozen=True):
    """A successful answer, to be sent again byte by byte."""

    status: int
    body: bytes


class KeyReused(Exception):
    """The idempotency key belongs to another request of this client."""


class IdempotencyRecords(Protocol):
    """The keys of one unit of work."""

    async def claim(self, claim: IdempotencyClaim) -> KeptAnswer | None:
        """Take the key for this transaction: None when it is new, else the answer that was kept for it.

        Waits for a concurrent transaction that has the key.

        Raises:
            KeyReused: it belongs to another request.
        """
        ...

    async def keep(self, claim: IdempotencyClaim, answer: KeptAnswer) -> None:
        """Keep the answer of a claimed key; it counts when the transaction commits."""
        ...


def fingerprint_of(method: str, target: bytes, body: bytes) -> bytes:
    """A hash of the request that a key stands for.

    Args:
        method: of HTTP.
        target: path and query as sent.
        body: in the form in which bodies are compared: equal for equal JSON, whatever its order, space and escapes.
    """
    head = b"%s %s\n" % (method.encode(), target)
    return hashlib.sha256(head + body).digest()
