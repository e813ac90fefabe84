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

from orderlane.domain.account import AccountType
from orderlane.domain.ids import (
    AccountGroupId,
    AccountId,
    DepositId,
    OrderId,
    ParentOrderId,
    account_id,
    lane_of,
    parent_order_id,
)
from orderlane.domain.lane.depositing import BookDeposit
from orderlane.domain.lane.messages import Message
from orderlane.domain.lane.placing import PlacePortfolioOrder
from orderlane.domain.lane.reporting import OrderAccepted, OrderExecuted, ReceiveVenueReports
from orderlane.domain.money import divide
from orderlane.domain.parent_order import ParentKind, ParentOrder
from orderlane.domain.portfolio_order import InitiationFlow, PortfolioOrderStatus, PortfolioOrderType
from orderlane.postgres.inbox import NewMessage, put_messages
from orderlane.postgres.lanes.store import PostgresLaneStore
from orderlane.postgres.segments import decompress
from orderlane.postgres.tables.parent_orders import new_rows
from orderlane.resources.events import frames_of
from orderlane.sources import Sources, seeded_sources
from orderlane.workers.lane import LaneWorker, LaneWorkerLimits

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ISINS = ("IE00B4L5Y983", "LU0378818131", "DE0007164600")
LANES = range(4)

STAND_STILL = """
CREATE OR REPLACE FUNCTION business_time() RETURNS timestamptz LANGUAGE sql AS $$ SELECT '{}'::timestamptz $$
"""


@dataclass
class Scene:
    """One client with accounts, written straight into the tables that the API would write.

    Business time stands still at NOW, so that a story is the same whenever it is told.
    """

    connection: asyncpg.Connection
    sources: Sources
    lane_count: int = 4
    accounts: list[AccountId] = field(default_factory=list)

    async def build(self, account_count: int = 1) -> None:
        await self.connection.execute(STAND_STILL.format(NOW.isoformat()))
        new_id = self.sources.ids.new_id
        self.client, self.user, self.allocation = new_id(), new_id(), new_id()
        await self._insert("clients", id=self.client, name="tests", secret_hash="", scopes=[], created_at=NOW)
        times = {"created_at": NOW, "updated_at": NOW}
        await self._insert("users", id=self.user, client_id=self.client, details="{}", status="ACTIVE", **times)
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

    async def _insert_group(self) -> AccountGroupId:
        group = AccountGroupId(self.sources.ids.new_id())
        await self._insert(
            "account_groups",
            id=group,
            client_id=self.client,
            user_id=self.user,
            type="PERSONAL",
            status="ACTIVE",
            created_at=NOW,
            updated_at=NOW,
        )
        return group

    async def _insert_account(self) -> AccountId:
        group = await self._insert_group()
        account = account_id(self.sources.ids.new_id(), group)
        await self._insert(
            "accounts",
            id=account,
            lane=lane_of(account, self.lane_count),
            client_id=self.client,
            user_id=self.user,
            account_group_id=group,
            type=AccountType.PORTFOLIO,
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

    async def say(self, account: str, *messages: Message) -> None:
        lane = lane_of(account, self.lane_count)
        await put_messages(
            self.connection,
            [NewMessage(lane=lane, subject_id=account, message=message, actor="tests") for message in messages],
        )

    async def deposit(self, account: AccountId, amount: str) -> None:
        await self.say(account, BookDeposit(DepositId(self.sources.ids.new_id()), Decimal(amount), "EUR"))

    async def place(self, account: AccountId, amount: str, side: str = "BUY") -> ParentOrderId:
        parent = ParentOrder(
            id=parent_order_id(self.sources.ids.new_id(), NOW, account),
            kind=ParentKind.PORTFOLIO,
            client_id=self.client,
            user_id=self.user,
            account_id=account,
            allocation_id=self.allocation,
            cash_amount=Decimal(amount),
            currency="EUR",
            type=PortfolioOrderType(side),
            status=PortfolioOrderStatus.NEW,
            post_tax=False,
            client_reference="",
            initiation_flow=InitiationFlow.API,
            created_at=NOW,
            updated_at=NOW,
        )
        await self.connection.execute(
            "INSERT INTO parent_orders SELECT * FROM json_populate_recordset(NULL::parent_orders, $1::json)",
            new_rows([parent], self.lane_count),
        )
        await self.say(account, PlacePortfolioOrder(parent.id))
        return parent.id

    async def orders(self, parent: ParentOrderId) -> list[asyncpg.Record]:
        """The individual orders of a parent order, from the view of plain SQL."""
        return list(await self.connection.fetch("SELECT * FROM orders WHERE parent_id = $1 ORDER BY leg", parent))

    async def execute_all(self, parent: ParentOrderId) -> None:
        """The venue's acknowledgements and one execution for each individual order."""
        orders = await self.orders(parent)
        account = str(orders[0]["account_id"])
        await self.say(account, ReceiveVenueReports(tuple(accepted(order) for order in orders)))
        await self.say(account, ReceiveVenueReports(tuple(executed(order) for order in orders)))

    async def frames(self) -> list[bytes]:
        """The frozen JSON of every event, in the order of lanes and positions."""
        rows = await self.rows("SELECT payload, payload_bytes FROM events ORDER BY lane, position")
        return [frame for row in rows for frame in frames_of(decompress(*row))]

    async def rows(self, statement: str, *arguments: Any) -> Sequence[asyncpg.Record]:
        return list(await self.connection.fetch(statement, *arguments))

    async def value(self, statement: str, *arguments: Any) -> Any:
        value = await self.connection.fetchval(statement, *arguments)
        return str(value) if isinstance(value, UUID) else value


def accepted(order: Any) -> OrderAccepted:
    """The venue's acknowledgement of an individual order."""
    return OrderAccepted(OrderId(str(order["id"])))


def executed(order: Any) -> OrderExecuted:
    """The one execution that fills an individual order at 50.00."""
    quantity = divide(order["cash_amount"], Decimal(50))
    return OrderExecuted(
        order_id=OrderId(str(order["id"])),
        venue_execution_id=f"{order['id']}-1",
        quantity=quantity,
        cash_amount=order["cash_amount"],
        price=Decimal(50),
        transaction_time=NOW,
        settlement_date=date(2026, 3, 4),
        total_quantity=quantity,
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
    worker = SteppedWorker(store, sources.ids.new_id, LaneWorkerLimits(batch_messages_max=50))
    await worker.take_all_lanes()
    return worker


class SteppedWorker(LaneWorker):
    """A worker that works when it is told to."""

    async def take_all_lanes(self) -> None:
        """Redistribute until every lane is owned: a closed session's locks go a moment after it."""
        async with asyncio.timeout(10):
            while len(self.lanes) < len(LANES):
                self._own(await self._store.redistribute())

    async def work_off(self) -> int:
        """Apply what is in the inbox; how many messages that were."""
        applied = 0
        while messages := await self._work_off():
            applied += messages
        return applied
