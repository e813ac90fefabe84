"""Allocations in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from orderlane.domain.allocation import Weight, check_weights
from orderlane.domain.instruments import TradingStatus
from orderlane.ports.errors import Invalid, NotFound
from orderlane.ports.paging import Listing, Page
from orderlane.ports.portfolios import AllocationFilter, WantedAllocation, WantedWeight
from orderlane.postgres.accounts import account_resource_from
from orderlane.postgres.connection import Connection
from orderlane.postgres.instruments import as_id
from orderlane.postgres.listing import fetch_page
from orderlane.postgres.queries import queries
from orderlane.postgres.rows import Row, allocation_from, weight_from
from orderlane.resources.accounts import AccountResource
from orderlane.resources.allocations import AllocationResource, allocation_resource

_SQL = queries("portfolios")
_SORTS: Final[Mapping[str, str]] = {"id": "id", "created_at": "created_at", "updated_at": "updated_at"}


class PostgresAllocations:
    """Allocations, on a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, client_id: UUID, wanted: WantedAllocation, now: datetime) -> AllocationResource:
        """Store a new allocation; as stored."""
        weights = await self._checked(wanted.weights)
        row = await self._connection.fetchrow(_SQL["add_allocation"], wanted.id, client_id, wanted.name, now)
        assert row is not None
        return await self._with_weights(row, weights)

    async def replace(self, client_id: UUID, wanted: WantedAllocation, now: datetime) -> AllocationResource:
        """Give an allocation another name and other weights; as stored."""
        row = await self._connection.fetchrow(_SQL["rename_allocation"], client_id, wanted.id, wanted.name, now)
        if row is None:
            raise NotFound("allocation", wanted.id)
        weights = await self._checked(wanted.weights)
        await self._connection.execute(_SQL["remove_weights"], wanted.id)
        return await self._with_weights(row, weights)

    async def get(self, client_id: UUID, allocation_id: UUID) -> AllocationResource:
        """One allocation."""
        row = await self._connection.fetchrow(_SQL["get_allocation"], client_id, allocation_id)
        if row is None:
            raise NotFound("allocation", allocation_id)
        return _allocation(row)

    async def list(self, client_id: UUID, page: Page, wanted: AllocationFilter) -> Listing[AllocationResource]:
        """A page of the client's allocations."""
        return await fetch_page(
            self._connection,
            _SQL["list_allocations"],
            page,
            _SORTS,
            _allocation,
            client_id,
            wanted.start,
            wanted.end,
            list(wanted.instrument_ids),
        )

    async def accounts(self, client_id: UUID, allocation_id: UUID, page: Page) -> Listing[AccountResource]:
        """A page of the accounts that are configured to follow an allocation."""
        if not await self._connection.fetchval(_SQL["owns_allocation"], client_id, allocation_id):
            raise NotFound("allocation", allocation_id)
        query = _SQL["list_allocation_accounts"]
        return await fetch_page(self._connection, query, page, _SORTS, account_resource_from, client_id, allocation_id)

    async def _checked(self, wanted: Sequence[WantedWeight]) -> Sequence[Weight]:
        ids = [as_id(one.instrument_id) for one in wanted]
        rows = await self._connection.fetch(
            _SQL["named_instruments"],
            [one.instrument_id for one in wanted],
            [one for one in ids if one is not None],
        )
        known = {row["isin"]: row for row in rows} | {row["id"]: row for row in rows}
        weights = []
        for index, (one, instrument_id) in enumerate(zip(wanted, ids, strict=True)):
            row = known.get(instrument_id or one.instrument_id)
            weights.append(Weight(_tradable_isin(index, one, row), one.weight))
        check_weights(weights)
        return weights

    async def _with_weights(self, row: Row, weights: Sequence[Weight]) -> AllocationResource:
        isins = [one.isin for one in weights]
        await self._connection.execute(_SQL["add_weights"], row["id"], isins, [one.weight for one in weights])
        return allocation_resource(allocation_from(row, weights))


def _tradable_isin(index: int, wanted: WantedWeight, row: Row | None) -> str:
    field = f"allocation[{index}].instrument_id"
    if row is None:
        raise Invalid(field, f"there is no instrument {wanted.instrument_id}")
    if row["trading_status"] != TradingStatus.ACTIVE:
        raise Invalid(field, f"instrument {wanted.instrument_id} is {row['trading_status']}, not tradable")
    if row["currency"] != row["account_currency"]:
        refusal = (
            f"instrument {wanted.instrument_id} trades in {row['currency']}, accounts are in {row['account_currency']}"
        )
        raise Invalid(field, refusal)
    isin: str = row["isin"]
    return isin


def _allocation(row: Row) -> AllocationResource:
    return allocation_resource(allocation_from(row, [weight_from(one) for one in row["weights"]]))
