"""What accounts hold: cash, positions, and what these are worth."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from orderlane.api import problem_types
from orderlane.api.lists import PageQuery, Query, ResourceList, resource_list
from orderlane.api.operations import Call, operation
from orderlane.api.scopes import Scope
from orderlane.resources.holdings import CashBalanceResource, PositionResource, ValuationResource
from orderlane.resources.requests import Isin


class PositionsQuery(PageQuery, frozen=True, kw_only=True):
    """Which positions to list."""

    sort: Annotated[Literal["isin", "quantity"], Meta(description="What to sort by.")] = "isin"


class ValuationQuery(Query, frozen=True, kw_only=True):
    """How to value."""

    price_quality: Annotated[Literal["EOD"], Meta(description="The last price that is known.")] = "EOD"


@operation(
    "GET",
    "/account_groups/{account_group_id}/payments/cash_balance",
    tag="Holdings",
    scope=Scope.PAYMENTS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="Get the cash balance of an account group",
)
async def get_cash_balance(call: Call, account_group_id: UUID) -> CashBalanceResource:
    """The cash of all accounts of the group. What is not settled yet can be traded with, but not be withdrawn."""
    return await call.store.holdings.cash_balance(call.client_id, account_group_id)


@operation(
    "GET",
    "/accounts/{account_id}/positions",
    tag="Holdings",
    scope=Scope.POSITIONS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="List the positions of an account",
)
async def list_positions(call: Call, account_id: UUID, query: PositionsQuery) -> ResourceList[PositionResource]:
    """What the account holds of instruments; what was sold in full is not listed."""
    return resource_list(query.page, await call.store.holdings.positions(call.client_id, account_id, query.page))


@operation(
    "GET",
    "/accounts/{account_id}/positions/{isin}",
    tag="Holdings",
    scope=Scope.POSITIONS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="Get a position of an account",
)
async def get_position(call: Call, account_id: UUID, isin: Isin) -> PositionResource:
    """What the account holds of one instrument."""
    return await call.store.holdings.position(call.client_id, account_id, isin)


@operation(
    "GET",
    "/accounts/{account_id}/valuations/current",
    tag="Holdings",
    scope=Scope.VALUATIONS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="Value the positions of an account",
)
async def get_valuation(call: Call, account_id: UUID, query: ValuationQuery) -> ValuationResource:
    """Quantity times last price, exactly; the weights sum to exactly 1."""
    return await call.store.holdings.valuation(call.client_id, account_id, call.new_id(), call.now)


OPERATIONS = (get_cash_balance, list_positions, get_position, get_valuation)
