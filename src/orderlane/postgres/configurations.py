"""Portfolio configurations in PostgreSQL."""

from collections.abc import Mapping
from typing import Final

from orderlane.domain.configuration import PortfolioConfiguration
from orderlane.domain.ids import AccountId, AllocationId, ClientId, lane_of
from orderlane.ports.errors import NotFound
from orderlane.ports.paging import Listing, Page
from orderlane.postgres.connection import Connection
from orderlane.postgres.listing import fetch_page
from orderlane.postgres.queries import queries
from orderlane.postgres.tables.records import Row, record_from

_SQL = queries("configurations")
_SORTS: Final[Mapping[str, str]] = {
    "account_id": "account_id",
    "created_at": "created_at",
    "updated_at": "updated_at",
}
_RESOURCE: Final = "portfolio configuration of account"


class PostgresConfigurations:
    """Portfolio configurations, on a connection."""

    def __init__(self, connection: Connection, lane_count: int) -> None:
        self._connection = connection
        self._lane_count = lane_count

    async def add(self, configuration: PortfolioConfiguration) -> bool:
        """Store a new configuration, unless the account has one; whether it was stored."""
        stored = await self._connection.fetchval(
            _SQL["add_configuration"],
            *self._key(configuration.account_id),
            configuration.client_id,
            configuration.allocation_id,
            configuration.created_at,
        )
        return stored is not None

    async def get(
        self, client_id: ClientId, account_id: AccountId, *, to_change: bool = False
    ) -> PortfolioConfiguration:
        """One configuration; `to_change` keeps others from changing it until the transaction ends.

        Raises:
            NotFound: the client has no such account, or the account has none.
        """
        query = _SQL["get_configuration_to_change" if to_change else "get_configuration"]
        row = await self._connection.fetchrow(query, *self._key(account_id), client_id)
        if row is None:
            raise NotFound(_RESOURCE, account_id)
        return _configuration_from(row)

    async def change(self, configuration: PortfolioConfiguration) -> None:
        """Store another allocation of a configuration."""
        key = self._key(configuration.account_id)
        columns = (configuration.allocation_id, configuration.updated_at)
        await self._connection.execute(_SQL["change_configuration"], *key, *columns)

    async def remove(self, client_id: ClientId, account_id: AccountId) -> None:
        """Remove an account's configuration.

        Raises:
            NotFound: the client has no such account, or the account has none.
        """
        if not await self._connection.fetchval(_SQL["remove_configuration"], *self._key(account_id), client_id):
            raise NotFound(_RESOURCE, account_id)

    async def list(
        self, client_id: ClientId, page: Page, allocation_id: AllocationId | None
    ) -> Listing[PortfolioConfiguration]:
        """A page of the client's configurations, or of an allocation's."""
        query, filters = ("list_configurations", ()) if allocation_id is None else _of_allocation(allocation_id)
        return await fetch_page(self._connection, _SQL[query], page, _SORTS, _configuration_from, client_id, *filters)

    def _key(self, account_id: AccountId) -> tuple[int, AccountId]:
        return lane_of(account_id, self._lane_count), account_id


def _of_allocation(allocation_id: AllocationId) -> tuple[str, tuple[AllocationId, ...]]:
    return "list_configurations_of_allocation", (allocation_id,)


def _configuration_from(row: Row) -> PortfolioConfiguration:
    return record_from(row, PortfolioConfiguration)
