"""Reading portfolio orders, individual orders and executions in PostgreSQL: each as of one moment, in one statement."""

from collections.abc import Iterable
from typing import Final

from orderlane.domain.ids import AccountId, ClientId, ExecutionId, OrderId, ParentOrderId, lane_of, leg_of, parent_of
from orderlane.domain.listed_order import ListedPortfolioOrder
from orderlane.domain.order import Execution, Order
from orderlane.domain.parent_order import ParentKind, ParentOrder
from orderlane.ports.errors import NotFound
from orderlane.ports.orders import PortfolioOrderFilter
from orderlane.ports.paging import Listing, Page
from orderlane.postgres.connection import Connection
from orderlane.postgres.listing import BY_TIME, fetch_page, in_pieces
from orderlane.postgres.queries import queries
from orderlane.postgres.segments import decompress
from orderlane.postgres.tables.parent_orders import listed_from, order_from, parent_from, some_orders_from
from orderlane.postgres.tables.records import Row
from orderlane.resources.events import frames_of

_SQL = queries("orders")
_DOCUMENTS_AT_ONCE: Final = 10
"""How many parent orders of a list are in memory at once: the document of one with 200 orders has about 200 kB."""


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

    async def list(
        self, client_id: ClientId, page: Page, wanted: PortfolioOrderFilter
    ) -> Listing[ListedPortfolioOrder]:
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
        return await fetch_page(
            self._connection,
            _SQL[query],
            page,
            BY_TIME,
            listed_from,
            client_id,
            *filters,
            *account,
            rows_at_once=_DOCUMENTS_AT_ONCE,
        )

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
        query = _SQL["segments_of_parent"].replace("{order}", f"counted.position {page.order}")
        cursor = await self._connection.cursor(query, *key, first, end, counted["created_at"])

        def frames(row: Row) -> Iterable[bytes]:
            return _frames(row, first, end, backwards=page.order == "DESC")

        return Listing(in_pieces(cursor, await cursor.fetch(1), 1, frames), total_count)


def _frames(row: Row, first: int, end: int, *, backwards: bool) -> Iterable[bytes]:
    """The events of a segment that are among those from `first` up to `end` of its parent order, counted from 0."""
    frames = frames_of(decompress(row["payload"], row["payload_bytes"]))
    before = int(row["first"])
    shown = frames[max(first - before, 0) : max(end - before, 0)]
    return reversed(shown) if backwards else shown


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
        key = (client_id, page.limit, page.offset, lane, account_id)
        if page.sort == "updated_at":
            return await self._by_change(page, key)
        query = _SQL["list_account_orders"].replace("{order}", f"{page.sort} {page.order}, id {page.order}")
        cursor = await self._connection.cursor(query, *key)
        rows = await cursor.fetch(_DOCUMENTS_AT_ONCE)

        def of_page(row: Row) -> Iterable[tuple[ParentOrder, Order]]:
            first, end = page.offset - int(row["first"]), page.offset + page.limit - int(row["first"])
            return some_orders_from(row, max(first, 0), end, backwards=page.order == "DESC")

        return Listing(in_pieces(cursor, rows, _DOCUMENTS_AT_ONCE, of_page), rows[0]["total_count"])

    async def _by_change(self, page: Page, key: tuple[object, ...]) -> Listing[tuple[ParentOrder, Order]]:
        client_id, _, _, lane, account_id = key
        query = _SQL["list_account_orders_by_change"]
        return await fetch_page(self._connection, query, page, BY_TIME, order_from, client_id, lane, account_id)

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
