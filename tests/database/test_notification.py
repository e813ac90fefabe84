"""Waking lanes after commits: once for many, never for nothing, and never missing the last."""

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal

import asyncpg
import pytest

from orderlane.domain.ids import DepositId
from orderlane.domain.lane.depositing import BookDeposit
from orderlane.postgres.connection import NOTIFY_INBOX, Pool, open_pool
from orderlane.postgres.notification import DebouncedNotification
from orderlane.postgres.store import PostgresStore
from orderlane.sources import seeded_sources
from tests.database.lanes.conftest import NOW, Scene

SECONDS_MAX = 10.0


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Pool]:
    pool = await open_pool(dsn, "notifying", size_max=2)
    yield pool
    await pool.close()


@pytest.fixture
async def listener(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


async def hearing(listener: asyncpg.Connection) -> asyncio.Event:
    """An event that is set by every notification."""
    heard = asyncio.Event()
    await listener.add_listener(NOTIFY_INBOX, lambda *_: heard.set())
    return heard


async def test_many_commits_wake_a_few_times(pool: Pool, listener: asyncpg.Connection) -> None:
    heard: list[object] = []
    await listener.add_listener(NOTIFY_INBOX, lambda *notification: heard.append(notification))
    notification = DebouncedNotification(pool, NOTIFY_INBOX, pause_seconds=0.02)

    for _ in range(100):
        notification.send_soon()
        await asyncio.sleep(0)
    await notification.close()
    await listener.fetchval("SELECT 1")  # what was sent before has arrived now

    assert 1 <= len(heard) < 20


async def test_what_is_committed_while_one_is_sent_is_told_by_the_next(
    pool: Pool, listener: asyncpg.Connection
) -> None:
    heard = await hearing(listener)
    notification = DebouncedNotification(pool, NOTIFY_INBOX)

    async with asyncio.timeout(SECONDS_MAX):
        for _ in range(20):
            notification.send_soon()
            await heard.wait()
            heard.clear()
    await notification.close()


async def test_a_lost_database_costs_a_hint_only(pool: Pool) -> None:
    notification = DebouncedNotification(pool, NOTIFY_INBOX)
    await pool.close()

    notification.send_soon()
    await notification.close()


async def test_a_deposit_wakes_its_lane_when_it_is_committed(
    pool: Pool, listener: asyncpg.Connection, connection: asyncpg.Connection
) -> None:
    scene = Scene(connection, seeded_sources(1, NOW))
    await scene.build()
    heard = await hearing(listener)
    store = await PostgresStore.open(pool)
    deposit = BookDeposit(DepositId(scene.sources.ids.new_id()), Decimal(1), "EUR")

    async def make_deposit(then: Callable[[], None]) -> None:
        async with store.transaction() as repositories:
            await repositories.accounts.send(scene.accounts[0], deposit, actor="tests", request_id="")
            then()

    with pytest.raises(KeyError):
        await make_deposit(lambda: {}["nothing"])
    await listener.fetchval("SELECT 1")
    assert (heard.is_set(), await scene.value("SELECT count(*) FROM inbox")) == (False, 0)
    await make_deposit(lambda: None)

    async with asyncio.timeout(SECONDS_MAX):
        await heard.wait()
    assert await scene.value("SELECT count(*) FROM inbox") == 1
