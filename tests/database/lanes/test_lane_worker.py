"""The lane worker against a real PostgreSQL."""

import asyncio
import json
from decimal import Decimal

import pytest

from orderlane.domain.ids import AccountId, lane_of, order_id, parent_order_id
from orderlane.domain.lane.placing import PlacePortfolioOrder
from orderlane.domain.lane.reporting import OrderAccepted, ReceiveVenueReports
from orderlane.ports.lanes import LaneLost
from orderlane.postgres.lanes.store import PostgresLaneStore
from orderlane.postgres.operator import PostgresOperator
from orderlane.sources import Sources
from orderlane.workers.batch import decide_batch
from tests.database.lanes.conftest import LANES, NOW, SteppedWorker, accepted, executed

GUIDE_OF_THREE = (
    ["PORTFOLIO_ORDER.NEW"]
    + ["ORDER.NEW"] * 3
    + ["PORTFOLIO_ORDER.PROCESSING"]
    + ["ORDER.PROCESSING"] * 3
    + ["EXECUTION.FILLED", "ORDER.FILLED"] * 3
    + ["PORTFOLIO_ORDER.FILLED"]
)


async def test_a_portfolio_order_goes_from_new_to_filled(scene, worker) -> None:
    account = scene.accounts[0]
    await scene.deposit(account, "1000.00")
    portfolio_order = await scene.place(account, "1000.00")
    await worker.work_off()
    await scene.execute_all(portfolio_order)
    await worker.work_off()

    events = await scene.rows("SELECT * FROM event_log ORDER BY lane, position, frame")
    assert [event["type"] for event in events] == GUIDE_OF_THREE
    counted = [event["sequence"] for event in events if event["sequence"] is not None]
    assert counted == list(range(1, 3 + 9 + 1))
    segments = await scene.rows("SELECT * FROM events ORDER BY lane, position")
    assert [segment["position"] for segment in segments] == [1, 2, 3]
    assert {str(segment["parent_id"]) for segment in segments} == {portfolio_order}
    row = await scene.connection.fetchrow("SELECT * FROM parent_orders WHERE id = $1", portfolio_order)
    assert (row["status"], row["sequence"], row["legs_filled"]) == ("FILLED", 12, 3)
    assert await scene.value("SELECT position FROM lanes WHERE lane = $1", events[0]["lane"]) == len(segments)
    assert await scene.value("SELECT count(*) FROM inbox") == 0


async def test_every_event_carries_the_state_of_its_transition(scene, worker) -> None:
    account = scene.accounts[0]
    await scene.deposit(account, "1000")
    portfolio_order = await scene.place(account, "1000")
    await worker.work_off()
    await scene.execute_all(portfolio_order)
    await worker.work_off()

    payloads = [json.loads(frame) for frame in await scene.frames()]
    for payload in payloads:
        assert payload["object"]["status"] == payload["type"].split(".")[1]
    by_type = {payload["type"]: payload["object"] for payload in payloads}
    assert by_type["PORTFOLIO_ORDER.NEW"]["orders"] == []
    processing = by_type["PORTFOLIO_ORDER.PROCESSING"]["orders"]
    assert [row["state"] for row in processing] == ["PROCESSING", "NEW", "NEW"]
    assert by_type["PORTFOLIO_ORDER.FILLED"]["remaining_cash_amount"] == "0.00"


async def test_cash_and_units_are_the_sums_of_the_journal(scene, worker) -> None:
    account = scene.accounts[0]
    await scene.deposit(account, "1000.01")
    portfolio_order = await scene.place(account, "999.99")
    await worker.work_off()
    await scene.execute_all(portfolio_order)
    await worker.work_off()

    held = await scene.rows("SELECT asset, quantity, locked, pending FROM holdings ORDER BY asset")
    summed = await scene.rows(
        "SELECT asset, sum(quantity) quantity, sum(locked) locked, sum(pending) pending "
        "FROM journal_entries GROUP BY asset ORDER BY asset"
    )
    assert [tuple(row) for row in held] == [tuple(row) for row in summed]
    cash = next(row for row in held if row["asset"] == "EUR")
    assert (cash["quantity"], cash["locked"]) == (Decimal("0.02"), 0)


