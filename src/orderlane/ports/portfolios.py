"""Portfolios of a client: allocations, and the configurations that give one to an account."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from orderlane.domain.account import Account
from orderlane.domain.allocation import Allocation
from orderlane.domain.configuration import PortfolioConfiguration
from orderlane.domain.ids import AccountId, AllocationId, ClientId
from orderlane.ports.paging import Listing, Page


class AllocationFilter(Struct, frozen=True, kw_only=True):
    """Which allocations to list: created from `start` on and before `end`, with every one of the instruments."""

    start: datetime | None = None
    end: datetime | None = None
    instrument_ids: Sequence[str] = ()


class Allocations(Protocol):
    """The allocations; another client's do not exist."""

    async def add(self, allocation: Allocation) -> None:
        """Store a new allocation."""
        ...

    async def get(self, client_id: ClientId, allocation_id: AllocationId, *, to_change: bool = False) -> Allocation:
        """One allocation; `to_change` keeps others from changing it until the unit of work ends.

        Raises:
            NotFound: the client has no such allocation.
        """
        ...

    async def change(self, allocation: Allocation) -> None:
        """Store another name and other weights of an allocation."""
        ...

    async def exists(self, client_id: ClientId, allocation_id: AllocationId) -> bool:
        """Whether the client has such an allocation."""
        ...

    async def list(self, client_id: ClientId, page: Page, allocation_filter: AllocationFilter) -> Listing[Allocation]:
        """A page of the client's allocations, by created_at, updated_at or id."""
        ...

    async def accounts(self, client_id: ClientId, allocation_id: AllocationId, page: Page) -> Listing[Account]:
        """A page of the accounts that are configured to follow an allocation, by created_at, updated_at or id."""
        ...


class Configurations(Protocol):
    """The portfolio configurations, one for an account at most; another client's do not exist."""

    async def add(self, configuration: PortfolioConfiguration) -> bool:
        """Store a new configuration, unless the account has one; whether it was stored."""
        ...

    async def get(
        self, client_id: ClientId, account_id: AccountId, *, to_change: bool = False
    ) -> PortfolioConfiguration:
        """One configuration; `to_change` keeps others from changing it until the unit of work ends.

        Raises:
            NotFound: the client has no such account, or the account has none.
        """
        ...

    async def change(self, configuration: PortfolioConfiguration) -> None:
        """Store another allocation of a configuration."""
        ...

    async def remove(self, client_id: ClientId, account_id: AccountId) -> None:
        """Remove an account's configuration.

        Raises:
            NotFound: the client has no such account, or the account has none.
        """
        ...

    async def list(
        self, client_id: ClientId, page: Page, allocation_id: AllocationId | None
    ) -> Listing[PortfolioConfiguration]:
        """A page of the client's configurations, or of an allocation's, by created_at, updated_at or account_id."""
        ...
