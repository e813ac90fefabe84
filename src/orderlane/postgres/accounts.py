"""Accounts in PostgreSQL."""

from collections.abc import Callable, Sequence

from orderlane.domain.account import Account
from orderlane.domain.ids import AccountGroupId, AccountId, ClientId, SubjectId, UserId, lane_of
from orderlane.domain.lane.messages import Message
from orderlane.ports.errors import NotFound
from orderlane.ports.paging import Listing, Page
from orderlane.postgres.connection import Connection
from orderlane.postgres.inbox import NewMessage, put_messages
from orderlane.postgres.listing import BY_TIME, fetch_page
from orderlane.postgres.queries import queries
from orderlane.postgres.tables.accounts import account_from

_SQL = queries("accounts")


class PostgresAccounts:
    """Accounts, on a connection. `told_lane` is called when a message was put into the inbox."""

    def __init__(self, connection: Connection, lane_count: int, told_lane: Callable[[], None]) -> None:
        self._connection = connection
        self._lane_count = lane_count
        self._told_lane = told_lane

    async def add(self, account: Account) -> None:
        """Store a new account."""
        await self._connection.execute(
            _SQL["add_account"],
            lane_of(account.id, self._lane_count),
            account.id,
            account.client_id,
            account.user_id,
            account.account_group_id,
            account.type,
            account.status,
            account.name,
            account.currency,
            account.distribution,
            account.account_number,
            account.created_at,
        )

    async def last_number(self, group_id: AccountGroupId) -> int:
        """The number of the latest account of a group, 0 when it has none."""
        lane = lane_of(group_id, self._lane_count)
        number: int = await self._connection.fetchval(_SQL["last_number"], lane, group_id)
        return number

    async def has_open(self, group_ids: Sequence[AccountGroupId]) -> bool:
        """Whether one of the groups has an account that is not CLOSED."""
        lanes = [lane_of(group_id, self._lane_count) for group_id in group_ids]
        has_open: bool = await self._connection.fetchval(_SQL["has_open_account"], lanes, group_ids)
        return has_open

    async def find(self, client_id: ClientId, account_id: AccountId) -> Account | None:
        """One account, None when the client has no such account."""
        lane = lane_of(account_id, self._lane_count)
        row = await self._connection.fetchrow(_SQL["get_account"], lane, account_id, client_id)
        return None if row is None else account_from(row)

    async def get(self, client_id: ClientId, account_id: AccountId) -> Account:
        """One account.

        Raises:
            NotFound: the client has no such account.
        """
        account = await self.find(client_id, account_id)
        if account is None:
            raise NotFound("account", account_id)
        return account

    async def list(
        self,
        client_id: ClientId,
        page: Page,
        user_id: UserId | None = None,
        account_group_id: AccountGroupId | None = None,
    ) -> Listing[Account]:
        """A page of the client's accounts, or of those of a user or a group."""
        filters = (client_id, user_id, account_group_id)
        return await fetch_page(self._connection, _SQL["list_accounts"], page, BY_TIME, account_from, *filters)

    async def send(self, account_id: AccountId, message: Message, *, actor: str, request_id: str) -> None:
        """Put a message into the inbox of an account's lane."""
        new = NewMessage(
            lane=lane_of(account_id, self._lane_count),
            subject_id=SubjectId(account_id),
            message=message,
            actor=actor,
            request_id=request_id,
        )
        await put_messages(self._connection, [new])
        self._told_lane()
