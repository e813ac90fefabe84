"""Reading portfolio orders, individual orders and executions in PostgreSQL: each as of one moment, in one statement."""

from collections.abc import Mapping
from typing import Final

from orderlane.domain.ids import AccountId, ClientId, ExecutionId, OrderId, ParentOrderId, lane_of, leg_of, parent_of
from orderlane.domain.order import Execution, Order
from orderlane.domain.parent_order import ParentKind, ParentOrder
from orderlane.ports.errors import NotFound
from orderlane.ports.orders import PortfolioOrderFilter
from orderlane.ports.paging import Listing, Page
from orderlane.postgres.connection import Connection
from orderlane.postgres.listing import fetch_page
from orderlane.postgres.queries import queries
from orderlane.postgres.segments import decompress
from orderlane.postgres.tables.parent_orders import parent_from
from orderlane.postgres.tables.records import Row
from orderlane.resources.events import frames_of

_SQL = queries("orders")
_SORTS: Final[Mapping[str, str]] = {"id": "id", "created_at": "created_at", "updated_at": "updated_at"}


class PostgresPortfolioOrders:
    """Portfolio orders, on a connection."""

    def __init__(self, connection: Connection, lane_count: int) -> None:
        self._connection = connection
        self._lane_count = lane_count

    async def get(self, client_id: ClientId, portfolio_order_id: ParentOrderId) -> ParentOrder:
        """One portfolio order with its individual orders.

        Raises:
            NotFound: the client has no such portfolio order.
        """
        lane = lane_of(portfolio_order_id, self._lane_count)
        row = await self._connection.fetchrow(_SQL["get_parent_order"], lane, portfolio_order_id, client_id)
        if row is None or row["kind"] != ParentKind.PORTFOLIO:
            raise NotFound("portfolio order", portfolio_order_id)
        return parent_from(row)

    async def list(self, client_id: ClientId, page: Page, wanted: PortfolioOrderFilter) -> Listing[ParentOrder]:
        """A page of the client's portfolio orders, or of one account's."""
        filters = (
            wanted.allocation_id,
            wanted.start,
            wanted.end,
            wanted.status,
            wanted.type,
            wanted.client_reference,
        )
        query = "list_portfolio_orders"
        account: tuple[object, ...] = ()
        if wanted.account_id is not None:
            query = "list_portfolio_orders_of_account"
            account = (lane_of(wanted.account_id, self._lane_count), wanted.account_id)
        return await fetch_page(self._connection, _SQL[query], page, _SORTS, parent_from, client_id, *filters, *account)

    async def events(self, client_id: ClientId, portfolio_order_id: ParentOrderId, page: Page) -> Listing[bytes]:
        """A page of all events of a portfolio order as they were frozen, in their order.

        Raises:
            NotFound: the client has no such portfolio order.
        """
        key = (lane_of(portfolio_order_id, self._lane_count), portfolio_order_id)
        counted = await self._connection.fetchrow(_SQL["count_events"], *key, client_id)
        if counted is None:
            raise NotFound("portfolio order", portfolio_order_id)
        total_count = counted["total_count"]
        first, end = _range(page, total_count)
        rows = await self._connection.fetch(_SQL["segments_of_parent"], *key, first, end, counted["created_at"])
        frames = [frame for row in rows for frame in frames_of(decompress(row["payload"], row["payload_bytes"]))]
        skipped = first - int(rows[0]["first"]) if rows else 0
        shown = frames[skipped : skipped + end - first]
        return Listing(shown if page.order == "ASC" else shown[::-1], total_count)


def _range(page: Page, total_count: int) -> tuple[int, int]:
    """Where a page begins and ends in the order in which things happened, counted from 0."""
    if page.order == "ASC":
        return min(page.offset, total_count), min(page.offset + page.limit, total_count)
    end = max(total_count - page.offset, 0)
    return max(end - page.limit, 0), end


class PostgresOrders:
    """Individual orders, on a connection. Each comes with its parent order."""

    def __init__(self, connection: Connection, lane_count: int) -> None:
        self._connection = connection
        self._lane_count = lane_count

    async def get(self, client_id: ClientId, order_id: OrderId) -> tuple[ParentOrder, Order]:
        """One individual order with its executions.

        Raises:
            NotFound: the client has no such order.
        """
        parent_id = parent_of(order_id)
        lane = lane_of(parent_id, self._lane_count)
        row = await self._connection.fetchrow(_SQL["get_parent_order"], lane, parent_id, client_id)
        parent = None if row is None else parent_from(row)
        if parent is None or not 0 < leg_of(order_id) <= len(parent.orders):
            raise NotFound("order", order_id)
        return parent, parent.orders[leg_of(order_id) - 1]

    async def of_account(
        self, client_id: ClientId, account_id: AccountId, page: Page
    ) -> Listing[tuple[ParentOrder, Order]]:
        """A page of the individual orders of an account.

        Raises:
            NotFound: the client has no such account.
        """
        lane = lane_of(account_id, self._lane_count)
        if not await self._connection.fetchval(_SQL["owns_account"], lane, account_id, client_id):
            raise NotFound("account", account_id)
        query = _SQL["list_account_orders"]
        listed = _Listed()
        return await fetch_page(self._connection, query, page, _SORTS, listed.take, client_id, lane, account_id)

    async def execution(
        self, client_id: ClientId, order_id: OrderId, execution_id: ExecutionId
    ) -> tuple[ParentOrder, Order, Execution]:
        """One execution of an individual order.

        Raises:
            NotFound: the client has no such order, or it has no such execution.
        """
        parent, order = await self.get(client_id, order_id)
        for execution in order.executions:
            if execution.id == execution_id:
                return parent, order, execution
        raise NotFound("execution", execution_id)


class _Listed:
    """Takes the rows of a page, of which the first of each parent order has its document: it is decoded once."""

    def __init__(self) -> None:
        self._parents: dict[ParentOrderId, ParentOrder] = {}

    def take(self, row: Row) -> tuple[ParentOrder, Order]:
        """The next individual order with its parent."""
        order_id = OrderId(str(row["id"]))
        if row["parent"] is not None:
            self._parents[parent_of(order_id)] = parent_from(row["parent"])
        parent = self._parents[parent_of(order_id)]
        return parent, parent.orders[leg_of(order_id) - 1]