async def test_the_number_of_statements_does_not_depend_on_the_batch(scene, worker, store: PostgresLaneStore) -> None:
    async def statements(accounts: list[AccountId]) -> int:
        for account in accounts:
            await scene.deposit(account, "100")
            await scene.place(account, "100")
        before = store.count.total
        assert await worker._work_off() == 2 * len(accounts)
        return store.count.total - before

    await scene.build_more_accounts(22)
    await statements(scene.accounts[:1])  # the driver asks for the types of a table once
    assert await statements(scene.accounts[1:2]) == await statements(scene.accounts[2:22])


async def test_a_worker_goes_on_where_another_stopped(scene, dsn: str, sources: Sources) -> None:
    account = scene.accounts[0]

    async def work_off_with_a_new_worker() -> None:
        store = await PostgresLaneStore.open(dsn)
        worker = SteppedWorker(store, sources.ids.new_id)
        await worker.take_all_lanes()
        await worker.work_off()
        await store.close()

    await scene.deposit(account, "1000")
    portfolio_order = await scene.place(account, "1000")
    await work_off_with_a_new_worker()
    orders = await scene.orders(portfolio_order)
    await scene.say(account, ReceiveVenueReports(tuple(accepted(order) for order in orders)))
    await work_off_with_a_new_worker()
    for order in orders:
        await scene.say(account, ReceiveVenueReports((executed(order),)))
        await work_off_with_a_new_worker()

    events = await scene.rows("SELECT type FROM event_log ORDER BY position, frame")
    assert [row["type"] for row in events] == GUIDE_OF_THREE
    assert await scene.value("SELECT status FROM parent_orders") == "FILLED"


async def test_what_is_remembered_of_a_lane_is_forgotten_with_it(scene, store, worker, dsn: str) -> None:
    await scene.build_more_accounts(12)
    for account in scene.accounts:
        await scene.deposit(account, "1000")
        await scene.place(account, "1000")
    await worker.work_off()
    assert all(store.remembers(account) for account in scene.accounts)

    second = await PostgresLaneStore.open(dsn)
    await second.redistribute()
    owned = await store.redistribute()
    assert len(owned) == 2
    assert {row for row in scene.accounts if store.remembers(row)} == {
        row for row in scene.accounts if lane_of(row, len(LANES)) in owned
    }
    await second.close()


async def test_too_little_cash_is_told_with_the_numbers(scene, worker) -> None:
    account = scene.accounts[0]
    await scene.deposit(account, "10")
    await scene.place(account, "10.01")
    await worker.work_off()
    row = await scene.connection.fetchrow("SELECT * FROM parent_orders")
    assert (row["status"], row["cancellation_reason"]) == ("CANCELLED", "INSUFFICIENT_FUNDS")
    assert "10.01 EUR needed, 10.00 EUR available" in row["cancellation_details"]
    types = [row["type"] for row in await scene.rows("SELECT type FROM event_log ORDER BY position, frame")]
    assert types == ["PORTFOLIO_ORDER.NEW", "PORTFOLIO_ORDER.CANCELLED"]


async def test_a_message_that_cannot_be_applied_holds_its_account_only(scene, worker, sources: Sources) -> None:
    await scene.build_more_accounts(1)
    held, other = scene.accounts
    placed = await scene.place(held, "10")
    await worker.work_off()
    await scene.say(held, ReceiveVenueReports((OrderAccepted(order_id(placed, 9)),)))
    await scene.deposit(held, "5")
    await scene.deposit(other, "7")
    await worker.work_off()
    await scene.deposit(held, "6")
    await worker.work_off()

    quarantined = await scene.rows("SELECT * FROM quarantine ORDER BY id")
    assert [str(row["subject_id"]) for row in quarantined] == [held] * 3
    assert "has no individual order" in quarantined[0]["error"]
    assert [row["error"] for row in quarantined[1:]] == [None, None], "what comes for it meanwhile is set aside"
    assert await scene.value("SELECT quantity FROM holdings WHERE account_id = $1", other) == 7
    assert await scene.value("SELECT count(*) FROM holdings WHERE account_id = $1", held) == 0
    assert await scene.value("SELECT count(*) FROM inbox") == 0, "nothing of it is read again"


