"""Users and account groups in PostgreSQL."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from orderlane.ports.errors import Conflict, Invalid, NotFound
from orderlane.ports.paging import Listing, Page
from orderlane.postgres.connection import Connection
from orderlane.postgres.listing import fetch_page
from orderlane.postgres.queries import queries
from orderlane.resources.account_groups import AccountGroupResource
from orderlane.resources.formats import read_time, write_time
from orderlane.resources.users import UserReference, UserRequest, UserResource

_SQL = queries("users")
_SORTS: Final[Mapping[str, str]] = {"id": "id", "created_at": "created_at", "updated_at": "updated_at"}

_details = msgspec.json.Decoder(UserRequest)
_DETAILS: Final = UserRequest.__struct_fields__


class PostgresUsers:
    """Users, on a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, client_id: UUID, user: UserResource) -> None:
        """Store a new user."""
        details = UserRequest(**{name: getattr(user, name) for name in _DETAILS})
        await self._connection.execute(
            _SQL["add_user"],
            user.id,
            client_id,
            msgspec.json.encode(details).decode(),
            user.status,
            read_time(user.created_at),
        )

    async def get(self, client_id: UUID, user_id: UUID) -> UserResource:
        """One user."""
        row = await self._connection.fetchrow(_SQL["get_user"], client_id, user_id)
        if row is None:
            raise NotFound("user", user_id)
        return _user(row)

    async def list(self, client_id: UUID, page: Page) -> Listing[UserResource]:
        """A page of the client's users."""
        return await fetch_page(self._connection, _SQL["list_users"], page, _SORTS, _user, client_id)

    async def offboard(self, client_id: UUID, user_id: UUID, now: datetime) -> None:
        """End the relation: OFFBOARDED, or OFFBOARDING while the user has an account."""
        if not await self._connection.fetchval(_SQL["offboard_user"], client_id, user_id, now):
            raise NotFound("user", user_id)


class PostgresAccountGroups:
    """Account groups, on a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, client_id: UUID, group: AccountGroupResource) -> AccountGroupResource:
        """Store a new group of its first user; as stored, with its number."""
        user_id = group.users[0].id
        await check_user_is_active(self._connection, client_id, user_id)
        number = await self._connection.fetchval(
            _SQL["add_account_group"],
            group.id,
            client_id,
            user_id,
            group.type,
            group.status,
            read_time(group.created_at),
        )
        return msgspec.structs.replace(group, securities_account_number=str(number))

    async def get(self, client_id: UUID, group_id: UUID) -> AccountGroupResource:
        """One account group."""
        row = await self._connection.fetchrow(_SQL["get_account_group"], client_id, group_id)
        if row is None:
            raise NotFound("account group", group_id)
        return _account_group(row)

    async def list(self, client_id: UUID, page: Page, user_id: UUID | None = None) -> Listing[AccountGroupResource]:
        """A page of the client's account groups, or of one user's."""
        query = _SQL["list_account_groups"]
        return await fetch_page(self._connection, query, page, _SORTS, _account_group, client_id, user_id)


async def check_user_is_active(connection: Connection, client_id: UUID, user_id: UUID) -> None:
    """See to it that the user may get something new, until the transaction ends.

    Raises Invalid when the client has no such user, Conflict when the user is not ACTIVE.
    """
    status = await connection.fetchval(_SQL["lock_user"], client_id, user_id)
    if status is None:
        raise Invalid("user_id", f"there is no user {user_id}")
    if status != "ACTIVE":
        raise Conflict(f"user {user_id} is {status}, not ACTIVE")


def _user(row: asyncpg.Record) -> UserResource:
    details = _details.decode(row["details"])
    return UserResource(
        id=row["id"],
        created_at=write_time(row["created_at"]),
        updated_at=write_time(row["updated_at"]),
        status=row["status"],
        **{name: getattr(details, name) for name in _DETAILS},
    )


def _account_group(row: asyncpg.Record) -> AccountGroupResource:
    return AccountGroupResource(
        id=row["id"],
        created_at=write_time(row["created_at"]),
        updated_at=write_time(row["updated_at"]),
        type=row["type"],
        status=row["status"],
        securities_account_number=str(row["securities_account_number"]),
        users=[UserReference(row["user_id"])],
    )
