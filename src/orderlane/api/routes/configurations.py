"""Portfolio configurations: which allocation the portfolio orders of an account follow."""

from typing import Annotated, Literal

from msgspec import Meta, convert

from orderlane.api import problem_types
from orderlane.api.lists import PageQuery, ResourceList, resource_list
from orderlane.api.operations import Call, operation
from orderlane.api.scopes import Scope
from orderlane.domain.configuration import (
    AlreadyConfigured,
    ConfigurationChoice,
    check_allocation,
    new_configuration,
)
from orderlane.resources.allocations import (
    ConfigurationChange,
    ConfigurationRequest,
    ConfigurationResource,
    configuration_resource,
)
from orderlane.resources.requests import AccountIdText, AllocationIdText


class ConfigurationsQuery(PageQuery, frozen=True, kw_only=True):
    """Which configurations to list."""

    allocation_id: AllocationIdText | None = None
    sort: Annotated[Literal["created_at", "updated_at", "account_id"], Meta(description="What to sort by.")] = (
        "created_at"
    )


@operation(
    "POST",
    "/portfolios/configurations",
    tag="Portfolios",
    scope=Scope.PORTFOLIOS_ADMIN,
    idempotent=True,
    problems=(problem_types.INVALID_VALUE, problem_types.CONFLICT),
    summary="Create a portfolio configuration",
)
async def create_configuration(call: Call, body: ConfigurationRequest) -> ConfigurationResource:
    """For accounts of type PORTFOLIO, one for each at most."""
    choice, store = convert(body, ConfigurationChoice, from_attributes=True), call.store
    account = await store.accounts.find(call.client_id, choice.account_id)
    has_allocation = await store.allocations.exists(call.client_id, choice.allocation_id)
    configuration = new_configuration(choice, account, has_allocation=has_allocation, now=call.business_now)
    if not await store.configurations.add(configuration):
        raise AlreadyConfigured(configuration.account_id)
    return configuration_resource(configuration)


@operation(
    "GET",
    "/portfolios/configurations",
    tag="Portfolios",
    scope=Scope.PORTFOLIOS_READ,
    summary="List portfolio configurations",
)
async def list_configurations(call: Call, query: ConfigurationsQuery) -> ResourceList[ConfigurationResource]:
    """The configurations of the client's accounts."""
    listing = await call.store.configurations.list(call.client_id, query.page, query.allocation_id)
    return await resource_list(call.slices, query.page, listing, configuration_resource)


@operation(
    "GET",
    "/portfolios/configurations/{account_id}",
    tag="Portfolios",
    scope=Scope.PORTFOLIOS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="Get a portfolio configuration",
)
async def get_configuration(call: Call, account_id: AccountIdText) -> ConfigurationResource:
    """The configuration of one account."""
    return configuration_resource(await call.store.configurations.get(call.client_id, account_id))


@operation(
    "PATCH",
    "/portfolios/configurations/{account_id}",
    tag="Portfolios",
    scope=Scope.PORTFOLIOS_ADMIN,
    idempotent=True,
    problems=(problem_types.NOT_FOUND, problem_types.INVALID_VALUE),
    summary="Change a portfolio configuration",
)
async def change_configuration(
    call: Call, account_id: AccountIdText, body: ConfigurationChange
) -> ConfigurationResource:
    """The other allocation counts for every portfolio order that is accepted from now on."""
    store, allocation_id = call.store, body.allocation_id
    check_allocation(allocation_id, is_known=await store.allocations.exists(call.client_id, allocation_id))
    stored = await store.configurations.get(call.client_id, account_id, to_change=True)
    changed = stored.following(allocation_id, call.business_now)
    await store.configurations.change(changed)
    return configuration_resource(changed)


@operation(
    "DELETE",
    "/portfolios/configurations/{account_id}",
    tag="Portfolios",
    scope=Scope.PORTFOLIOS_ADMIN,
    success=204,
    problems=(problem_types.NOT_FOUND,),
    summary="Delete a portfolio configuration",
)
async def delete_configuration(call: Call, account_id: AccountIdText) -> None:
    """Portfolio orders accepted from now on are cancelled with CONFIGURATION_IS_MISSING, until there is another.

    Those that were accepted before keep the allocation that they name.
    """
    await call.store.configurations.remove(call.client_id, account_id)


OPERATIONS = (
    create_configuration,
    list_configurations,
    get_configuration,
    change_configuration,
    delete_configuration,
)
