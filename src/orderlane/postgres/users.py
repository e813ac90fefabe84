"""Users and account groups in PostgreSQL."""

from collections.abc import Sequence

import asyncpg
from msgspec import structs

from orderlane.domain.errors import StateRefused
from orderlane.domain.ids import AccountGroupId, ClientId, UserId
from orderlane.domain.onboarding import AccountGroup, User
from orderlane.domain.users import UserStatus
from orderlane.ports.errors import NotFound
from orderlane.ports.paging import Listing, Page
from orderlane.postgres.connection import Connection
from orderlane.postgres.listing import BY_TIME, fetch_page
from orderlane.postgres.queries import queries
from orderlane.postgres.tables.records import Row, record_from

NUMBERS_TAKEN = "every securities account number is taken: a database numbers 900,000,000 account groups at most"

_SQL = queries("users")


class PostgresUsers:
    """Users, on a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, user: User) -> None:
        """Store a new user."""
        columns = (user.id, user.client_id, user.details, user.status, user.created_at)
        await self._connection.execute(_SQL["add_user"], *columns)

    async def get(self, client_id: ClientId, user_id: UserId, *, to_change: bool = False) -> User:
        """One user; `to_change` keeps others from changing it until the transaction ends.

        Raises:
            NotFound: the client has no such user.
        """
        query = _SQL["get_user_to_change" if to_change else "get_user"]
        row = await self._connection.fetchrow(query, client_id, user_id)
        if row is None:
            raise NotFound("user", user_id)
        return _user_from(row)

    async def list(self, client_id: ClientId, page: Page) -> Listing[User]:
        """A page of the client's users."""
        return await fetch_page(self._connection, _SQL["list_users"], page, BY_TIME, _user_from, client_id)

    async def lock(self, client_id: ClientId, user_id: UserId) -> UserStatus | None:
        """The status of a user, which nobody changes until the transaction ends; None without such a user."""
        status = await self._connection.fetchval(_SQL["lock_user"], client_id, user_id)
        return None if status is None else UserStatus(status)

    async def change(self, user: User) -> None:
        """Store the status of a user."""
        await self._connection.execute(_SQL["change_user"], user.id, user.status, user.updated_at)


class PostgresAccountGroups:
    """Account groups, on a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, group: AccountGroup) -> AccountGroup:
        """Store a new group; as stored, with its number.

        Raises:
            StateRefused: every number of nine digits is taken.
        """
        columns = (group.id, group.client_id, group.user_id, group.type, group.status, group.created_at)
        try:
            number = await self._connection.fetchval(_SQL["add_account_group"], *columns)
        except asyncpg.SequenceGeneratorLimitExceededError:
            raise StateRefused(NUMBERS_TAKEN) from None
        return structs.replace(group, securities_account_number=number)

    async def get(self, client_id: ClientId, group_id: AccountGroupId) -> AccountGroup:
        """One account group.

        Raises:
            NotFound: the client has no such group.
        """
        row = await self._connection.fetchrow(_SQL["get_account_group"], client_id, group_id)
        if row is None:
            raise NotFound("account group", group_id)
        return _group_from(row)

    async def lock(self, client_id: ClientId, group_id: AccountGroupId) -> AccountGroup | None:
        """A group to which nobody else adds accounts until the transaction ends; None without such a group."""
        row = await self._connection.fetchrow(_SQL["lock_account_group"], client_id, group_id)
        return None if row is None else _group_from(row)

    async def ids_of_user(self, user_id: UserId) -> Sequence[AccountGroupId]:
        """The ids of a user's groups."""
        rows = await self._connection.fetch(_SQL["group_ids_of_user"], user_id)
        return [AccountGroupId(str(row["id"])) for row in rows]

    async def list(self, client_id: ClientId, page: Page, user_id: UserId | None = None) -> Listing[AccountGroup]:
        """A page of the client's account groups, or of one user's."""
        query = _SQL["list_account_groups"]
        return await fetch_page(self._connection, query, page, BY_TIME, _group_from, client_id, user_id)


def _user_from(row: Row) -> User:
    return record_from(row, User)


def _group_from(row: Row) -> AccountGroup:
    return record_from(row, AccountGroup)
