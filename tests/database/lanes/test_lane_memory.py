"""What a worker remembers makes it faster and nothing else: with and without memory, the same messages do the same."""

import random
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from orderlane.domain.ids import AccountId, OrderId, ParentOrderId, order_id
from orderlane.domain.lane.reporting import OrderAccepted, OrderEnded, ReceiveVenueReports
from orderlane.domain.lane.settling import SettleExecutions
from orderlane.postgres.lanes import store as lane_store
from orderlane.postgres.lanes.store import PostgresLaneStore
from orderlane.sources import seeded_sources
from orderlane.workers.lane import LaneWorkerLimits
from tests.conftest import NewDatabase, opened
from tests.database.lanes.conftest import NOW, Scene, SteppedWorker, accepted, executed

STEPS = 80
SEEDS = 2
SETTLED_ON = date(2026, 3, 4)
MEMORIES = {"no memory": 0, "a small memory": 12, "a large memory": 100_000}


class Story:
    """A seeded story of many messages of a few accounts, in batches of any size."""

    def __init__(self, scene: Scene, worker: SteppedWorker, seed: int) -> None:
        self._scene, self._worker, self._random = scene, worker, random.Random(seed)

    async def tell(self) -> None:
        for account in self._scene.accounts:
            await self._scene.deposit(account, "300")
        for _ in range(STEPS):
            await self._step(self._random.choice(self._scene.accounts))
            if self._random.random() < 0.4:
                await self._worker.work_off()
        await self._worker.work_off()

    async def _step(self, account: AccountId) -> None:
        match self._random.randrange(12):
            case 0:
                await self._scene.deposit(account, "50")
            case 1 | 2:
                await self._scene.place(account, self._random.choice(("100", "60", "1000")))
            case 3:
                await self._scene.place(account, "20", "SELL")
            case 4:
                await self._settle(account)
            case 5:
                unknown = order_id(ParentOrderId(account), 1)
                await self._scene.say(account, ReceiveVenueReports((OrderAccepted(unknown),)))
                await self._worker.work_off()
                await self._scene.connection.execute("DELETE FROM quarantine")
            case _:
                await self._report(account)

    async def _report(self, account: AccountId) -> None:
        orders = await self._scene.rows("SELECT * FROM orders WHERE account_id = $1 ORDER BY parent_id, leg", account)
        if orders:
            chosen = self._random.sample(orders, k=self._random.randint(1, min(6, len(orders))))
            await self._scene.say(account, ReceiveVenueReports(tuple(self._of(order) for order in chosen)))

    def _of(self, order: Any) -> Any:
        drawn = random.Random(f"{order['leg']} {order['cash_amount']}").random()
        if self._random.random() < 0.3:
            return accepted(order)
        return OrderEnded(OrderId(str(order["id"])), "the venue says no") if drawn < 0.15 else executed(order)

    async def _settle(self, account: AccountId) -> None:
        rows = await self._scene.rows(
            "SELECT DISTINCT parent_id FROM executions WHERE account_id = $1 ORDER BY parent_id", account
        )
        if rows:
            parents = tuple(ParentOrderId(str(row["parent_id"])) for row in rows)
            await self._scene.say(account, SettleExecutions(parents, SETTLED_ON))


async def outcome(scene: Scene) -> dict[str, Sequence[Any]]:
    statements = {
        "events": "SELECT lane, position, types, sequences, payload FROM events ORDER BY lane, position",
        "holdings": "SELECT * FROM holdings ORDER BY account_id, asset",
        "orders": "SELECT * FROM orders ORDER BY id",
        "executions": "SELECT * FROM executions ORDER BY id",
        "parent_orders": "SELECT * FROM parent_orders ORDER BY id",
        "journal": "SELECT lane, message_id, message, facts, postings FROM journal ORDER BY lane, message_id",
        "quarantine": "SELECT id, subject_id FROM quarantine ORDER BY id",
    }
    return {name: [tuple(row) for row in await scene.rows(statement)] for name, statement in statements.items()}


async def told(dsn: str, seed: int, entries_max: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, Sequence[Any]]:
    """What comes of the story on a database of its own, by a worker that remembers so much."""
    monkeypatch.setattr(lane_store, "REMEMBERED_ENTRIES_MAX", entries_max)
    sources = seeded_sources(seed, NOW)
    store = await PostgresLaneStore.open(dsn)
    async with opened(dsn) as connection:
        scene = Scene(connection, sources)
        await scene.build(3)
        worker = SteppedWorker(store, sources.ids.new_id, LaneWorkerLimits(batch_messages_max=50))
        await worker.take_all_lanes()
        await Story(scene, worker, seed).tell()
        found = await outcome(scene)
    await store.close()
    return found


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_memory_changes_nothing(new_database: NewDatabase, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = {
        name: await told(await new_database(), seed, entries_max, monkeypatch) for name, entries_max in MEMORIES.items()
    }
    expected = outcomes.pop("no memory")
    assert {"ORDER.FILLED", "EXECUTION.FILLED"} <= {event_type for row in expected["events"] for event_type in row[2]}
    for name, found in outcomes.items():
        for table, rows in expected.items():
            assert found[table] == rows, f"{table} with {name}, seed {seed}"
