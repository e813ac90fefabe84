"""Accounts of a client's users, and what they hold."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from orderlane.domain.account import Account
from orderlane.domain.ids import AccountGroupId, AccountId, ClientId, UserId
from orderlane.domain.lane.messages import Message
from orderlane.domain.positions import GroupCash, Position, PricedPosition
from orderlane.ports.paging import Listing, Page


class Accounts(Protocol):
    """The accounts; another client's do not exist."""

    async def add(self, account: Account) -> None:
        """Store a new account."""
        ...

    async def last_number(self, group_id: AccountGroupId) -> int:
        """The number of the latest account of a group, 0 when it has none."""
        ...

    async def has_open(self, group_ids: Sequence[AccountGroupId]) -> bool:
        """Whether one of the groups has an account that is not CLOSED."""
        ...

    async def find(self, client_id: ClientId, account_id: AccountId) -> Account | None:
        """One account, None when the client has no such account."""
        ...

    async def get(self, client_id: ClientId, account_id: AccountId) -> Account:
        """One account.

        Raises:
            NotFound: the client has no such account.
        """
        ...

    async def list(
        self,
        client_id: ClientId,
        page: Page,
        user_id: UserId | None = None,
        account_group_id: AccountGroupId | None = None,
    ) -> Listing[Account]:
        """A page of the client's accounts, or of those of a user or a group, by created_at, updated_at or id."""
        ...

    async def send(self, account_id: AccountId, message: Message, *, actor: str, request_id: str) -> None:
        """Put a message into the inbox of an account's lane; `actor` asks for it, by the request `request_id`."""
        ...


class Holdings(Protocol):
    """What accounts hold; another client's accounts do not exist."""

    async def cash(self, client_id: ClientId, account_group_id: AccountGroupId) -> GroupCash:
        """The cash of each account of a group.

        Raises:
            NotFound: the client has no such group.
        """
        ...

    async def positions(self, client_id: ClientId, account_id: AccountId, page: Page) -> Listing[Position]:
        """A page of what an account holds of instruments, by isin or quantity.

        Raises:
            NotFound: the client has no such account.
        """
        ...

    async def position(self, client_id: ClientId, account_id: AccountId, isin: str) -> Position:
        """What an account holds of one instrument.

        Raises:
            NotFound: the client has no such account, or the account nothing of it.
        """
        ...

    async def balance(self, account_id: AccountId, currency: str) -> Decimal:
        """What an account has of a currency, zero when that is nothing."""
        ...

    async def priced(self, account_id: AccountId) -> Sequence[PricedPosition]:
        """What an account holds of instruments, with their last prices, by ISIN."""
        ...