async def test_a_released_account_goes_on_in_its_order(scene, worker, dsn: str) -> None:
    account = scene.accounts[0]
    await scene.connection.execute("ALTER TABLE holdings ADD CONSTRAINT small CHECK (quantity < 100)")
    for amount in ("100", "1", "2"):
        await scene.deposit(account, amount)
    await worker.work_off()
    await scene.connection.execute("ALTER TABLE holdings DROP CONSTRAINT small")
    operator = await PostgresOperator.open(dsn)
    [quarantined] = await operator.quarantined()
    assert quarantined.set_aside == 2
    await operator.release(quarantined.id)
    await operator.close()
    await worker.work_off()

    amounts = await scene.rows("SELECT quantity FROM journal_entries ORDER BY message_id")
    assert [row["quantity"] for row in amounts] == [100, 1, 2]
    assert await scene.value("SELECT count(*) FROM quarantine") == 0


async def test_a_message_that_the_database_refuses_is_quarantined_too(scene, worker) -> None:
    account = scene.accounts[0]
    await scene.connection.execute("ALTER TABLE holdings ADD CHECK (quantity < 100)")
    await scene.deposit(account, "100")
    await worker.work_off()
    assert await scene.value("SELECT count(*) FROM quarantine") == 1
    assert await scene.value("SELECT count(*) FROM journal_entries") == 0


async def test_a_message_that_cannot_be_read_is_quarantined(scene, worker) -> None:
    account = scene.accounts[0]
    await scene.connection.execute(
        "INSERT INTO inbox (lane, subject_id, kind, message, actor) VALUES ($1, $2, 'NONSENSE', '{}', 'tests')",
        lane_of(account, 4),
        account,
    )
    await worker.work_off()
    assert await scene.value("SELECT kind FROM quarantine") == "NONSENSE"


async def test_workers_share_the_lanes_and_take_over_a_dead_ones(dsn: str, store: PostgresLaneStore) -> None:
    assert await store.redistribute() == {0, 1, 2, 3}
    second = await PostgresLaneStore.open(dsn)
    assert await second.redistribute() == frozenset()
    assert len(await store.redistribute()) == 2
    assert len(await second.redistribute()) == 2
    assert not store._claims.owned & second._claims.owned
    await second.close()
    async with asyncio.timeout(10):
        while len(await store.redistribute()) < 4:
            pass


async def test_workers_ask_each_other_for_lanes_at_once(dsn: str, store: PostgresLaneStore) -> None:
    await store.redistribute()
    await store.redistribute()
    second = await PostgresLaneStore.open(dsn)
    async with asyncio.timeout(10):
        assert await second.redistribute() == frozenset()
        while not store.is_hinted:
            await store.wait_for_message(10)
        assert len(await store.redistribute()) == 2
        while not (second.is_hinted and len(await second.redistribute()) == 2):
            await second.wait_for_message(10)
    await second.close()


async def test_a_rolled_back_batch_changes_nothing(scene, store: PostgresLaneStore) -> None:
    account = scene.accounts[0]
    await scene.deposit(account, "100")
    await store.redistribute()

    async def crash() -> None:
        async with store.batch(list(LANES), 10) as batch:
            raise RuntimeError(f"crash with {len(batch.loaded.messages)} message")

    with pytest.raises(RuntimeError, match="crash with 1 message"):
        await crash()
    assert await scene.value("SELECT count(*) FROM inbox") == 1


async def test_a_missing_portfolio_order_is_quarantined(scene, worker, sources: Sources) -> None:
    account = scene.accounts[0]
    await scene.say(account, PlacePortfolioOrder(parent_order_id(sources.ids.new_id(), NOW, account)))
    await worker.work_off()
    assert "has no parent order" in await scene.value("SELECT error FROM quarantine")


async def test_of_two_writers_of_a_lane_the_slower_one_is_refused(scene, store: PostgresLaneStore, dsn: str) -> None:
    """Both believe to own the lanes: neither asks for a lock."""
    other = await PostgresLaneStore.open(dsn)
    first, second = (SteppedWorker(each, scene.sources.ids.new_id) for each in (store, other))
    for worker in (first, second):
        worker._own(frozenset(LANES))
    await scene.deposit(scene.accounts[0], "100")
    async with other.batch(list(LANES), 10) as slow:
        changes = await decide_batch(slow.loaded, scene.sources.ids.new_id)
        assert await first.work_off() == 1
        with pytest.raises(LaneLost):
            await slow.write(changes)

    assert await scene.value("SELECT quantity FROM holdings") == 100
    assert await scene.value("SELECT count(*) FROM journal") == 1
    await other.close()


