"""Lists ask the database the same number of times, whatever hangs on their entries."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from orderlane.domain.allocation import Allocation, Weight
from orderlane.domain.configuration import PortfolioConfiguration
from orderlane.domain.ids import AccountId, AllocationId, ParentOrderId
from orderlane.domain.money import total
from orderlane.ports.orders import PortfolioOrderFilter
from orderlane.ports.paging import Listing, Page
from orderlane.ports.portfolios import AllocationFilter
from orderlane.postgres.connection import Connection, StatementCount, connect
from orderlane.postgres.installation import read_installation
from orderlane.postgres.lanes.store import PostgresLaneStore
from orderlane.postgres.store import PostgresRepositories
from orderlane.sources import seeded_sources
from orderlane.workers.lane import LaneWorkerLimits
from tests.database.lanes.conftest import ISINS, NOW, Scene, SteppedWorker

PAGE = Page(0, 1000, "created_at", "ASC")
POSITIONS = Page(0, 1000, "isin", "ASC")
EVENTS = Page(0, 1000, "position", "ASC")

Reading = Callable[[PostgresRepositories, Scene], Awaitable[Listing[Any]]]
READINGS: dict[str, Reading] = {
    "accounts": lambda store, scene: store.accounts.list(scene.client, PAGE),
    "instruments": lambda store, _: store.instruments.list(PAGE),
    "allocations": lambda store, scene: store.allocations.list(scene.client, PAGE, AllocationFilter()),
    "accounts of an allocation": lambda store, scene: store.allocations.accounts(scene.client, scene.allocation, PAGE),
    "configurations": lambda store, scene: store.configurations.list(scene.client, PAGE, None),
    "positions": lambda store, scene: store.holdings.positions(scene.client, scene.accounts[0], POSITIONS),
    "portfolio orders": lambda store, scene: store.portfolio_orders.list(scene.client, PAGE, PortfolioOrderFilter()),
    "orders of an account": lambda store, scene: store.orders.of_account(scene.client, scene.accounts[0], PAGE),
}
STATEMENTS_MAX = 1
"""One where the account in the path has to exist. The page itself is a cursor, which the driver does not count."""


@pytest.fixture
async def scene(connection: asyncpg.Connection) -> Scene:
    scene = Scene(connection, seeded_sources(1, NOW))
    await scene.build(2)
    return scene


@pytest.fixture
async def worker(dsn: str, scene: Scene) -> AsyncIterator[SteppedWorker]:
    store = await PostgresLaneStore.open(dsn)
    worker = SteppedWorker(store, scene.sources.ids.new_id, LaneWorkerLimits())
    await worker.take_all_lanes()
    yield worker
    await store.close()


@pytest.fixture
def statements() -> StatementCount:
    return StatementCount()


@pytest.fixture
async def reader(dsn: str, statements: StatementCount) -> AsyncIterator[Connection]:
    connection = await connect(dsn, "reader", statements)
    yield connection
    await connection.close()


async def fill_one(scene: Scene, worker: SteppedWorker, account: AccountId) -> ParentOrderId:
    await scene.deposit(account, "100.00")
    placed = await scene.place(account, "100.00")
    await worker.work_off()
    await scene.execute_all(placed)
    await worker.work_off()
    return placed


async def add_allocations(store: PostgresRepositories, scene: Scene, count: int) -> None:
    weights = tuple(Weight(isin, Decimal(50)) for isin in ISINS[:2])
    for _ in range(count):
        await store.allocations.add(
            Allocation(
                id=AllocationId(scene.sources.ids.new_id()),
                client_id=scene.client,
                name="",
                weights=weights,
                created_at=NOW,
                updated_at=NOW,
            )
        )


async def configure(store: PostgresRepositories, scene: Scene, account: AccountId) -> None:
    await store.configurations.add(
        PortfolioConfiguration(
            account_id=account,
            client_id=scene.client,
            allocation_id=scene.allocation,
            created_at=NOW,
            updated_at=NOW,
        )
    )


async def rows_of(listing: Listing[Any]) -> list[Any]:
    """The rows of all pieces."""
    return [row async for piece in listing.pieces for row in piece]


async def test_a_list_takes_the_same_statements_for_one_entry_and_for_many(
    scene: Scene, worker: SteppedWorker, reader: Connection, statements: StatementCount
) -> None:
    store = PostgresRepositories(reader, await read_installation(reader))
    await configure(store, scene, scene.accounts[0])
    await fill_one(scene, worker, scene.accounts[0])

    async def measured() -> dict[str, tuple[int, int]]:
        found = {}
        for name, read in READINGS.items():
            async with store.snapshot():
                await asyncio.sleep(0)  # the driver counts a moment later
                before = statements.total
                rows = await rows_of(await read(store, scene))
                await asyncio.sleep(0)
                found[name] = (len(rows), statements.total - before)
        return found

    await measured()  # the driver asks once for types that it has not met
    few = await measured()
    await add_allocations(store, scene, 5)
    await configure(store, scene, scene.accounts[1])
    for _ in range(5):
        await fill_one(scene, worker, scene.accounts[0])
    many = await measured()

    assert {name: count for name, (_, count) in many.items()} == {name: count for name, (_, count) in few.items()}
    assert max(count for _, count in many.values()) == STATEMENTS_MAX
    assert {name: rows for name, (rows, _) in many.items()} == {
        "accounts": 2,
        "instruments": 3,
        "allocations": 6,
        "accounts of an allocation": 2,
        "configurations": 2,
        "positions": 3,
        "portfolio orders": 6,
        "orders of an account": 18,
    }


async def test_a_portfolio_order_is_read_whole_in_one_statement(
    scene: Scene, worker: SteppedWorker, reader: Connection, statements: StatementCount
) -> None:
    placed = await fill_one(scene, worker, scene.accounts[0])
    store = PostgresRepositories(reader, await read_installation(reader))
    await store.portfolio_orders.get(scene.client, placed)
    await asyncio.sleep(0)
    before = statements.total

    whole = await store.portfolio_orders.get(scene.client, placed)
    await asyncio.sleep(0)
    for_the_order = statements.total - before
    async with store.snapshot():
        events = await store.portfolio_orders.events(scene.client, placed, EVENTS)
        frames = await rows_of(events)

    assert (total(order.executed_cash_amount for order in whole.orders), len(whole.orders)) == (100, 3)
    assert (events.total_count, len(frames)) == (15, 15)
    assert for_the_order == 1
