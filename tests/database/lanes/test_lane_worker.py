"""The lane worker against a real PostgreSQL."""

import asyncio
import json
from decimal import Decimal
from uuid import UUID

import pytest

from orderlane.domain.account import lane_of
from orderlane.domain.messages import OrderAccepted, PlacePortfolioOrder, ReceiveVenueReports
from orderlane.postgres.lane_store import PostgresLaneStore
from orderlane.sources import Sources
from tests.database.lanes.conftest import LANES, SteppedWorker, executed

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

    events = await scene.rows("SELECT * FROM events ORDER BY lane, position")
    assert [one["type"] for one in events] == GUIDE_OF_THREE
    assert [one["position"] for one in events] == list(range(1, len(events) + 1))
    counted = [one["sequence"] for one in events if one["sequence"] is not None]
    assert counted == list(range(1, 3 + 9 + 1))
    row = await scene.connection.fetchrow("SELECT * FROM portfolio_orders WHERE id = $1", portfolio_order)
    assert (row["status"], row["sequence"]) == ("FILLED", 12)
    assert await scene.value("SELECT position FROM lanes WHERE lane = $1", events[0]["lane"]) == len(events)
    assert await scene.value("SELECT count(*) FROM inbox") == 0


async def test_every_event_carries_the_state_of_its_transition(scene, worker) -> None:
    account = scene.accounts[0]
    await scene.deposit(account, "1000")
    portfolio_order = await scene.place(account, "1000")
    await worker.work_off()
    await scene.execute_all(portfolio_order)
    await worker.work_off()

    payloads = [json.loads(one["payload"]) for one in await scene.rows("SELECT payload FROM events ORDER BY position")]
    for payload in payloads:
        assert payload["object"]["status"] == payload["type"].split(".")[1]
    by_type = {payload["type"]: payload["object"] for payload in payloads}
    assert by_type["PORTFOLIO_ORDER.NEW"]["orders"] == []
    processing = by_type["PORTFOLIO_ORDER.PROCESSING"]["orders"]
    assert [one["state"] for one in processing] == ["PROCESSING", "NEW", "NEW"]
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
    assert [tuple(one) for one in held] == [tuple(one) for one in summed]
    cash = next(one for one in held if one["asset"] == "EUR")
    assert (cash["quantity"], cash["locked"]) == (Decimal("0.02"), 0)


async def test_the_number_of_statements_does_not_depend_on_the_batch(scene, worker, store: PostgresLaneStore) -> None:
    async def statements(accounts: list[UUID]) -> int:
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
        worker = SteppedWorker(store, sources)
        await worker.take_all_lanes()
        await worker.work_off()
        await store.close()

    await scene.deposit(account, "1000")
    portfolio_order = await scene.place(account, "1000")
    await work_off_with_a_new_worker()
    orders = await scene.orders(portfolio_order)
    await scene.say(account, ReceiveVenueReports(tuple(OrderAccepted(one["id"]) for one in orders)))
    await work_off_with_a_new_worker()
    for order in orders:
        await scene.say(account, ReceiveVenueReports((executed(order),)))
        await work_off_with_a_new_worker()

    events = await scene.rows("SELECT type FROM events ORDER BY position")
    assert [one["type"] for one in events] == GUIDE_OF_THREE
    assert await scene.value("SELECT status FROM portfolio_orders") == "FILLED"


async def test_what_is_remembered_of_a_lane_is_forgotten_with_it(scene, store, worker, dsn: str) -> None:
    await scene.build_more_accounts(12)
    for account in scene.accounts:
        await scene.deposit(account, "1000")
        await scene.place(account, "1000")
    await worker.work_off()
    assert all(store.remembers(account) for account in scene.accounts)

    second = await PostgresLaneStore.open(dsn)
    await second.rebalance()
    owned = await store.rebalance()
    assert len(owned) == 2
    assert {one for one in scene.accounts if store.remembers(one)} == {
        one for one in scene.accounts if lane_of(one, len(LANES)) in owned
    }
    await second.close()


