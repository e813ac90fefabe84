"""Accepting portfolio orders on a real PostgreSQL: together, once, and all or nothing."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec
import pytest
from msgspec.structs import replace

from orderlane.api.routes.portfolio_orders import accepted_answer
from orderlane.domain.errors import FieldRefused, StateRefused
from orderlane.domain.ids import lane_of
from orderlane.domain.intake import PortfolioOrderPlacement
from orderlane.domain.order import Side
from orderlane.ports.acceptance import Acceptance, PlacementRequest
from orderlane.ports.errors import StoreUnavailable
from orderlane.ports.idempotency import IdempotencyClaim, KeyReused
from orderlane.postgres.acceptance import PostgresPortfolioOrderAcceptance
from orderlane.postgres.connection import NOTIFY_INBOX, Pool, StatementCount, open_pool
from orderlane.postgres.orders import PostgresPortfolioOrders
from orderlane.sources import seeded_sources
from tests.database.lanes.conftest import NOW, Scene

NOBODY = "00000000-0000-7000-8000-000000000000"
LANE_COUNT = 4
TABLES = ("parent_orders", "inbox", "idempotency_records")


class Desk:
    """A client's accounts, and requests for them."""

    def __init__(self, scene: Scene, dsn: str) -> None:
        self.scene = scene
        self.dsn = dsn

    def request(self, account: int = 0, key: str | None = None, **fields: Any) -> PlacementRequest:
        new_id = self.scene.sources.ids.new_id
        values = {
            "user_id": self.scene.user,
            "account_id": self.scene.accounts[account],
            "cash_amount": Decimal("100.00"),
            "currency": "EUR",
            "side": Side.BUY,
        }
        return PlacementRequest(
            fresh_id=new_id(),
            claim=IdempotencyClaim(client_id=self.scene.client, key=key or new_id(), fingerprint=b"this request"),
            request_id=new_id(),
            placement=PortfolioOrderPlacement(**{**values, **fields}),
        )

    async def counts(self) -> list[int]:
        """How many rows there are of portfolio orders, messages and kept answers."""
        return [await self.scene.value(f"SELECT count(*) FROM {table}") for table in TABLES]


@pytest.fixture
async def desk(dsn: str, connection: asyncpg.Connection) -> Desk:
    scene = Scene(connection, seeded_sources(1, NOW))
    await scene.build(3)
    return Desk(scene, dsn)


@pytest.fixture
def statements() -> StatementCount:
    return StatementCount()


@pytest.fixture
async def pool(dsn: str, statements: StatementCount) -> AsyncIterator[Pool]:
    # One connection: on each, the driver asks once for the types that it has not met, which would count too.
    pool = await open_pool(dsn, "acceptance under test", size_max=1, count=statements)
    yield pool
    await pool.close()


@pytest.fixture
async def acceptance(pool: Pool) -> AsyncIterator[PostgresPortfolioOrderAcceptance]:
    acceptance = PostgresPortfolioOrderAcceptance(pool, LANE_COUNT, accepted_answer)
    yield acceptance
    await acceptance.close()


async def together(
    acceptance: PostgresPortfolioOrderAcceptance, requests: Sequence[PlacementRequest]
) -> list[Acceptance | BaseException]:
    return await asyncio.gather(*(acceptance.accept(request) for request in requests), return_exceptions=True)


def answered(outcome: Acceptance | BaseException) -> tuple[bool, bytes]:
    assert isinstance(outcome, Acceptance), outcome
    return outcome.replayed, outcome.answer.body


