"""What accounts hold, in PostgreSQL."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from orderlane.ports.errors import NotFound
from orderlane.ports.paging import Listing, Page
from orderlane.postgres.connection import Connection
from orderlane.postgres.listing import fetch_page
from orderlane.postgres.queries import queries
from orderlane.postgres.rows import Row, holding_from
from orderlane.resources.holdings import (
    CashBalanceResource,
    PositionResource,
    PricedPosition,
    ValuationResource,
    cash_balance_resource,
    position_resource,
    valuation_resource,
)

_SQL = queries("holdings")
_SORTS: Final[Mapping[str, str]] = {"isin": "isin", "quantity": "quantity"}


class PostgresHoldings:
    """What accounts hold, on a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def cash_balance(self, client_id: UUID, account_group_id: UUID) -> CashBalanceResource:
        """The cash of all accounts of a group."""
        rows = await self._connection.fetch(_SQL["cash_of_group"], client_id, account_group_id)
        if not rows:
            raise NotFound("account group", account_group_id)
        cash = [holding_from(row) for row in rows if row["account_id"] is not None]
        return cash_balance_resource(account_group_id, rows[0]["currency"], cash)

    async def positions(self, client_id: UUID, account_id: UUID, page: Page) -> Listing[PositionResource]:
        """A page of what an account holds of instruments."""
        await self._currency(client_id, account_id)
        return await fetch_page(
            self._connection, _SQL["list_positions"], page, _SORTS, _position, client_id, account_id
        )

    async def position(self, client_id: UUID, account_id: UUID, isin: str) -> PositionResource:
        """What an account holds of one instrument."""
        row = await self._connection.fetchrow(_SQL["get_position"], client_id, account_id, isin)
        if row is None:
            await self._currency(client_id, account_id)
            raise NotFound("position in", isin)
        return _position(row)

    async def valuation(
        self, client_id: UUID, account_id: UUID, valuation_id: UUID, now: datetime
    ) -> ValuationResource:
        """What the positions are worth at the last prices."""
        currency = await self._currency(client_id, account_id)
        rows = await self._connection.fetch(_SQL["priced_positions"], account_id)
        return valuation_resource(valuation_id, account_id, currency, [_priced_position(row) for row in rows], now)

    async def _currency(self, client_id: UUID, account_id: UUID) -> str:
        currency: str | None = await self._connection.fetchval(_SQL["account_currency"], client_id, account_id)
        if currency is None:
            raise NotFound("account", account_id)
        return currency


def _position(row: Row) -> PositionResource:
    return position_resource(holding_from(row), row["id"])


def _priced_position(row: Row) -> PricedPosition:
    return PricedPosition(holding_from(row), row["id"], row["price"], row["currency"], row["price_time"])
