"""Requests that count once: the key that a client sends, and the answer that is kept for it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class IdempotencyClaim:
    """A client's request under its key; `fingerprint` tells it from any other request (see `fingerprint_of`)."""

    client_id: UUID
    key: UUID
    fingerprint: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A successful answer, to be given again byte by byte."""

    status: int
    body: bytes


class KeyReused(Exception):
    """The idempotency key belongs to another request of this client."""


class IdempotencyRecords(Protocol):
    """The keys of one unit of work."""

    async def claim(self, claim: IdempotencyClaim) -> KeptAnswer | None:
        """Take the key for this transaction: None when it is new, else the answer that was kept for it.

        Waits for a concurrent transaction that has the key. Raises KeyReused when it belongs to another request.
        """
        ...

    async def keep(self, claim: IdempotencyClaim, answer: KeptAnswer) -> None:
        """Keep the answer of a claimed key; it counts when the transaction commits."""
        ...


def fingerprint_of(method: str, target: bytes, body: bytes) -> bytes:
    """A hash of the request that a key stands for; `target` is path and query as sent, `body` the bytes as sent."""
    head = b"%s %s\n" % (method.encode(), target)
    return hashlib.sha256(head + body).digest()