async def test_order_message_and_answer_are_stored_together(
    desk: Desk, acceptance: PostgresPortfolioOrderAcceptance
) -> None:
    request = desk.request(side=Side.SELL, client_reference="mine")

    accepted = await acceptance.accept(request)

    assert (accepted.replayed, accepted.answer.status) == (False, 202)
    parent_id = msgspec.json.decode(accepted.answer.body)["id"]
    orders = PostgresPortfolioOrders(desk.scene.connection, LANE_COUNT)
    stored = await orders.get(desk.scene.client, parent_id)
    assert accepted_answer(stored) == accepted.answer
    assert (stored.created_at, stored.client_reference) == (NOW, "mine")
    [message] = await desk.scene.rows("SELECT * FROM inbox")
    account = request.placement.account_id
    assert (message["lane"], str(message["subject_id"])) == (lane_of(account, LANE_COUNT), account)
    assert (message["kind"], parent_id.encode() in message["message"]) == ("PLACE_PORTFOLIO_ORDER", True)
    assert (message["actor"], message["request_id"]) == (f"client:{desk.scene.client}", request.request_id)
    [record] = await desk.scene.rows("SELECT * FROM idempotency_records")
    assert (record["body"], record["status"]) == (accepted.answer.body, 202)


async def test_concurrent_requests_share_their_statements(
    desk: Desk, acceptance: PostgresPortfolioOrderAcceptance, statements: StatementCount
) -> None:
    await acceptance.accept(desk.request())
    await acceptance.close()
    before = statements.total

    outcomes = await together(acceptance, [desk.request(number % 3) for number in range(150)])
    await acceptance.close()

    assert [answered(outcome)[0] for outcome in outcomes] == [False] * 150
    assert await desk.counts() == [151, 151, 151]
    assert statements.total - before == 2 + 1


async def test_messages_stand_in_the_order_of_the_requests(
    desk: Desk, acceptance: PostgresPortfolioOrderAcceptance
) -> None:
    requests = [desk.request() for _ in range(50)]

    outcomes = await together(acceptance, requests)

    messages = await desk.scene.rows("SELECT message FROM inbox ORDER BY id")
    assert [msgspec.json.decode(row["message"])["parent_id"] for row in messages] == [
        msgspec.json.decode(answered(outcome)[1])["id"] for outcome in outcomes
    ]


async def test_one_key_counts_once_in_a_batch_and_ever_after(
    desk: Desk, acceptance: PostgresPortfolioOrderAcceptance
) -> None:
    key = desk.scene.sources.ids.new_id()

    outcomes = [answered(outcome) for outcome in await together(acceptance, [desk.request(key=key) for _ in range(20)])]
    later = answered(await acceptance.accept(desk.request(key=key)))

    assert sorted(replayed for replayed, _ in outcomes) == [False] + [True] * 19
    assert later[0] is True
    assert {body for _, body in outcomes} == {later[1]}
    assert await desk.counts() == [1, 1, 1]


async def test_one_key_for_two_requests_is_refused(desk: Desk, acceptance: PostgresPortfolioOrderAcceptance) -> None:
    key = desk.scene.sources.ids.new_id()
    request = desk.request(key=key)
    other = replace(desk.request(), claim=replace(request.claim, fingerprint=b"another request"))

    first, second = await together(acceptance, [request, other])

    assert answered(first)[0] is False
    assert isinstance(second, KeyReused)
    with pytest.raises(KeyReused):
        await acceptance.accept(other)
    assert await desk.counts() == [1, 1, 1]


async def test_two_clients_may_use_the_same_key(desk: Desk, acceptance: PostgresPortfolioOrderAcceptance) -> None:
    stranger = Scene(desk.scene.connection, seeded_sources(2, NOW))
    await desk.scene.connection.execute("TRUNCATE instruments CASCADE")
    await stranger.build()
    key = desk.scene.sources.ids.new_id()

    outcomes = await together(acceptance, [desk.request(key=key), Desk(stranger, desk.dsn).request(key=key)])

    assert [answered(outcome)[0] for outcome in outcomes] == [False, False]


async def test_the_first_answer_stays_whatever_became_of_the_account(
    desk: Desk, acceptance: PostgresPortfolioOrderAcceptance
) -> None:
    request = desk.request()
    first = await acceptance.accept(request)
    await desk.scene.connection.execute("UPDATE users SET status = 'OFFBOARDED'")

    again = await acceptance.accept(desk.request(key=request.claim.key))

    assert (again.replayed, again.answer) == (True, first.answer)
    with pytest.raises(StateRefused):
        await acceptance.accept(desk.request())


