"""Allocations: which instruments a portfolio is made of, and in what weights."""

from decimal import Decimal
from uuid import UUID

from orderlane.api import problem_types
from orderlane.api.lists import ListQuery, ResourceList, resource_list
from orderlane.api.operations import Call, operation
from orderlane.api.periods import DateOrTime, end_of, start_of
from orderlane.api.scopes import Scope
from orderlane.ports.portfolios import AllocationFilter, WantedAllocation, WantedWeight
from orderlane.resources.accounts import AccountResource
from orderlane.resources.allocations import AllocationRequest, AllocationResource, InstrumentId


class AllocationsQuery(ListQuery, frozen=True, kw_only=True):
    """Which allocations to list: created in the period, and with every one of the instruments."""

    start_date: DateOrTime | None = None
    end_date: DateOrTime | None = None
    instrument_ids: list[InstrumentId] | None = None

    @property
    def filter(self) -> AllocationFilter:
        """The allocations that the parameters ask for. Raises InvalidParameter."""
        return AllocationFilter(
            start_of("start_date", self.start_date), end_of("end_date", self.end_date), self.instrument_ids or ()
        )


@operation(
    "POST",
    "/portfolios/allocations",
    tag="Portfolios",
    scope=Scope.PORTFOLIOS_ADMIN,
    idempotent=True,
    problems=(problem_types.INVALID_VALUE,),
    summary="Create an allocation",
)
async def create_allocation(call: Call, body: AllocationRequest) -> AllocationResource:
    """Weights greater than zero that sum to exactly 1 or exactly 100, of tradable instruments, none twice."""
    return await call.store.allocations.add(call.client_id, _wanted(call.new_id(), body), call.now)


@operation("GET", "/portfolios/allocations", tag="Portfolios", scope=Scope.PORTFOLIOS_READ, summary="List allocations")
async def list_allocations(call: Call, query: AllocationsQuery) -> ResourceList[AllocationResource]:
    """The client's own allocations."""
    return resource_list(query.page, await call.store.allocations.list(call.client_id, query.page, query.filter))


@operation(
    "GET",
    "/portfolios/allocations/{allocation_id}",
    tag="Portfolios",
    scope=Scope.PORTFOLIOS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="Get an allocation",
)
async def get_allocation(call: Call, allocation_id: UUID) -> AllocationResource:
    """One allocation."""
    return await call.store.allocations.get(call.client_id, allocation_id)


@operation(
    "PUT",
    "/portfolios/allocations/{allocation_id}",
    tag="Portfolios",
    scope=Scope.PORTFOLIOS_ADMIN,
    problems=(problem_types.NOT_FOUND, problem_types.INVALID_VALUE),
    summary="Replace an allocation",
)
async def replace_allocation(call: Call, allocation_id: UUID, body: AllocationRequest) -> AllocationResource:
    """The new name and weights count for every portfolio order that is split from now on."""
    return await call.store.allocations.replace(call.client_id, _wanted(allocation_id, body), call.now)


@operation(
    "GET",
    "/portfolios/allocations/{allocation_id}/accounts",
    tag="Portfolios",
    scope=Scope.PORTFOLIOS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="List the accounts of an allocation",
)
async def list_allocation_accounts(call: Call, allocation_id: UUID, query: ListQuery) -> ResourceList[AccountResource]:
    """The accounts that are configured to follow the allocation."""
    return resource_list(query.page, await call.store.allocations.accounts(call.client_id, allocation_id, query.page))


def _wanted(allocation_id: UUID, body: AllocationRequest) -> WantedAllocation:
    weights = [WantedWeight(one.instrument_id, Decimal(one.weight)) for one in body.allocation]
    return WantedAllocation(allocation_id, body.name, weights)


OPERATIONS = (create_allocation, list_allocations, get_allocation, replace_allocation, list_allocation_accounts)
