"""Accounts of a client's users, and what they hold."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from orderlane.domain.account import AccountType, Distribution
from orderlane.ports.paging import Listing, Page
from orderlane.resources.accounts import AccountResource
from orderlane.resources.holdings import CashBalanceResource, PositionResource, ValuationResource


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to be; its currency is the installation's, its number the next of its group."""

    id: UUID
    user_id: UUID
    account_group_id: UUID
    type: AccountType
    name: str
    distribution: Distribution
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewDeposit:
    """Cash that came in for an account: `amount` in `currency`, with no more than its decimals."""

    id: UUID
    account_id: UUID
    amount: Decimal
    currency: str


class Accounts(Protocol):
    """The accounts; another client's do not exist."""

    async def add(self, client_id: UUID, new: NewAccount) -> AccountResource:
        """Store a new account; as stored.

        Raises Invalid when there is no such user or account group or they don't belong together, Conflict when one of
        the two is not ACTIVE.
        """
        ...

    async def get(self, client_id: UUID, account_id: UUID) -> AccountResource:
        """One account. Raises NotFound."""
        ...

    async def list(
        self, client_id: UUID, page: Page, user_id: UUID | None = None, account_group_id: UUID | None = None
    ) -> Listing[AccountResource]:
        """A page of the client's accounts, or of those of a user or a group, by created_at, updated_at or id."""
        ...

    async def deposit(self, client_id: UUID, new: NewDeposit) -> None:
        """Tell the account's lane of cash, which books it soon after.

        Raises NotFound, Invalid when the account is in another currency, Conflict when it is CLOSED.
        """
        ...


class Holdings(Protocol):
    """What accounts hold; another client's accounts do not exist."""

    async def cash_balance(self, client_id: UUID, account_group_id: UUID) -> CashBalanceResource:
        """The cash of all accounts of a group. Raises NotFound."""
        ...

    async def positions(self, client_id: UUID, account_id: UUID, page: Page) -> Listing[PositionResource]:
        """A page of what an account holds of instruments, by isin or quantity. Raises NotFound."""
        ...

    async def position(self, client_id: UUID, account_id: UUID, isin: str) -> PositionResource:
        """What an account holds of one instrument. Raises NotFound, also when it holds nothing of it."""
        ...

    async def valuation(
        self, client_id: UUID, account_id: UUID, valuation_id: UUID, now: datetime
    ) -> ValuationResource:
        """What the positions are worth at the last prices. Raises NotFound."""
        ...
