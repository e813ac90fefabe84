"""Reading portfolio orders, individual orders and executions in PostgreSQL: each as of one moment, in one statement."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from orderlane.ports.errors import NotFound
from orderlane.ports.orders import PortfolioOrderFilter
from orderlane.ports.paging import Listing, Page
from orderlane.postgres.connection import Connection
from orderlane.postgres.listing import fetch_page
from orderlane.postgres.queries import queries
from orderlane.postgres.rows import Row, execution_from, order_from, orders_from, portfolio_order_from
from orderlane.resources.orders import (
    ExecutionResource,
    OrderResource,
    PortfolioOrderResource,
    execution_resource,
    order_resource,
    portfolio_order_resource,
)

_SQL = queries("orders")
_SORTS: Final[Mapping[str, str]] = {"id": "id", "created_at": "created_at", "updated_at": "updated_at"}
_EVENT_SORTS: Final[Mapping[str, str]] = {"position": "position"}


class PostgresPortfolioOrders:
    """Portfolio orders, on a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, client_id: UUID, portfolio_order_id: UUID) -> PortfolioOrderResource:
        """One portfolio order with its individual orders."""
        row = await self._connection.fetchrow(_SQL["get_portfolio_order"], client_id, portfolio_order_id)
        if row is None:
            raise NotFound("portfolio order", portfolio_order_id)
        return _portfolio_order(row)

    async def list(self, client_id: UUID, page: Page, wanted: PortfolioOrderFilter) -> Listing[PortfolioOrderResource]:
        """A page of the client's portfolio orders."""
        return await fetch_page(
            self._connection,
            _SQL["list_portfolio_orders"],
            page,
            _SORTS,
            _portfolio_order,
            client_id,
            wanted.account_id,
            wanted.allocation_id,
            wanted.start,
            wanted.end,
            wanted.status,
            wanted.type,
            wanted.client_reference,
        )

    async def events(self, client_id: UUID, portfolio_order_id: UUID, page: Page) -> Listing[bytes]:
        """A page of all events of a portfolio order as they were frozen, in their order."""
        if not await self._connection.fetchval(_SQL["owns_portfolio_order"], client_id, portfolio_order_id):
            raise NotFound("portfolio order", portfolio_order_id)
        query = _SQL["list_events"]
        return await fetch_page(self._connection, query, page, _EVENT_SORTS, _payload, client_id, portfolio_order_id)


class PostgresOrders:
    """Individual orders, on a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, client_id: UUID, order_id: UUID) -> OrderResource:
        """One individual order with its executions."""
        row = await self._connection.fetchrow(_SQL["get_order"], client_id, order_id)
        if row is None:
            raise NotFound("order", order_id)
        return _order(row)

    async def of_account(self, client_id: UUID, account_id: UUID, page: Page) -> Listing[OrderResource]:
        """A page of the individual orders of an account."""
        if not await self._connection.fetchval(_SQL["owns_account"], client_id, account_id):
            raise NotFound("account", account_id)
        query = _SQL["list_account_orders"]
        return await fetch_page(self._connection, query, page, _SORTS, _order, client_id, account_id)

    async def execution(self, client_id: UUID, order_id: UUID, execution_id: UUID) -> ExecutionResource:
        """One execution of an individual order."""
        row = await self._connection.fetchrow(_SQL["get_execution"], client_id, order_id, execution_id)
        if row is None:
            raise NotFound("execution", execution_id)
        return execution_resource(execution_from(row))


def _portfolio_order(row: Row) -> PortfolioOrderResource:
    orders = orders_from(row["orders"], row["executions"]).get(row["id"], [])
    return portfolio_order_resource(portfolio_order_from(row, [one.id for one in orders]), orders)


def _order(row: Row) -> OrderResource:
    return order_resource(order_from(row, [execution_from(one) for one in row["executions"]]))


def _payload(row: Row) -> bytes:
    payload: bytes = row["payload"]
    return payload
