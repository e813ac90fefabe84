"""The accept path in PostgreSQL: concurrent requests share a transaction of two statements, whatever their number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from msgspec.json import Encoder

from orderlane.domain.account import AccountType
from orderlane.domain.messages import PlacePortfolioOrder
from orderlane.domain.portfolio_order import (
    InitiationFlow,
    PortfolioOrder,
    PortfolioOrderStatus,
    PortfolioOrderType,
)
from orderlane.ports.acceptance import Acceptance, PlacementRequest
from orderlane.ports.errors import Conflict, Invalid
from orderlane.ports.idempotency import KeptAnswer, KeyReused
from orderlane.postgres.connection import NOTIFY_INBOX, Connection, Pool
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.group_commit import GroupCommit
from orderlane.postgres.idempotency import kept_answer
from orderlane.postgres.inbox import encode_message
from orderlane.postgres.notification import DebouncedNotification
from orderlane.postgres.queries import queries
from orderlane.postgres.rows import Row
from orderlane.resources.orders import portfolio_order_resource

ACCEPTED: Final = 202
STATEMENT_SECONDS_MAX = 10.0
GROUP_SIZE_MAX = 200

_SQL = queries("acceptance")
_encode = Encoder().encode

_Key = tuple[UUID, UUID]
_Outcome = Acceptance | Exception


@dataclass(frozen=True, slots=True)
class _Placement:
    """A portfolio order that may be stored, unless its key turns out to be taken."""

    claim_key: _Key
    lane: int
    request: PlacementRequest
    portfolio_order: PortfolioOrder
    answer: KeptAnswer


class PostgresPortfolioOrderAcceptance:
    """Accepts portfolio orders, many at a time. One for each process."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._inbox_notification = DebouncedNotification(pool, NOTIFY_INBOX)
        self._group_commit = GroupCommit(self._accept_all, size_max=GROUP_SIZE_MAX)

    async def accept(self, request: PlacementRequest) -> Acceptance:
        """Accept, or find the answer that the key got before."""
        return await self._group_commit.submit(request)

    async def close(self) -> None:
        """Return when everything that was asked for is answered, and the lanes are woken."""
        await self._group_commit.close()
        await self._inbox_notification.close()

    async def _accept_all(self, requests: Sequence[PlacementRequest]) -> list[_Outcome]:
        with unavailable_on_loss():
            async with self._pool.acquire(timeout=STATEMENT_SECONDS_MAX) as connection:
                return await self._accept_on(connection, requests)

    async def _accept_on(self, connection: Connection, requests: Sequence[PlacementRequest]) -> list[_Outcome]:
        found = await _look_up(connection, requests)
        verdicts = [_verdict(request, row) for request, row in zip(requests, found, strict=True)]
        placements = [one for one in verdicts if isinstance(one, _Placement)]
        first_of_key: dict[_Key, _Placement] = {}
        for one in placements:
            first_of_key.setdefault(one.claim_key, one)
        claimed = await _place(connection, list(first_of_key.values()))
        stored = {id(first_of_key[key]) for key in claimed}
        if stored:
            self._inbox_notification.send_soon()
        late = [one for one in placements if id(one) not in stored]
        records = await _kept_records(connection, [one.claim_key for one in late])
        outcomes = {id(one): _replay(one.request, records[one.claim_key]) for one in late}
        outcomes |= {id(one): Acceptance(one.answer, replayed=False) for one in placements if id(one) in stored}
        return [outcomes[id(one)] if isinstance(one, _Placement) else one for one in verdicts]


async def _look_up(connection: Connection, requests: Sequence[PlacementRequest]) -> Sequence[Row]:
    return await connection.fetch(
        _SQL["look_up_requests"],
        [one.claim.client_id for one in requests],
        [one.claim.key for one in requests],
        [one.account_id for one in requests],
        [one.user_id for one in requests],
        timeout=STATEMENT_SECONDS_MAX,
    )