async def test_a_worker_that_lost_a_lane_gives_it_up_and_takes_it_again(scene, store, worker) -> None:
    account = scene.accounts[0]
    await scene.deposit(account, "100")
    lane = lane_of(account, 4)
    move = "UPDATE lanes SET version = version + 1 WHERE lane = $1"
    write = store._writer.write

    async def written_after_another(changes) -> None:
        await scene.connection.execute(move, lane)
        store._writer.write = write
        await write(changes)

    store._writer.write = written_after_another
    assert await worker._work_off() == 0
    assert lane not in worker.lanes
    await worker.take_all_lanes()
    assert await worker.work_off() == 1
    assert await scene.value("SELECT quantity FROM holdings") == 100


async def test_of_two_writers_in_turn_neither_goes_by_what_it_remembers(scene, store, dsn: str) -> None:
    """Both believe to own the lanes, and write one after the other."""
    other = await PostgresLaneStore.open(dsn)
    first, second = (SteppedWorker(each, scene.sources.ids.new_id) for each in (store, other))
    for worker in (first, second):
        worker._own(frozenset(LANES))
    account = scene.accounts[0]
    await scene.deposit(account, "1000")
    placed = await scene.place(account, "1000")
    await first.work_off()
    orders = await scene.orders(placed)
    for number, worker in enumerate((second, first, second)):
        await scene.say(account, ReceiveVenueReports((accepted(orders[number]),)))
        await scene.deposit(account, "7")
        await worker.work_off()

    sequences = await scene.rows("SELECT sequence FROM event_log WHERE sequence IS NOT NULL ORDER BY position, frame")
    assert [row["sequence"] for row in sequences] == list(range(1, len(sequences) + 1))
    cash = "SELECT sum(quantity) FROM {} WHERE asset = 'EUR'"
    assert await scene.value(cash.format("holdings")) == await scene.value(cash.format("journal_entries")) == 1021
    assert [order["status"] for order in await scene.orders(placed)] == ["PROCESSING"] * 3
    await other.close()


async def test_a_message_that_another_writer_applies_meanwhile_is_applied_once(scene, store, dsn: str) -> None:
    other = await PostgresLaneStore.open(dsn)
    second = SteppedWorker(other, scene.sources.ids.new_id)
    second._own(frozenset(LANES))
    await scene.deposit(scene.accounts[0], "100")
    load = store._loader.load

    async def loaded_after_another(rows):
        assert await second.work_off() == 1
        return await load(rows)

    store._loader.load = loaded_after_another
    first = SteppedWorker(store, scene.sources.ids.new_id)
    first._own(frozenset(LANES))
    assert await first._work_off() == 0

    assert await scene.value("SELECT quantity FROM holdings") == 100
    assert await scene.value("SELECT count(*) FROM journal") == 1
    await other.close()


async def test_a_release_sees_what_a_batch_under_way_sets_aside(scene, store, worker, dsn: str) -> None:
    account = scene.accounts[0]
    await scene.connection.execute("ALTER TABLE holdings ADD CONSTRAINT small CHECK (quantity < 100)")
    await scene.deposit(account, "100")
    await worker.work_off()
    await scene.connection.execute("ALTER TABLE holdings DROP CONSTRAINT small")
    await scene.deposit(account, "1")
    operator = await PostgresOperator.open(dsn)
    [quarantined] = await operator.quarantined()
    async with store.batch(list(LANES), 10) as batch:
        await batch.write(await decide_batch(batch.loaded, scene.sources.ids.new_id))
        release = asyncio.create_task(operator.release(quarantined.id))
        async with asyncio.timeout(10):
            while not await scene.value("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0)
    await release
    await worker.work_off()

    assert await scene.value("SELECT count(*) FROM quarantine") == 0
    amounts = await scene.rows("SELECT quantity FROM journal_entries ORDER BY message_id")
    assert [row["quantity"] for row in amounts] == [100, 1]
    await operator.close()


async def test_a_subject_that_is_held_by_nothing_is_shown(scene, dsn: str) -> None:
    await scene.connection.execute(
        "INSERT INTO quarantine (lane, id, subject_id, kind, message, actor, request_id, created_at, quarantined_at)"
        " VALUES (1, 7, $1, 'BOOK_DEPOSIT', '{}', 'tests', '', now(), now())",
        scene.accounts[0],
    )
    operator = await PostgresOperator.open(dsn)
    [quarantined] = await operator.quarantined()
    assert (quarantined.id, "release it" in quarantined.error) == (7, True)
    await operator.close()