async def test_a_refused_request_fails_alone_and_leaves_its_key_free(
    desk: Desk, acceptance: PostgresPortfolioOrderAcceptance
) -> None:
    await desk.scene.connection.execute("UPDATE accounts SET type = 'TRADING' WHERE id = $1", desk.scene.accounts[2])
    key = desk.scene.sources.ids.new_id()
    refused = {
        "user_id": desk.request(user_id=NOBODY),
        "account_id": desk.request(key=key, account_id=NOBODY),
        "currency": desk.request(currency="USD"),
    }
    requests = [desk.request(), *refused.values(), desk.request(2), desk.request(1), desk.request(key=key)]

    outcomes = await together(acceptance, requests)

    assert [type(outcome) for outcome in outcomes] == [Acceptance] + [FieldRefused] * 4 + [Acceptance] * 2
    assert [outcome.field for outcome in outcomes if isinstance(outcome, FieldRefused)] == [*refused, "account_id"]
    assert await desk.counts() == [3, 3, 3]


async def test_another_clients_account_and_another_users_are_refused(
    desk: Desk, acceptance: PostgresPortfolioOrderAcceptance
) -> None:
    await desk.scene.connection.execute("TRUNCATE instruments CASCADE")
    stranger = Scene(desk.scene.connection, seeded_sources(2, NOW))
    await stranger.build()
    await desk.scene.connection.execute("UPDATE users SET client_id = $1", desk.scene.client)

    not_the_clients, not_the_users = await together(
        acceptance, [desk.request(account_id=stranger.accounts[0]), desk.request(user_id=stranger.user)]
    )

    assert isinstance(not_the_clients, FieldRefused)
    assert "no account" in not_the_clients.message
    assert isinstance(not_the_users, FieldRefused)
    assert "does not belong to user" in not_the_users.message
    assert await desk.counts() == [0, 0, 0]


async def test_a_request_that_the_database_refuses_fails_alone(
    desk: Desk, acceptance: PostgresPortfolioOrderAcceptance
) -> None:
    requests = [desk.request(), desk.request(client_reference="\x00"), desk.request()]

    first, poisoned, last = await together(acceptance, requests)

    assert isinstance(poisoned, asyncpg.UntranslatableCharacterError)
    assert [answered(outcome)[0] for outcome in (first, last)] == [False, False]
    assert await desk.counts() == [2, 2, 2]


async def test_two_processes_agree_on_every_key(desk: Desk, acceptance: PostgresPortfolioOrderAcceptance) -> None:
    pool = await open_pool(desk.dsn, "another process", size_max=2)
    other = PostgresPortfolioOrderAcceptance(pool, LANE_COUNT, accepted_answer)
    keys = [desk.scene.sources.ids.new_id() for _ in range(60)]

    here, there = await asyncio.gather(
        together(acceptance, [desk.request(key=key) for key in keys]),
        together(other, [desk.request(key=key) for key in reversed(keys)]),
    )
    await other.close()
    await pool.close()

    for first, second in zip(here, reversed(there), strict=True):
        assert sorted([answered(first)[0], answered(second)[0]]) == [False, True]
        assert answered(first)[1] == answered(second)[1]
    assert await desk.counts() == [60, 60, 60]


async def test_a_lost_database_leaves_nothing_half_stored(
    desk: Desk, acceptance: PostgresPortfolioOrderAcceptance
) -> None:
    requests = [desk.request(number % 3) for number in range(10)]
    async with asyncio.timeout(20):
        async with desk.scene.connection.transaction():
            await desk.scene.connection.execute("LOCK TABLE inbox")
            asked = asyncio.create_task(together(acceptance, requests))
            while not await desk.scene.value("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0)
            await desk.scene.connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
                "acceptance under test",
            )
            lost = await asked
            waiting = await desk.counts()
        again = await together(acceptance, requests)

    assert [type(outcome) for outcome in lost] == [StoreUnavailable] * 10
    assert waiting == [0, 0, 0]
    assert all(isinstance(outcome, Acceptance) for outcome in again)
    assert await desk.counts() == [10, 10, 10]


