"""Portfolio configurations in PostgreSQL."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from orderlane.domain.account import AccountType
from orderlane.ports.errors import Conflict, Invalid, NotFound
from orderlane.ports.paging import Listing, Page
from orderlane.postgres.connection import Connection
from orderlane.postgres.listing import fetch_page
from orderlane.postgres.queries import queries
from orderlane.postgres.rows import Row
from orderlane.resources.allocations import ConfigurationResource, configuration_resource

_SQL = queries("portfolios")
_SORTS: Final[Mapping[str, str]] = {
    "account_id": "account_id",
    "created_at": "created_at",
    "updated_at": "updated_at",
}


class PostgresConfigurations:
    """Portfolio configurations, on a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, client_id: UUID, account_id: UUID, allocation_id: UUID, now: datetime) -> ConfigurationResource:
        """Store a new configuration; as stored."""
        account_type = await self._connection.fetchval(_SQL["account_type"], client_id, account_id)
        if account_type is None:
            raise Invalid("account_id", f"there is no account {account_id}")
        if account_type != AccountType.PORTFOLIO:
            raise Invalid("account_id", f"account {account_id} is a {account_type} account, not PORTFOLIO")
        await self._check_allocation(client_id, allocation_id)
        query = _SQL["add_configuration"]
        row = await self._connection.fetchrow(query, client_id, account_id, allocation_id, now)
        if row is None:
            raise Conflict(f"account {account_id} has a portfolio configuration already: change it")
        return _configuration(row)

    async def change(
        self, client_id: UUID, account_id: UUID, allocation_id: UUID, now: datetime
    ) -> ConfigurationResource:
        """Have an account follow another allocation; as stored."""
        query = _SQL["change_configuration"]
        await self._check_allocation(client_id, allocation_id)
        row = await self._connection.fetchrow(query, client_id, account_id, allocation_id, now)
        return _configuration(_found(row, account_id))

    async def remove(self, client_id: UUID, account_id: UUID) -> None:
        """Have an account follow none."""
        _found(await self._connection.fetchrow(_SQL["remove_configuration"], client_id, account_id), account_id)

    async def get(self, client_id: UUID, account_id: UUID) -> ConfigurationResource:
        """One configuration."""
        row = await self._connection.fetchrow(_SQL["get_configuration"], client_id, account_id)
        return _configuration(_found(row, account_id))

    async def list(self, client_id: UUID, page: Page, allocation_id: UUID | None) -> Listing[ConfigurationResource]:
        """A page of the client's configurations, or of an allocation's."""
        query = _SQL["list_configurations"]
        return await fetch_page(self._connection, query, page, _SORTS, _configuration, client_id, allocation_id)

    async def _check_allocation(self, client_id: UUID, allocation_id: UUID) -> None:
        if not await self._connection.fetchval(_SQL["owns_allocation"], client_id, allocation_id):
            raise Invalid("allocation_id", f"there is no allocation {allocation_id}")


def _found(row: Row | None, account_id: UUID) -> Row:
    if row is None:
        raise NotFound("portfolio configuration of account", account_id)
    return row


def _configuration(row: Row) -> ConfigurationResource:
    return configuration_resource(row["account_id"], row["allocation_id"], row["created_at"], row["updated_at"])