async def test_too_little_cash_is_told_with_the_numbers(scene, worker) -> None:
    account = scene.accounts[0]
    await scene.deposit(account, "10")
    await scene.place(account, "10.01")
    await worker.work_off()
    row = await scene.connection.fetchrow("SELECT * FROM portfolio_orders")
    assert (row["status"], row["cancellation_reason"]) == ("CANCELLED", "INSUFFICIENT_FUNDS")
    assert "10.01 EUR needed, 10.00 EUR available" in row["cancellation_details"]
    types = [one["type"] for one in await scene.rows("SELECT type FROM events ORDER BY position")]
    assert types == ["PORTFOLIO_ORDER.NEW", "PORTFOLIO_ORDER.CANCELLED"]


async def test_a_message_that_cannot_be_applied_holds_its_account_only(scene, worker, sources: Sources) -> None:
    await scene.build_more_accounts(1)
    held, other = scene.accounts
    await scene.say(held, ReceiveVenueReports((OrderAccepted(sources.ids.new_id()),)))
    await scene.deposit(held, "5")
    await scene.deposit(other, "7")
    await worker.work_off()

    quarantined = await scene.rows("SELECT * FROM quarantine")
    assert [one["account_id"] for one in quarantined] == [held]
    assert "has no individual order" in quarantined[0]["error"]
    assert await scene.value("SELECT quantity FROM holdings WHERE account_id = $1", other) == 7
    assert await scene.value("SELECT count(*) FROM holdings WHERE account_id = $1", held) == 0
    assert await scene.value("SELECT count(*) FROM inbox WHERE account_id = $1", held) == 1


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
        "INSERT INTO inbox (lane, account_id, kind, payload) VALUES ($1, $2, 'NONSENSE', '{}')",
        account.int % 4,
        account,
    )
    await worker.work_off()
    assert await scene.value("SELECT kind FROM quarantine") == "NONSENSE"


async def test_workers_share_the_lanes_and_take_over_a_dead_ones(dsn: str, store: PostgresLaneStore) -> None:
    assert await store.rebalance() == {0, 1, 2, 3}
    second = await PostgresLaneStore.open(dsn)
    assert await second.rebalance() == frozenset()
    assert len(await store.rebalance()) == 2
    assert len(await second.rebalance()) == 2
    assert not store._share.owned & second._share.owned
    await second.close()
    async with asyncio.timeout(10):
        while len(await store.rebalance()) < 4:
            pass


async def test_workers_ask_each_other_for_lanes_at_once(dsn: str, store: PostgresLaneStore) -> None:
    await store.rebalance()
    await store.rebalance()
    second = await PostgresLaneStore.open(dsn)
    async with asyncio.timeout(10):
        assert await second.rebalance() == frozenset()
        while not store.is_rebalance_hinted:
            await store.wait_for_message(10)
        assert len(await store.rebalance()) == 2
        while not (second.is_rebalance_hinted and len(await second.rebalance()) == 2):
            await second.wait_for_message(10)
    await second.close()


async def test_a_rolled_back_batch_changes_nothing(scene, store: PostgresLaneStore) -> None:
    account = scene.accounts[0]
    await scene.deposit(account, "100")
    await store.rebalance()

    async def crash() -> None:
        async with store.batch(range(4), 10) as batch:
            raise RuntimeError(f"crash with {len(batch.loaded.messages)} message")

    with pytest.raises(RuntimeError, match="crash with 1 message"):
        await crash()
    assert await scene.value("SELECT count(*) FROM inbox") == 1


async def test_a_missing_portfolio_order_is_quarantined(scene, worker, sources: Sources) -> None:
    await scene.say(scene.accounts[0], PlacePortfolioOrder(sources.ids.new_id()))
    await worker.work_off()
    assert "has no portfolio order" in await scene.value("SELECT error FROM quarantine")
