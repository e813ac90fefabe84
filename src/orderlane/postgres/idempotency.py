"""Idempotency records in PostgreSQL."""

from orderlane.ports.idempotency import IdempotencyClaim, KeptAnswer, KeyReused
from orderlane.postgres.connection import Connection
from orderlane.postgres.queries import queries

_SQL = queries("idempotency")


class PostgresIdempotencyRecords:
    """The keys of the transaction on a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def claim(self, claim: IdempotencyClaim) -> KeptAnswer | None:
        """Take the key for this transaction: None when it is new, else the answer that was kept for it.

        Raises:
            KeyReused: it belongs to another request.
        """
        is_new = await self._connection.fetchval(_SQL["claim_key"], claim.client_id, claim.key, claim.fingerprint)
        if is_new:
            return None
        [row] = await self._connection.fetch(_SQL["kept_answer"], claim.client_id, claim.key)
        return kept_answer(claim, row["fingerprint"], row["status"], row["body"])

    async def keep(self, claim: IdempotencyClaim, answer: KeptAnswer) -> None:
        """Keep the answer of a claimed key."""
        await self._connection.execute(_SQL["keep_answer"], claim.client_id, claim.key, answer.status, answer.body)


def kept_answer(claim: IdempotencyClaim, fingerprint: bytes, status: int, body: bytes) -> KeptAnswer:
    """The answer to send again.

    Raises:
        KeyReused: the record is of another request than the claim's.
    """
    if fingerprint != claim.fingerprint:
        raise KeyReused
    return KeptAnswer(status, body)
