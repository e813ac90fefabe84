"""A database that can't take a write for now is no message's fault: nothing is quarantined, the worker begins anew."""

import asyncpg
import pytest

from orderlane.ports.errors import StoreUnavailable
from orderlane.postgres.lanes.store import PostgresLaneStore


async def test_a_database_that_is_read_only_for_now_quarantines_nothing(
    scene, worker, store: PostgresLaneStore
) -> None:
    await scene.deposit(scene.accounts[0], "100")
    await store._connection.execute("SET default_transaction_read_only = on")

    with pytest.raises(StoreUnavailable):
        await worker.work_off()

    await store._connection.execute("SET default_transaction_read_only = off")
    assert await worker.work_off() == 1
    assert await scene.value("SELECT count(*) FROM quarantine") == 0


async def test_a_lock_that_is_not_given_in_time_quarantines_nothing(
    scene, worker, store: PostgresLaneStore, connection: asyncpg.Connection
) -> None:
    await scene.deposit(scene.accounts[0], "100")
    await store._connection.execute("SET lock_timeout = '50ms'")

    async with connection.transaction():
        await connection.execute("LOCK TABLE holdings IN SHARE MODE")
        with pytest.raises(StoreUnavailable):
            await worker.work_off()

    assert await worker.work_off() == 1
    assert await scene.value("SELECT count(*) FROM quarantine") == 0


async def test_a_statement_that_is_cancelled_quarantines_nothing(
    scene, worker, store: PostgresLaneStore, connection: asyncpg.Connection
) -> None:
    await scene.deposit(scene.accounts[0], "100")
    await store._connection.execute("SET statement_timeout = '50ms'")

    async with connection.transaction():
        await connection.execute("LOCK TABLE holdings IN SHARE MODE")
        with pytest.raises(StoreUnavailable):
            await worker.work_off()

    await store._connection.execute("RESET statement_timeout")
    assert await worker.work_off() == 1
    assert await scene.value("SELECT count(*) FROM quarantine") == 0
