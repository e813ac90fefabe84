"""What accounts hold, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from orderlane.domain.account import ZERO
from orderlane.domain.ids import AccountGroupId, AccountId, ClientId, InstrumentId, lane_of
from orderlane.domain.positions import GroupCash, Position, PricedPosition
from orderlane.ports.errors import NotFound
from orderlane.ports.paging import Listing, Page
from orderlane.postgres.connection import Connection
from orderlane.postgres.installation import Installation
from orderlane.postgres.listing import fetch_page
from orderlane.postgres.queries import queries
from orderlane.postgres.tables.holdings import holding_from
from orderlane.postgres.tables.records import Row

_SQL = queries("holdings")
_SORTS: Final[Mapping[str, str]] = {"isin": "isin", "quantity": "quantity"}


class PostgresHoldings:
    """What accounts hold, on a connection."""

    def __init__(self, connection: Connection, installation: Installation) -> None:
        self._connection = connection
        self._installation = installation

    async def cash(self, client_id: ClientId, account_group_id: AccountGroupId) -> GroupCash:
        """The cash of each account of a group.

        Raises:
            NotFound: the client has no such group.
        """
        lane, currency = self._lane(account_group_id), self._installation.currency
        rows = await self._connection.fetch(_SQL["cash_of_group"], lane, account_group_id, client_id, currency)
        if not rows:
            raise NotFound("account group", account_group_id)
        holdings = [holding_from(row) for row in rows if row["account_id"] is not None]
        return GroupCash(account_group_id=account_group_id, currency=currency, holdings=holdings)

    async def positions(self, client_id: ClientId, account_id: AccountId, page: Page) -> Listing[Position]:
        """A page of what an account holds of instruments.

        Raises:
            NotFound: the client has no such account.
        """
        await self._check_account(client_id, account_id)
        key = (self._lane(account_id), account_id)
        return await fetch_page(self._connection, _SQL["list_positions"], page, _SORTS, _position_from, client_id, *key)

    async def position(self, client_id: ClientId, account_id: AccountId, isin: str) -> Position:
        """What an account holds of one instrument.

        Raises:
            NotFound: the client has no such account, or the account nothing of it.
        """
        key = (self._lane(account_id), account_id, client_id)
        row = await self._connection.fetchrow(_SQL["get_position"], *key, isin)
        if row is None:
            await self._check_account(client_id, account_id)
            raise NotFound("position in", isin)
        return _position_from(row)

    async def balance(self, account_id: AccountId, currency: str) -> Decimal:
        """What an account has of a currency, zero when that is nothing."""
        key = (self._lane(account_id), account_id)
        return await self._connection.fetchval(_SQL["balance"], *key, currency) or ZERO

    async def priced(self, account_id: AccountId) -> Sequence[PricedPosition]:
        """What an account holds of instruments, with their last prices, by ISIN."""
        rows = await self._connection.fetch(_SQL["priced_positions"], self._lane(account_id), account_id)
        return [_priced_from(row) for row in rows]

    async def _check_account(self, client_id: ClientId, account_id: AccountId) -> None:
        key = (self._lane(account_id), account_id, client_id)
        if not await self._connection.fetchval(_SQL["owns_account"], *key):
            raise NotFound("account", account_id)

    def _lane(self, any_id: str) -> int:
        return lane_of(any_id, self._installation.lane_count)


def _position_from(row: Row) -> Position:
    return Position(holding=holding_from(row), instrument_id=InstrumentId(str(row["id"])))


def _priced_from(row: Row) -> PricedPosition:
    return PricedPosition(
        position=_position_from(row),
        price=row["price"],
        currency=row["currency"],
        price_time=row["price_time"],
    )
