"""The accept path in PostgreSQL: concurrent requests share a transaction of two statements, whatever their number."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from orderlane.domain.errors import FieldRefused, FieldsRefused, StateRefused
from orderlane.domain.ids import AllocationId, ClientId, SubjectId, lane_of
from orderlane.domain.intake import PlacementFacts, accepted_portfolio_order
from orderlane.domain.lane.messages import encode_message
from orderlane.domain.lane.placing import PlacePortfolioOrder
from orderlane.domain.parent_order import ParentOrder
from orderlane.domain.users import UserStatus
from orderlane.ports.acceptance import Acceptance, PlacementRequest
from orderlane.ports.idempotency import KeptAnswer, KeyReused
from orderlane.postgres.connection import NOTIFY_INBOX, Connection, Pool
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.group_commit import GroupCommit
from orderlane.postgres.idempotency import kept_answer
from orderlane.postgres.notification import DebouncedNotification
from orderlane.postgres.queries import queries
from orderlane.postgres.tables.accounts import account_from
from orderlane.postgres.tables.parent_orders import new_rows
from orderlane.postgres.tables.records import Row
from orderlane.resources.formats import CURRENCIES

GROUP_SIZE_MAX = 200

_SQL = queries("acceptance")

AnswerOf = Callable[[ParentOrder], KeptAnswer]
_Key = tuple[ClientId, str]
_Outcome = Acceptance | Exception


class _Placement(Struct, frozen=True, kw_only=True, eq=False):
    """A portfolio order that may be stored, unless its key turns out to be taken."""

    key: _Key
    request: PlacementRequest
    parent: ParentOrder
    answer: KeptAnswer


class PostgresPortfolioOrderAcceptance:
    """Accepts portfolio orders, many at a time. One for each process.

    `answer_of` makes the answer to an accepted order, which is stored with it.
    """

    def __init__(self, pool: Pool, lane_count: int, answer_of: AnswerOf) -> None:
        self._pool = pool
        self._lane_count = lane_count
        self._answer_of = answer_of
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
            async with self._pool.acquire() as connection:
                return await self._accept_on(connection, requests)

    async def _accept_on(self, connection: Connection, requests: Sequence[PlacementRequest]) -> list[_Outcome]:
        rows = await self._look_up(connection, requests)
        verdicts = [self._verdict(request, row) for request, row in zip(requests, rows, strict=True)]
        placements = [verdict for verdict in verdicts if isinstance(verdict, _Placement)]
        first_of_key: dict[_Key, _Placement] = {}
        for placement in placements:
            first_of_key.setdefault(placement.key, placement)
        claimed = await self._place(connection, list(first_of_key.values()))
        stored = {first_of_key[key] for key in claimed}
        if stored:
            self._inbox_notification.send_soon()
        late = [placement for placement in placements if placement not in stored]
        records = await _kept_records(connection, [placement.key for placement in late])
        outcomes = {placement: _replay(placement.request, records[placement.key]) for placement in late}
        outcomes |= {placement: Acceptance(placement.answer, replayed=False) for placement in stored}
        return [outcomes[verdict] if isinstance(verdict, _Placement) else verdict for verdict in verdicts]

    async def _look_up(self, connection: Connection, requests: Sequence[PlacementRequest]) -> Sequence[Row]:
        return await connection.fetch(
            _SQL["look_up_requests"],
            [request.claim.client_id for request in requests],
            [request.claim.key for request in requests],
            [lane_of(request.placement.account_id, self._lane_count) for request in requests],
            [request.placement.account_id for request in requests],
            [request.placement.user_id for request in requests],
        )

    def _verdict(self, request: PlacementRequest, row: Row) -> _Outcome | _Placement:
        """What a request comes to, by what was found for it: the answer of its key goes before everything else."""
        if row["fingerprint"] is not None:
            return _replay(request, row)
        try:
            parent = accepted_portfolio_order(request.placement, _facts(request, row), request.fresh_id)
        except (FieldRefused, FieldsRefused, StateRefused) as refusal:
            return refusal
        key = (request.claim.client_id, request.claim.key)
        return _Placement(key=key, request=request, parent=parent, answer=self._answer_of(parent))

    async def _place(self, connection: Connection, placements: Sequence[_Placement]) -> list[_Key]:
        """Store what is new; the keys that were claimed. A key that was taken meanwhile is not among them."""
        if not placements:
            return []
        parents = [placement.parent for placement in placements]
        messages = [encode_message(PlacePortfolioOrder(parent.id)) for parent in parents]
        rows = await connection.fetch(
            _SQL["accept"],
            placements[0].answer.status,
            [placement.request.claim.client_id for placement in placements],
            [placement.request.claim.key for placement in placements],
            [placement.request.claim.fingerprint for placement in placements],
            [placement.answer.body for placement in placements],
            [parent.id for parent in parents],
            [lane_of(parent.id, self._lane_count) for parent in parents],
            [SubjectId(parent.account_id) for parent in parents],
            [kind for kind, _ in messages],
            [text for _, text in messages],
            [f"client:{parent.client_id}" for parent in parents],
            [placement.request.request_id for placement in placements],
            new_rows(parents, self._lane_count),
        )
        return [_key_of(row) for row in rows]


def _key_of(row: Row) -> _Key:
    return ClientId(str(row["client_id"])), str(row["key"])


def _replay(request: PlacementRequest, record: Row) -> _Outcome:
    try:
        answer = kept_answer(request.claim, record["fingerprint"], record["answer_status"], record["answer_body"])
    except KeyReused as reuse:
        return reuse
    return Acceptance(answer, replayed=True)


def _facts(request: PlacementRequest, row: Row) -> PlacementFacts:
    account, status, allocation_id = row["account"], row["user_status"], row["allocation_id"]
    return PlacementFacts(
        currency=CURRENCIES.get(request.placement.currency),
        account=None if account is None else account_from(account),
        user_status=None if status is None else UserStatus(status),
        allocation_id=None if allocation_id is None else AllocationId(str(allocation_id)),
        now=row["now"],
    )


async def _kept_records(connection: Connection, keys: Sequence[_Key]) -> Mapping[_Key, Row]:
    """What is kept for keys that another request was faster to claim."""
    if not keys:
        return {}
    client_ids, idempotency_keys = zip(*keys, strict=True)
    return {_key_of(row): row for row in await connection.fetch(_SQL["kept_answers"], client_ids, idempotency_keys)}
