"""Allocations in PostgreSQL."""

from orderlane.domain.account import Account
from orderlane.domain.allocation import Allocation
from orderlane.domain.ids import AllocationId, ClientId
from orderlane.ports.errors import NotFound
from orderlane.ports.paging import Listing, Page
from orderlane.ports.portfolios import AllocationFilter
from orderlane.postgres.connection import Connection
from orderlane.postgres.instruments import canonical_name
from orderlane.postgres.listing import BY_TIME, fetch_page
from orderlane.postgres.queries import queries
from orderlane.postgres.tables.accounts import account_from
from orderlane.postgres.tables.allocations import allocation_from, weight_from
from orderlane.postgres.tables.records import Row

_SQL = queries("allocations")


class PostgresAllocations:
    """Allocations, on a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, allocation: Allocation) -> None:
        """Store a new allocation."""
        columns = (allocation.id, allocation.client_id, allocation.name, allocation.created_at)
        await self._connection.execute(_SQL["add_allocation"], *columns)
        await self._add_weights(allocation)

    async def change(self, allocation: Allocation) -> None:
        """Store another name and other weights of an allocation."""
        columns = (allocation.id, allocation.name, allocation.updated_at)
        await self._connection.execute(_SQL["change_allocation"], *columns)
        await self._connection.execute(_SQL["remove_weights"], allocation.id)
        await self._add_weights(allocation)

    async def get(self, client_id: ClientId, allocation_id: AllocationId, *, to_change: bool = False) -> Allocation:
        """One allocation; `to_change` keeps others from changing it until the transaction ends.

        Raises:
            NotFound: the client has no such allocation.
        """
        if to_change:  # apart from reading it: its weights must be those behind whoever had the lock
            await self._connection.execute(_SQL["lock_allocation"], client_id, allocation_id)
        row = await self._connection.fetchrow(_SQL["get_allocation"], client_id, allocation_id)
        if row is None:
            raise NotFound("allocation", allocation_id)
        return _allocation_from(row)

    async def exists(self, client_id: ClientId, allocation_id: AllocationId) -> bool:
        """Whether the client has such an allocation."""
        has_allocation: bool = await self._connection.fetchval(_SQL["has_allocation"], client_id, allocation_id)
        return has_allocation

    async def list(self, client_id: ClientId, page: Page, allocation_filter: AllocationFilter) -> Listing[Allocation]:
        """A page of the client's allocations."""
        filters = (
            allocation_filter.start,
            allocation_filter.end,
            [canonical_name(name) for name in allocation_filter.instrument_ids],
        )
        query = _SQL["list_allocations"]
        return await fetch_page(self._connection, query, page, BY_TIME, _allocation_from, client_id, *filters)

    async def accounts(self, client_id: ClientId, allocation_id: AllocationId, page: Page) -> Listing[Account]:
        """A page of the accounts that are configured to follow an allocation."""
        query = _SQL["list_allocation_accounts"]
        return await fetch_page(self._connection, query, page, BY_TIME, account_from, client_id, allocation_id)

    async def _add_weights(self, allocation: Allocation) -> None:
        isins, weights = zip(*((entry.isin, entry.weight) for entry in allocation.weights), strict=True)
        await self._connection.execute(_SQL["add_weights"], allocation.id, isins, weights)


def _allocation_from(row: Row) -> Allocation:
    return allocation_from(row, [weight_from(entry) for entry in row["weights"]])
