"""Accounts in PostgreSQL."""

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from orderlane.domain.account import AccountStatus, lane_of
from orderlane.domain.messages import Deposit
from orderlane.ports.accounts import NewAccount, NewDeposit
from orderlane.ports.errors import Conflict, Invalid, NotFound
from orderlane.ports.paging import Listing, Page
from orderlane.postgres.connection import Connection
from orderlane.postgres.inbox import NewMessage, put_messages
from orderlane.postgres.listing import fetch_page
from orderlane.postgres.queries import queries
from orderlane.postgres.rows import Row, account_from
from orderlane.postgres.users import check_user_is_active
from orderlane.resources.accounts import AccountResource, account_resource

_SQL = queries("accounts")
_SORTS: Final[Mapping[str, str]] = {"id": "id", "created_at": "created_at", "updated_at": "updated_at"}


class PostgresAccounts:
    """Accounts, on a connection. `told_lane` is called when a message was put into the inbox."""

    def __init__(self, connection: Connection, told_lane: Callable[[], None]) -> None:
        self._connection = connection
        self._told_lane = told_lane

    async def add(self, client_id: UUID, new: NewAccount) -> AccountResource:
        """Store a new account; as stored."""
        await check_user_is_active(self._connection, client_id, new.user_id)
        await self._check_group(client_id, new)
        installation = await self._connection.fetchrow(_SQL["installation"])
        assert installation is not None
        row = await self._connection.fetchrow(
            _SQL["add_account"],
            new.id,
            lane_of(new.id, installation["lane_count"]),
            client_id,
            new.user_id,
            new.account_group_id,
            new.type,
            AccountStatus.ACTIVE,
            new.name,
            installation["currency"],
            new.distribution,
            new.created_at,
        )
        assert row is not None
        return account_resource_from(row)

    async def get(self, client_id: UUID, account_id: UUID) -> AccountResource:
        """One account."""
        return account_resource_from(await self._row(client_id, account_id))

    async def list(
        self, client_id: UUID, page: Page, user_id: UUID | None = None, account_group_id: UUID | None = None
    ) -> Listing[AccountResource]:
        """A page of the client's accounts, or of those of a user or a group."""
        return await fetch_page(
            self._connection,
            _SQL["list_accounts"],
            page,
            _SORTS,
            account_resource_from,
            client_id,
            user_id,
            account_group_id,
        )

    async def deposit(self, client_id: UUID, new: NewDeposit) -> None:
        """Tell the account's lane of cash."""
        account = account_from(await self._row(client_id, new.account_id))
        if account.currency != new.currency:
            raise Invalid("currency", f"must be {account.currency}, the account's, not {new.currency}")
        if account.status is AccountStatus.CLOSED:
            raise Conflict(f"account {new.account_id} is CLOSED")
        message = Deposit(new.id, new.amount, new.currency)
        await put_messages(self._connection, [NewMessage(account.lane, account.id, message)])
        self._told_lane()

    async def _row(self, client_id: UUID, account_id: UUID) -> Row:
        row = await self._connection.fetchrow(_SQL["get_account"], client_id, account_id)
        if row is None:
            raise NotFound("account", account_id)
        return row

    async def _check_group(self, client_id: UUID, new: NewAccount) -> None:
        group_id = new.account_group_id
        group = await self._connection.fetchrow(_SQL["lock_account_group"], client_id, group_id)
        if group is None:
            raise Invalid("account_group_id", f"there is no account group {group_id}")
        if group["user_id"] != new.user_id:
            raise Invalid("account_group_id", f"account group {group_id} does not belong to user {new.user_id}")
        if group["status"] != "ACTIVE":
            raise Conflict(f"account group {group_id} is {group['status']}, not ACTIVE")


def account_resource_from(row: Row) -> AccountResource:
    """An account as JSON from a row of `accounts`."""
    return account_resource(account_from(row), row["account_number"])
