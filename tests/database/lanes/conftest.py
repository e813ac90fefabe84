"""A portfolio account with its master data in a real database, and a lane worker's store beside it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from orderlane.domain.account import lane_of
from orderlane.domain.messages import (
    Deposit,
    Message,
    OrderAccepted,
    OrderExecuted,
    PlacePortfolioOrder,
    ReceiveVenueReports,
)
from orderlane.postgres.inbox import NewMessage, put_messages
from orderlane.postgres.lane_store import PostgresLaneStore
from orderlane.sources import Sources, seeded_sources
from orderlane.workers.lane import LaneWorker, LaneWorkerLimits

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ISINS = ("IE00B4L5Y983", "LU0378818131", "DE0007164600")
LANES = range(4)


@dataclass
class Scene:
    """One client with accounts, written straight into the tables that the API would write."""

    connection: asyncpg.Connection
    sources: Sources
    lane_count: int = 4
    accounts: list[UUID] = field(default_factory=list)

    async def build(self, account_count: int = 1) -> None:
        new_id = self.sources.ids.new_id
        self.client, self.user, self.group, self.allocation = new_id(), new_id(), new_id(), new_id()
        await self._insert("clients", id=self.client, name="tests", secret_hash="", scopes=[], created_at=NOW)
        times = {"created_at": NOW, "updated_at": NOW}
        await self._insert("users", id=self.user, client_id=self.client, details="{}", status="ACTIVE", **times)
        await self._insert(
            "account_groups",
            id=self.group,
            client_id=self.client,
            user_id=self.user,
            type="PERSONAL",
            status="ACTIVE",
            **times,
        )
        await self._insert("allocations", id=self.allocation, client_id=self.client, name="tests", **times)
        for entry, isin in enumerate(ISINS):
            await self._insert_instrument(isin, times)
            weight = Decimal("0.5") if entry == 0 else Decimal("0.25")
            await self._insert(
                "allocation_weights", allocation_id=self.allocation, entry=entry, isin=isin, weight=weight
            )
        await self.build_more_accounts(account_count)

    async def build_more_accounts(self, count: int) -> None:
        self.accounts += [await self._insert_account() for _ in range(count)]

    async def _insert_instrument(self, isin: str, times: dict[str, Any]) -> None:
        await self._insert(
            "instruments",
            isin=isin,
            id=self.sources.ids.new_id(),
            name=isin,
            currency="EUR",
            minimum_amount=Decimal(1),
            fractional=True,
            trading_status="ACTIVE",
            price=Decimal(50),
            **times,
        )

    async def _insert_account(self) -> UUID:
        account = self.sources.ids.new_id()
        await self._insert(
            "accounts",
            id=account,
            lane=lane_of(account, self.lane_count),
            client_id=self.client,
            user_id=self.user,
            account_group_id=self.group,
            type="PORTFOLIO",
            status="ACTIVE",
            name="",
            currency="EUR",
            distribution="DEFAULT",
            account_number=1,
            created_at=NOW,
            updated_at=NOW,
        )
        return account

    async def _insert(self, table: str, **values: Any) -> None:
        columns = ", ".join(values)
        numbers = ", ".join(f"${number}" for number in range(1, len(values) + 1))
        await self.connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({numbers})", *values.values())

    async def say(self, account: UUID, *messages: Message) -> None:
        lane = lane_of(account, self.lane_count)
        await put_messages(self.connection, [NewMessage(lane, account, message) for message in messages])

    async def deposit(self, account: UUID, amount: str) -> None:
        await self.say(account, Deposit(self.sources.ids.new_id(), Decimal(amount), "EUR"))

    async def place(self, account: UUID, amount: str, side: str = "BUY") -> UUID:
        portfolio_order = self.sources.ids.new_id()
        await self._insert(
            "portfolio_orders",
            id=portfolio_order,
            lane=lane_of(account, self.lane_count),
            client_id=self.client,
            user_id=self.user,
            account_id=account,
            allocation_id=self.allocation,
            cash_amount=Decimal(amount),
            currency="EUR",
            type=side,
            status="NEW",
            post_tax=False,
            client_reference="",
            initiation_flow="API",
            cancellation_details="",
            sequence=0,
            created_at=NOW,
            updated_at=NOW,
        )
        await self.say(account, PlacePortfolioOrder(portfolio_order))
        return portfolio_order

    async def orders(self, portfolio_order: UUID) -> list[asyncpg.Record]:
        rows = await self.connection.fetch(
            "SELECT * FROM orders WHERE portfolio_order_id = $1 ORDER BY leg", portfolio_order
        )
        return list(rows)

    async def execute_all(self, portfolio_order: UUID) -> None:
        """The venue's acknowledgements and one execution for each individual order."""
        orders = await self.orders(portfolio_order)
        account = orders[0]["account_id"]
        await self.say(account, ReceiveVenueReports(tuple(OrderAccepted(one["id"]) for one in orders)))
        await self.say(account, ReceiveVenueReports(tuple(executed(one) for one in orders)))

    async def rows(self, statement: str, *arguments: Any) -> Sequence[asyncpg.Record]:
        return list(await self.connection.fetch(statement, *arguments))

    async def value(self, statement: str, *arguments: Any) -> Any:
        return await self.connection.fetchval(statement, *arguments)


def executed(order: Any) -> OrderExecuted:
    """The one execution that fills an individual order at 50.00."""
    quantity = order["cash_amount"] / 50
    return OrderExecuted(
        order["id"],
        "test-venue",
        f"{order['id']}-1",
        quantity,
        order["cash_amount"],
        Decimal(50),
        NOW,
        date(2026, 3, 4),
        quantity,
    )


@pytest.fixture
def sources() -> Sources:
    return seeded_sources(1, NOW)


@pytest.fixture
async def scene(connection: asyncpg.Connection, sources: Sources) -> Scene:
    scene = Scene(connection, sources)
    await scene.build()
    return scene


@pytest.fixture
async def store(dsn: str) -> AsyncIterator[PostgresLaneStore]:
    store = await PostgresLaneStore.open(dsn)
    yield store
    await store.close()


@pytest.fixture
async def worker(store: PostgresLaneStore, sources: Sources) -> "SteppedWorker":
    worker = SteppedWorker(store, sources, LaneWorkerLimits(batch_messages_max=50))
    await worker.take_all_lanes()
    return worker


class SteppedWorker(LaneWorker):
    """A worker that works when it is told to."""

    async def take_all_lanes(self) -> None:
        """Rebalance until every lane is owned: a closed session's locks go a moment after it."""
        async with asyncio.timeout(10):
            while len(self.lanes) < len(LANES):
                await self._rebalance()

    async def work_off(self) -> int:
        """Apply what is in the inbox; how many messages that were."""
        applied = 0
        while messages := await self._work_off():
            applied += messages
        return applied