async def test_a_caller_that_gives_up_does_not_trouble_the_others(
    desk: Desk, acceptance: PostgresPortfolioOrderAcceptance
) -> None:
    tasks = [asyncio.create_task(acceptance.accept(desk.request())) for _ in range(5)]
    await asyncio.sleep(0)
    tasks[2].cancel()

    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    expected = [Acceptance] * 2 + [asyncio.CancelledError] + [Acceptance] * 2
    assert [type(outcome) for outcome in outcomes] == expected


async def test_a_column_of_a_newer_version_gets_its_default(
    desk: Desk, acceptance: PostgresPortfolioOrderAcceptance
) -> None:
    await desk.scene.connection.execute("ALTER TABLE parent_orders ADD COLUMN newer text NOT NULL DEFAULT 'default'")

    assert answered(await acceptance.accept(desk.request()))[0] is False
    assert await desk.scene.value("SELECT newer FROM parent_orders") == "default"


async def test_the_lanes_are_woken_after_the_commit(desk: Desk, acceptance: PostgresPortfolioOrderAcceptance) -> None:
    listener = await asyncpg.connect(desk.dsn)
    heard = asyncio.Event()
    await listener.add_listener(NOTIFY_INBOX, lambda *_: heard.set())
    await acceptance.accept(desk.request())

    async with asyncio.timeout(10):
        await heard.wait()
    assert await listener.fetchval("SELECT count(*) FROM inbox") == 1
    await listener.close()


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_comes_together_ends_as_if_it_came_one_by_one(
    desk: Desk, acceptance: PostgresPortfolioOrderAcceptance, seed: int
) -> None:
    """Of the requests under one key exactly one counts; which one, is open; the others replay it or are refused."""
    dice = random.Random(seed)
    keys = [desk.scene.sources.ids.new_id() for _ in range(10)]
    requests = []
    for _ in range(120):
        request = desk.request(dice.randrange(3), key=dice.choice(keys))
        claim = replace(request.claim, fingerprint=dice.choice([b"a", b"a", b"b"]))
        account = NOBODY if dice.random() < 0.3 else request.placement.account_id
        requests.append(replace(request, claim=claim, placement=replace(request.placement, account_id=account)))

    outcomes: list[Acceptance | BaseException] = []
    while len(outcomes) < len(requests):
        size = dice.randrange(1, 30)
        outcomes += await together(acceptance, requests[len(outcomes) : len(outcomes) + size])

    counted: dict[str, PlacementRequest] = {}
    answers: dict[str, bytes] = {}
    for request, outcome in zip(requests, outcomes, strict=True):
        if isinstance(outcome, Acceptance) and not outcome.replayed:
            assert counted.setdefault(request.claim.key, request) is request
            answers[request.claim.key] = outcome.answer.body
            assert request.placement.account_id != NOBODY
    for request, outcome in zip(requests, outcomes, strict=True):
        first = counted.get(request.claim.key)
        match outcome:
            case Acceptance(answer, True):
                assert first is not None
                assert first.claim.fingerprint == request.claim.fingerprint
                assert answer.body == answers[request.claim.key]
            case Acceptance():
                assert first is request
            case KeyReused():
                assert first is not None
                assert first.claim.fingerprint != request.claim.fingerprint
            case _:
                assert isinstance(outcome, FieldRefused)
                assert request.placement.account_id == NOBODY
    stored = {str(row["id"]) for row in await desk.scene.rows("SELECT id FROM parent_orders")}
    assert stored == {msgspec.json.decode(body)["id"] for body in answers.values()}
    assert await desk.counts() == [len(counted)] * 3
