"""Individual orders, which portfolio orders are made of, and their executions at the venue."""

from orderlane.api import problem_types
from orderlane.api.lists import ListQuery, ResourceList, resource_list
from orderlane.api.operations import Call, operation
from orderlane.api.scopes import Scope
from orderlane.resources.orders import ExecutionResource, OrderResource, execution_resource, order_resource
from orderlane.resources.requests import AccountIdText, ExecutionIdText, OrderIdText


@operation(
    "GET",
    "/orders/{order_id}",
    tag="Orders",
    scope=Scope.ORDERS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="Get an individual order",
)
async def get_order(call: Call, order_id: OrderIdText) -> OrderResource:
    """One individual order as it is now. Its `client_reference` is the id of its portfolio order."""
    parent, order = await call.store.orders.get(call.client_id, order_id)
    return order_resource(parent, order, official_reasons=call.client.official_reasons)


@operation(
    "GET",
    "/accounts/{account_id}/orders",
    tag="Orders",
    scope=Scope.ORDERS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="List the individual orders of an account",
)
async def list_account_orders(call: Call, account_id: AccountIdText, query: ListQuery) -> ResourceList[OrderResource]:
    """The individual orders of all portfolio orders of the account.

    By created_at and id, the orders of one portfolio order stand together: sorted by that of the portfolio order, then
    by their number in it. By updated_at they stand by their own time, which is slow for an account with many orders.
    """
    listing = await call.store.orders.of_account(call.client_id, account_id, query.page)
    official_reasons = call.client.official_reasons
    return await resource_list(
        call.slices, query.page, listing, lambda row: order_resource(*row, official_reasons=official_reasons)
    )


@operation(
    "GET",
    "/orders/{order_id}/executions/{execution_id}",
    tag="Orders",
    scope=Scope.ORDERS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="Get an execution",
)
async def get_execution(call: Call, order_id: OrderIdText, execution_id: ExecutionIdText) -> ExecutionResource:
    """One trade at the venue for an individual order."""
    return execution_resource(*await call.store.orders.execution(call.client_id, order_id, execution_id))


OPERATIONS = (get_order, list_account_orders, get_execution)
