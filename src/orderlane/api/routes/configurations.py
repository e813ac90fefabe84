"""Portfolio configurations: which allocation the portfolio orders of an account follow."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from orderlane.api import problem_types
from orderlane.api.lists import PageQuery, ResourceList, resource_list
from orderlane.api.operations import Call, operation
from orderlane.api.scopes import Scope
from orderlane.resources.allocations import ConfigurationChange, ConfigurationRequest, ConfigurationResource


class ConfigurationsQuery(PageQuery, frozen=True, kw_only=True):
    """Which configurations to list."""

    allocation_id: UUID | None = None
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
    return await call.store.configurations.add(call.client_id, body.account_id, body.allocation_id, call.now)


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
    return resource_list(query.page, listing)


@operation(
    "GET",
    "/portfolios/configurations/{account_id}",
    tag="Portfolios",
    scope=Scope.PORTFOLIOS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="Get a portfolio configuration",
)
async def get_configuration(call: Call, account_id: UUID) -> ConfigurationResource:
    """The configuration of one account."""
    return await call.store.configurations.get(call.client_id, account_id)


@operation(
    "PATCH",
    "/portfolios/configurations/{account_id}",
    tag="Portfolios",
    scope=Scope.PORTFOLIOS_ADMIN,
    idempotent=True,
    problems=(problem_types.NOT_FOUND, problem_types.INVALID_VALUE),
    summary="Change a portfolio configuration",
)
async def change_configuration(call: Call, account_id: UUID, body: ConfigurationChange) -> ConfigurationResource:
    """The other allocation counts for every portfolio order that is accepted from now on."""
    return await call.store.configurations.change(call.client_id, account_id, body.allocation_id, call.now)


@operation(
    "DELETE",
    "/portfolios/configurations/{account_id}",
    tag="Portfolios",
    scope=Scope.PORTFOLIOS_ADMIN,
    success=204,
    problems=(problem_types.NOT_FOUND,),
    summary="Delete a portfolio configuration",
)
async def delete_configuration(call: Call, account_id: UUID) -> None:
    """Portfolio orders of the account are cancelled with CONFIGURATION_IS_MISSING until it has another one."""
    await call.store.configurations.remove(call.client_id, account_id)


OPERATIONS = (
    create_configuration,
    list_configurations,
    get_configuration,
    change_configuration,
    delete_configuration,
)
