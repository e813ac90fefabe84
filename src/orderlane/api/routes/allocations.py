"""Allocations: which instruments a portfolio is made of, and in what weights."""

from msgspec import structs

from orderlane.api import problem_types
from orderlane.api.lists import ListQuery, ResourceList, resource_list
from orderlane.api.operations import Call, operation
from orderlane.api.periods import DateOrTime, end_of, start_of
from orderlane.api.scopes import Scope
from orderlane.domain.allocation import Allocation, Weight, composed
from orderlane.domain.ids import AllocationId
from orderlane.ports.errors import NotFound
from orderlane.ports.portfolios import AllocationFilter
from orderlane.resources.accounts import AccountResource, account_resource
from orderlane.resources.allocations import (
    AllocationRequest,
    AllocationResource,
    InstrumentIdText,
    allocation_resource,
    weight_choices,
)
from orderlane.resources.requests import AllocationIdText


class AllocationsQuery(ListQuery, frozen=True, kw_only=True):
    """Which allocations to list: created in the period, and with every one of the instruments."""

    start_date: DateOrTime | None = None
    end_date: DateOrTime | None = None
    instrument_ids: list[InstrumentIdText] | None = None

    @property
    def filter(self) -> AllocationFilter:
        """The allocations that the parameters ask for.

        Raises:
            InvalidParameter: a date does not exist.
        """
        return AllocationFilter(
            start=start_of("start_date", self.start_date),
            end=end_of("end_date", self.end_date),
            instrument_ids=self.instrument_ids or (),
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
    now = call.business_now
    allocation = Allocation(
        id=AllocationId(call.new_id()),
        client_id=call.client_id,
        name=body.name,
        weights=await _weights(call, body),
        created_at=now,
        updated_at=now,
    )
    await call.store.allocations.add(allocation)
    return allocation_resource(allocation)


@operation("GET", "/portfolios/allocations", tag="Portfolios", scope=Scope.PORTFOLIOS_READ, summary="List allocations")
async def list_allocations(call: Call, query: AllocationsQuery) -> ResourceList[AllocationResource]:
    """The client's own allocations."""
    listing = await call.store.allocations.list(call.client_id, query.page, query.filter)
    return await resource_list(call.slices, query.page, listing, allocation_resource)


@operation(
    "GET",
    "/portfolios/allocations/{allocation_id}",
    tag="Portfolios",
    scope=Scope.PORTFOLIOS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="Get an allocation",
)
async def get_allocation(call: Call, allocation_id: AllocationIdText) -> AllocationResource:
    """One allocation."""
    return allocation_resource(await call.store.allocations.get(call.client_id, allocation_id))


@operation(
    "PUT",
    "/portfolios/allocations/{allocation_id}",
    tag="Portfolios",
    scope=Scope.PORTFOLIOS_ADMIN,
    problems=(problem_types.NOT_FOUND, problem_types.INVALID_VALUE),
    summary="Replace an allocation",
)
async def replace_allocation(
    call: Call, allocation_id: AllocationIdText, body: AllocationRequest
) -> AllocationResource:
    """The new name and weights count for every portfolio order that is split from now on."""
    stored = await call.store.allocations.get(call.client_id, allocation_id, to_change=True)
    weights = await _weights(call, body)
    changed = structs.replace(stored, name=body.name, weights=weights, updated_at=call.business_now)
    await call.store.allocations.change(changed)
    return allocation_resource(changed)


@operation(
    "GET",
    "/portfolios/allocations/{allocation_id}/accounts",
    tag="Portfolios",
    scope=Scope.PORTFOLIOS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="List the accounts of an allocation",
)
async def list_allocation_accounts(
    call: Call, allocation_id: AllocationIdText, query: ListQuery
) -> ResourceList[AccountResource]:
    """The accounts that are configured to follow the allocation."""
    if not await call.store.allocations.exists(call.client_id, allocation_id):
        raise NotFound("allocation", allocation_id)
    listing = await call.store.allocations.accounts(call.client_id, allocation_id, query.page)
    return await resource_list(call.slices, query.page, listing, account_resource)


async def _weights(call: Call, body: AllocationRequest) -> tuple[Weight, ...]:
    instruments = await call.store.instruments.named([entry.instrument_id for entry in body.allocation])
    return tuple(composed(weight_choices(body.allocation), instruments, call.store.currency))


OPERATIONS = (create_allocation, list_allocations, get_allocation, replace_allocation, list_allocation_accounts)
