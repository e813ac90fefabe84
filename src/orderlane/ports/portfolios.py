"""Portfolios of a client: allocations, and the configurations that give one to an account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from orderlane.ports.paging import Listing, Page
from orderlane.resources.accounts import AccountResource
from orderlane.resources.allocations import AllocationResource, ConfigurationResource


@dataclass(frozen=True, slots=True)
class WantedWeight:
    """One entry of an allocation as it was asked for; `instrument_id` is an ISIN or the id of an instrument."""

    instrument_id: str
    weight: Decimal


@dataclass(frozen=True, slots=True)
class WantedAllocation:
    """An allocation as it was asked for."""

    id: UUID
    name: str
    weights: Sequence[WantedWeight]


@dataclass(frozen=True, slots=True)
class AllocationFilter:
    """Which allocations to list: created from `start` on and before `end`, with every one of the instruments."""

    start: datetime | None = None
    end: datetime | None = None
    instrument_ids: Sequence[str] = ()


class Allocations(Protocol):
    """The allocations; another client's do not exist."""

    async def add(self, client_id: UUID, wanted: WantedAllocation, now: datetime) -> AllocationResource:
        """Store a new allocation; as stored.

        Raises WeightsRefused, and Invalid that names the entry when an instrument is unknown, not tradable, or not in
        the currency of the accounts.
        """
        ...

    async def replace(self, client_id: UUID, wanted: WantedAllocation, now: datetime) -> AllocationResource:
        """Give an allocation another name and other weights; as stored. Raises NotFound, WeightsRefused, Invalid."""
        ...

    async def get(self, client_id: UUID, allocation_id: UUID) -> AllocationResource:
        """One allocation. Raises NotFound."""
        ...

    async def list(self, client_id: UUID, page: Page, wanted: AllocationFilter) -> Listing[AllocationResource]:
        """A page of the client's allocations, by created_at, updated_at, name or id."""
        ...

    async def accounts(self, client_id: UUID, allocation_id: UUID, page: Page) -> Listing[AccountResource]:
        """A page of the accounts that are configured to follow an allocation. Raises NotFound."""
        ...


class Configurations(Protocol):
    """The portfolio configurations, one for an account at most; another client's do not exist."""

    async def add(self, client_id: UUID, account_id: UUID, allocation_id: UUID, now: datetime) -> ConfigurationResource:
        """Store a new configuration; as stored.

        Raises Invalid when there is no such account or allocation or the account is not a PORTFOLIO account, Conflict
        when it has a configuration.
        """
        ...

    async def change(
        self, client_id: UUID, account_id: UUID, allocation_id: UUID, now: datetime
    ) -> ConfigurationResource:
        """Have an account follow another allocation; as stored. Raises NotFound, Invalid."""
        ...

    async def remove(self, client_id: UUID, account_id: UUID) -> None:
        """Have an account follow none. Raises NotFound."""
        ...

    async def get(self, client_id: UUID, account_id: UUID) -> ConfigurationResource:
        """One configuration. Raises NotFound."""
        ...

    async def list(self, client_id: UUID, page: Page, allocation_id: UUID | None) -> Listing[ConfigurationResource]:
        """A page of the client's configurations, or of an allocation's, by created_at, updated_at or account_id."""
        ...
