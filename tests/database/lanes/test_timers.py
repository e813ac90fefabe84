"""The timers against a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from orderlane.postgres.timers import PostgresTimerStore
from orderlane.workers.timers import TimerLimits, Timers
from tests.database.lanes.conftest import NOW, STAND_STILL

PARTITIONS = "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'events'::regclass"
SETTLED_ON = date(2026, 3, 4)


@pytest.fixture
async def timer_store(dsn: str) -> AsyncIterator[PostgresTimerStore]:
    store = await PostgresTimerStore.open(dsn)
    yield store
    await store.close()


async def fill(scene, worker, amount: str = "1000") -> None:
    await scene.deposit(scene.accounts[0], amount)
    portfolio_order = await scene.place(scene.accounts[0], amount)
    await worker.work_off()
    await scene.execute_all(portfolio_order)
    await worker.work_off()


async def test_a_day_gets_a_partition_and_events_that_came_before_it_move_there(scene, worker, timer_store) -> None:
    await fill(scene, worker)
    before = await scene.rows("SELECT * FROM events ORDER BY lane, position")

    assert await timer_store.make_event_partition(NOW.date())
    assert not await timer_store.make_event_partition(NOW.date())

    assert await scene.rows("SELECT * FROM events ORDER BY lane, position") == before
    assert await scene.value("SELECT count(*) FROM events_2026_03_02") == len(before)
    assert await scene.value("SELECT count(*) FROM events_default") == 0


async def test_events_after_the_partition_go_there_and_those_of_other_days_do_not(scene, worker, timer_store) -> None:
    await timer_store.make_event_partition(NOW.date() + timedelta(days=1))
    await fill(scene, worker)
    assert await scene.value("SELECT count(*) FROM events_2026_03_03") == 0

    await timer_store.make_event_partition(NOW.date())
    await fill(scene, worker)

    assert await scene.value("SELECT count(*) FROM events_default") == 0
    assert await scene.value("SELECT count(*) FROM events_2026_03_02") == await scene.value(
        "SELECT count(*) FROM events"
    )


async def test_events_are_never_changed_in_whatever_partition(scene, worker, timer_store) -> None:
    await fill(scene, worker)
    for table in ("events", "events_default"):
        with pytest.raises(asyncpg.RaiseError, match="never changed"):
            await scene.connection.execute(f"UPDATE {table} SET epoch = 2")
    await timer_store.make_event_partition(NOW.date())
    for table in ("events", "events_2026_03_02", "events_default"):
        with pytest.raises(asyncpg.RaiseError, match="never changed"):
            await scene.connection.execute(f"DELETE FROM {table}")


async def test_a_partition_has_the_indexes_of_the_whole(scene, timer_store) -> None:
    await timer_store.make_event_partition(NOW.date())

    plain = "SELECT count(*) FROM pg_index WHERE indrelid = $1::text::regclass"
    assert await scene.value(plain, "events_2026_03_02") == await scene.value(plain, "events")


async def test_due_executions_are_settled_once_and_the_portfolio_order_with_them(scene, worker, timer_store) -> None:
    await fill(scene, worker)
    assert await timer_store.settle_due(SETTLED_ON - timedelta(days=1), 100) == 0

    assert await timer_store.settle_due(SETTLED_ON, 100) == 1
    assert await timer_store.settle_due(SETTLED_ON, 100) == 0, "told already, not applied yet"
    await worker.work_off()
    assert await timer_store.settle_due(SETTLED_ON, 100) == 0, "settled"

    assert await scene.value("SELECT count(*) FROM executions WHERE status = 'SETTLED'") == 3
    assert await scene.value("SELECT status FROM parent_orders") == "SETTLED"
    assert await scene.value("SELECT sum(pending) FROM holdings") == 0


async def test_settlement_is_bounded_and_goes_on_where_it_stopped(scene, worker, timer_store) -> None:
    for _ in range(3):
        await fill(scene, worker)

    for settled in range(1, 4):
        assert await timer_store.settle_due(SETTLED_ON, 1) == 1
        await worker.work_off()
        assert await scene.value("SELECT count(*) FROM parent_orders WHERE status = 'SETTLED'") == settled
    assert await scene.value("SELECT count(*) FROM parent_orders WHERE settles_on IS NOT NULL") == 0


async def test_nothing_settles_while_its_portfolio_order_trades(scene, worker, timer_store) -> None:
    await fill(scene, worker)
    await scene.connection.execute("UPDATE parent_orders SET status = 'PROCESSING'")

    assert await timer_store.settle_due(SETTLED_ON, 100) == 0


async def test_what_is_of_no_use_any_more_is_forgotten_in_bounded_steps(scene, timer_store) -> None:
    for age in range(5):
        await scene.connection.execute(
            "INSERT INTO idempotency_records VALUES ($1, $2, '', 200, '', now() - $3::interval)",
            scene.client,
            scene.sources.ids.new_id(),
            timedelta(hours=age),
        )
        await scene.connection.execute(
            "INSERT INTO used_nonces VALUES ($1, $2, now() - $3::interval)",
            scene.client,
            str(age),
            timedelta(hours=age),
        )
    age = timedelta(hours=1, minutes=30)

    assert [await timer_store.forget_idempotency_records(age, 2) for _ in range(3)] == [2, 1, 0]
    assert [await timer_store.forget_nonces(age, 2) for _ in range(3)] == [2, 1, 0]
    assert await timer_store.forget_attempts(age, 2) == 0
    assert await scene.value("SELECT count(*) FROM idempotency_records") == 2
    assert await scene.value("SELECT count(*) FROM used_nonces") == 2


async def test_only_one_process_has_the_timers_and_another_takes_over(dsn: str, timer_store) -> None:
    other = await PostgresTimerStore.open(dsn)
    assert await timer_store.own()
    assert not await other.own()

    await timer_store.close()

    async with asyncio.timeout(10):
        while not await other.own():
            await asyncio.sleep(0.01)
    await other.close()


class Compared:
    """A machine's clock that is so far ahead of the database's."""

    def __init__(self, difference: timedelta = timedelta(0)) -> None:
        self.difference = difference

    @property
    def differs(self) -> bool:
        return abs(self.difference) > timedelta(seconds=5)


async def test_a_round_makes_the_partitions_of_the_days_ahead_in_business_time(dsn: str, connection) -> None:
    stop = asyncio.Event()
    await connection.execute(STAND_STILL.format(datetime(2026, 12, 30, 23, 59, tzinfo=UTC).isoformat()))
    limits = TimerLimits(round_seconds=0.01, partition_days_ahead=2)
    timers = Timers(await PostgresTimerStore.open(dsn), Compared(), limits)
    running = asyncio.create_task(timers.run(stop))

    await partitions(connection, {"events_2026_12_30", "events_2026_12_31", "events_2027_01_01", "events_default"})
    await connection.execute(STAND_STILL.format(datetime(2026, 12, 31, 23, 59, tzinfo=UTC).isoformat()))
    await partitions(connection, {"events_2027_01_02"})

    stop.set()
    await asyncio.wait_for(running, 10)


async def test_a_process_with_a_wrong_clock_leaves_the_timers_to_another(dsn: str, timer_store) -> None:
    stop = asyncio.Event()
    clock = Compared()
    timers = Timers(await PostgresTimerStore.open(dsn), clock, TimerLimits(round_seconds=0.01))
    running = asyncio.create_task(timers.run(stop))
    async with asyncio.timeout(10):
        while await timer_store.own():
            await timer_store.give_up()
            await asyncio.sleep(0.01)

    clock.difference = timedelta(days=-400)
    async with asyncio.timeout(10):
        while not await timer_store.own():
            await asyncio.sleep(0.01)

    stop.set()
    await asyncio.wait_for(running, 10)


async def partitions(connection, expected: set[str]) -> None:
    async with asyncio.timeout(10):
        while not expected <= {row["name"] for row in await connection.fetch(PARTITIONS)}:
            await asyncio.sleep(0.01)
