"""Idempotency: the key is claimed, the effect made and its answer kept in one transaction.

A concurrent request with the same key waits for that transaction and then gets its answer. Only success is kept: an
error rolls back everything, the claim included, so the key is free again.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from orderlane.api.answers import Answer
from orderlane.api.errors import EXAMPLE_KEY, FieldError, InvalidIdempotencyKey, MissingIdempotencyKey
from orderlane.api.received import ReceivedRequest
from orderlane.domain.ids import ClientId, parse_id
from orderlane.ports.idempotency import IdempotencyClaim, IdempotencyKey, KeptAnswer, fingerprint_of
from orderlane.ports.store import Repositories

REPLAYED: Final = {"idempotent-replayed": "true"}
_RIGHT: Final = f"must be a UUID, for example {EXAMPLE_KEY}"


def key_of(request: ReceivedRequest) -> IdempotencyKey:
    """The idempotency key of a request.

    Raises:
        MissingIdempotencyKey: it has no key.
        InvalidIdempotencyKey: its key is no UUID.
    """
    text = request.header(b"idempotency-key")
    if text is None:
        raise MissingIdempotencyKey
    try:
        return IdempotencyKey(parse_id(text.strip()))
    except ValueError:
        raise InvalidIdempotencyKey(f"idempotency-key {_RIGHT}", [FieldError("idempotency-key", _RIGHT)]) from None


def claim_of(request: ReceivedRequest, client_id: ClientId, key: IdempotencyKey, body: bytes) -> IdempotencyClaim:
    """What the request claims; `body` is its canonical form."""
    fingerprint = fingerprint_of(request.scope["method"], request.target, body)
    return IdempotencyClaim(client_id=client_id, key=key, fingerprint=fingerprint)


async def answer_once(store: Repositories, claim: IdempotencyClaim, respond: Callable[[], Awaitable[Answer]]) -> Answer:
    """The first answer under the key: made now, or kept from before.

    Raises:
        KeyReused: the key belongs to another request.
    """
    kept = await store.idempotency.claim(claim)
    if kept is not None:
        return replayed(kept)
    answer = await respond()
    await store.idempotency.keep(claim, KeptAnswer(answer.status, answer.body))
    return answer


def replayed(kept: KeptAnswer) -> Answer:
    """The kept answer once more, byte by byte."""
    return Answer(kept.status, kept.body, headers=REPLAYED)
