"""What accounts hold: cash, positions, and what these are worth."""

from typing import Annotated, Literal

from msgspec import Meta

from orderlane.api import problem_types
from orderlane.api.lists import PageQuery, Query, ResourceList, resource_list
from orderlane.api.operations import Call, operation
from orderlane.api.scopes import Scope
from orderlane.resources.holdings import (
    CashBalanceResource,
    PositionResource,
    ValuationResource,
    cash_balance_resource,
    position_resource,
    valuation_resource,
)
from orderlane.resources.requests import AccountGroupIdText, AccountIdText, Isin


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
async def get_cash_balance(call: Call, account_group_id: AccountGroupIdText) -> CashBalanceResource:
    """The cash of all accounts of the group. What is not settled yet can be traded with, but not be withdrawn."""
    return cash_balance_resource(await call.store.holdings.cash(call.client_id, account_group_id))


@operation(
    "GET",
    "/accounts/{account_id}/positions",
    tag="Holdings",
    scope=Scope.POSITIONS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="List the positions of an account",
)
async def list_positions(
    call: Call, account_id: AccountIdText, query: PositionsQuery
) -> ResourceList[PositionResource]:
    """What the account holds of instruments; what was sold in full is not listed."""
    listing = await call.store.holdings.positions(call.client_id, account_id, query.page)
    return await resource_list(call.slices, query.page, listing, position_resource)


@operation(
    "GET",
    "/accounts/{account_id}/positions/{isin}",
    tag="Holdings",
    scope=Scope.POSITIONS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="Get a position of an account",
)
async def get_position(call: Call, account_id: AccountIdText, isin: Isin) -> PositionResource:
    """What the account holds of one instrument."""
    return position_resource(await call.store.holdings.position(call.client_id, account_id, isin))


@operation(
    "GET",
    "/accounts/{account_id}/valuations/current",
    tag="Holdings",
    scope=Scope.VALUATIONS_READ,
    problems=(problem_types.NOT_FOUND,),
    is_list=True,
    summary="Value the positions of an account",
)
async def get_valuation(call: Call, account_id: AccountIdText, query: ValuationQuery) -> ValuationResource:
    """Quantity times last price, exactly; the weights sum to exactly 1."""
    account = await call.store.accounts.get(call.client_id, account_id)
    positions = await call.store.holdings.priced(account.id)
    return valuation_resource(call.new_id(), account, positions, call.business_now)


OPERATIONS = (get_cash_balance, list_positions, get_position, get_valuation)
