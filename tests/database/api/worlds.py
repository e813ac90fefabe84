"""A client with all that it takes to place portfolio orders, made over HTTP, and the lanes and the venue behind it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import asyncpg
import httpx

from orderlane.domain.ids import SubjectId, lane_of
from orderlane.domain.instruments import TradingStatus
from orderlane.domain.lane.messages import Message
from orderlane.domain.lane.reporting import ReceiveVenueReports
from orderlane.ports.instruments import InstrumentEntry, InstrumentsLoaded
from orderlane.postgres.inbox import NewMessage, put_messages
from tests.conftest import LANE_COUNT
from tests.database.http.onboarding import USER
from tests.database.lanes.conftest import SteppedWorker, accepted, executed

ISINS = ("DE0007164600", "IE00B4L5Y983", "LU0378818131")
INACTIVE_ISIN = "DE0007236101"
WEIGHTS = ("0.5", "0.3", "0.2")


def instrument(isin: str, **fields: Any) -> InstrumentEntry:
    """An instrument at 50.00 EUR, executed at the default venue."""
    values = {
        "isin": isin,
        "wkn": f"WKN{isin[-3:]}",
        "name": f"Instrument {isin}",
        "currency": "EUR",
        "minimum_amount": Decimal(1),
        "fractional": True,
        "trading_status": TradingStatus.ACTIVE,
        "price": Decimal("50.00"),
    }
    return InstrumentEntry(**{**values, **fields})


async def load_instruments(api: Any, entries: Sequence[InstrumentEntry]) -> InstrumentsLoaded:
    now = api.sources.business_clock.now()
    async with api.services.store.transaction() as store:
        loaded: InstrumentsLoaded = await store.instruments.load(entries, api.sources.ids.new_id, now)
    return loaded


def entries(weights: Sequence[str] = WEIGHTS, isins: Sequence[str] = ISINS) -> list[dict[str, str]]:
    return [{"instrument_id": isin, "weight": weight} for isin, weight in zip(isins, weights, strict=True)]


class ClientWorld:
    """A client's session, with a user, an account group, an account of type PORTFOLIO and what it follows."""

    def __init__(self, api: Any, http: httpx.AsyncClient) -> None:
        self.api = api
        self.http = http

    async def build(self) -> None:
        self.user = await self.created("/users", USER)
        self.user_id = self.user["id"]
        self.group = await self.created("/account_groups", {"user_id": self.user_id, "type": "PERSONAL"})
        self.group_id = self.group["id"]
        self.account = await self.created("/accounts", self.account_body())
        self.account_id = self.account["id"]
        self.allocation = await self.created("/portfolios/allocations", {"name": "World", "allocation": entries()})
        self.allocation_id = self.allocation["id"]
        self.configuration = await self.created(
            "/portfolios/configurations", {"account_id": self.account_id, "allocation_id": self.allocation_id}
        )

    def account_body(self, **fields: Any) -> dict[str, Any]:
        return {"user_id": self.user_id, "account_group_id": self.group_id, "type": "PORTFOLIO", **fields}

    def order_body(self, **fields: Any) -> dict[str, Any]:
        body = {
            "user_id": self.user_id,
            "account_id": self.account_id,
            "cash_amount": "1000.00",
            "currency": "EUR",
            "side": "BUY",
        }
        return {**body, **fields}

    async def post(self, path: str, body: Any, key: str | None = None) -> httpx.Response:
        return await self.http.post(path, json=body, headers={"idempotency-key": key or self.api.new_id()})

    async def created(self, path: str, body: Any) -> Any:
        answer = await self.post(path, body)
        assert answer.is_success, answer.text
        return answer.json()

    async def place(self, **fields: Any) -> Any:
        return await self.created("/portfolios/orders", self.order_body(**fields))

    async def deposit(self, amount: str, account_id: str | None = None) -> Any:
        path = f"/accounts/{account_id or self.account_id}/deposits"
        return await self.created(path, {"amount": amount, "currency": "EUR"})

    async def get(self, path: str, **parameters: Any) -> Any:
        answer = await self.http.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()


class Desk:
    """The lanes and the venue, moved by hand."""

    def __init__(self, worker: SteppedWorker, connection: asyncpg.Connection) -> None:
        self._worker = worker
        self._connection = connection

    async def work_off(self) -> int:
        """Apply what is in the inbox."""
        return await self._worker.work_off()

    async def set_cash(self, account_id: str, amount: str) -> None:
        """Give an account another balance than its postings make."""
        update = "UPDATE holdings SET quantity = $1 WHERE account_id = $2 AND asset_type = 'CASH'"
        await self._connection.execute(update, Decimal(amount), account_id)

    async def fill(self, portfolio_order_id: str) -> None:
        """Split a portfolio order, accept its individual orders at the venue and execute each at 50.00."""
        await self.work_off()
        orders = await self.orders(portfolio_order_id)
        await self.report(orders[0], ReceiveVenueReports(tuple(accepted(order) for order in orders)))
        await self.report(orders[0], ReceiveVenueReports(tuple(executed(order) for order in orders)))

    async def report(self, order: Any, message: Message) -> None:
        """Have the venue say something, and the lane hear it."""
        subject = SubjectId(str(order["account_id"]))
        new = NewMessage(lane=lane_of(subject, LANE_COUNT), subject_id=subject, message=message, actor="tests")
        await put_messages(self._connection, [new])
        await self.work_off()

    async def orders(self, portfolio_order_id: str) -> list[asyncpg.Record]:
        """The individual orders of a portfolio order, from the view of plain SQL."""
        query = "SELECT * FROM orders WHERE parent_id = $1 ORDER BY leg"
        return list(await self._connection.fetch(query, portfolio_order_id))


def problem(answer: httpx.Response, status: int, field: str | None = None) -> Any:
    """The problem document of a refusal; `field` is what it names."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    if field is not None:
        assert [wrong["field"] for wrong in document["errors"]] == [field], document
    return document