def _verdict(request: PlacementRequest, found: Row) -> _Outcome | _Placement:
    """What a request comes to, by what was found for it: the answer of its key goes before everything else."""
    if found["fingerprint"] is not None:
        return _replay(request, found)
    refusal = _refusal(request, found)
    return _placement(request, found) if refusal is None else refusal


def _replay(request: PlacementRequest, record: Row) -> _Outcome:
    try:
        answer = kept_answer(request.claim, record["fingerprint"], record["answer_status"], record["answer_body"])
    except KeyReused as reuse:
        return reuse
    return Acceptance(answer, replayed=True)


def _refusal(request: PlacementRequest, found: Row) -> Invalid | Conflict | None:
    if found["user_status"] is None:
        return Invalid("user_id", f"there is no user {request.user_id}")
    if found["lane"] is None:
        return Invalid("account_id", f"there is no account {request.account_id}")
    if found["owner_id"] != request.user_id:
        return Invalid("account_id", f"account {request.account_id} does not belong to user {request.user_id}")
    if found["account_type"] != AccountType.PORTFOLIO:
        return Invalid(
            "account_id", f"account {request.account_id} is a {found['account_type']} account, not PORTFOLIO"
        )
    if found["account_currency"] != request.currency:
        return Invalid("currency", f"must be {found['account_currency']}, the account's, not {request.currency}")
    if found["user_status"] != "ACTIVE":
        return Conflict(f"user {request.user_id} is {found['user_status']}, not ACTIVE")
    return None


def _placement(request: PlacementRequest, found: Row) -> _Placement:
    placed = PortfolioOrder(
        id=request.id,
        client_id=request.claim.client_id,
        user_id=request.user_id,
        account_id=request.account_id,
        allocation_id=found["allocation_id"],
        cash_amount=request.cash_amount,
        currency=request.currency,
        type=PortfolioOrderType(request.side),
        status=PortfolioOrderStatus.NEW,
        post_tax=False,
        client_reference=request.client_reference,
        initiation_flow=InitiationFlow.API,
        cancellation_reason=None,
        cancellation_details="",
        sequence=0,
        created_at=request.claim.created_at,
        updated_at=request.claim.created_at,
    )
    answer = KeptAnswer(ACCEPTED, _encode(portfolio_order_resource(placed, ())))
    return _Placement((request.claim.client_id, request.claim.key), found["lane"], request, placed, answer)


async def _place(connection: Connection, placements: Sequence[_Placement]) -> list[_Key]:
    """Store what is new; the keys that were claimed. A key that was taken meanwhile is not among them."""
    if not placements:
        return []
    placed = [one.portfolio_order for one in placements]
    messages = [encode_message(PlacePortfolioOrder(one.id)) for one in placed]
    rows = await connection.fetch(
        _SQL["accept"],
        ACCEPTED,
        [one.client_id for one in placed],
        [one.request.claim.key for one in placements],
        [one.request.claim.fingerprint for one in placements],
        [one.answer.body for one in placements],
        [one.created_at for one in placed],
        [one.id for one in placed],
        [one.lane for one in placements],
        [one.user_id for one in placed],
        [one.account_id for one in placed],
        [one.allocation_id for one in placed],
        [one.cash_amount for one in placed],
        [one.currency for one in placed],
        [one.type for one in placed],
        [one.status for one in placed],
        [one.post_tax for one in placed],
        [one.client_reference for one in placed],
        [one.initiation_flow for one in placed],
        [kind for kind, _ in messages],
        [message for _, message in messages],
        timeout=STATEMENT_SECONDS_MAX,
    )
    return [(row["client_id"], row["key"]) for row in rows]


async def _kept_records(connection: Connection, keys: Sequence[_Key]) -> Mapping[_Key, Row]:
    """What is kept for keys that another request was faster to claim."""
    if not keys:
        return {}
    rows = await connection.fetch(
        _SQL["kept_answers"],
        [client_id for client_id, _ in keys],
        [key for _, key in keys],
        timeout=STATEMENT_SECONDS_MAX,
    )
    return {(row["client_id"], row["key"]): row for row in rows}
