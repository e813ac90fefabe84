"""Portfolio orders: one order for a whole portfolio."""

from functools import partial
from typing import Annotated, Literal

from msgspec import Meta, Raw, convert

from orderlane.api import problem_types
from orderlane.api.answers import Answer, encode_json, json_answer
from orderlane.api.idempotency import replayed
from orderlane.api.lists import ListQuery, PageQuery, ResourceList, resource_list
from orderlane.api.operations import Call, Unit, operation
from orderlane.api.periods import DateOrTime, end_of, start_of
from orderlane.api.scopes import Scope
from orderlane.domain.intake import PortfolioOrderPlacement
from orderlane.domain.parent_order import ParentOrder
from orderlane.domain.portfolio_order import PortfolioOrderStatus, PortfolioOrderType
from orderlane.ports.acceptance import PlacementRequest
from orderlane.ports.clients import ACCEPTED
from orderlane.ports.idempotency import KeptAnswer
from orderlane.ports.orders import PortfolioOrderFilter
from orderlane.resources.events import EventResource
from orderlane.resources.orders import (
    PortfolioOrderRequest,
    PortfolioOrderResource,
    listed_portfolio_order_resource,
    portfolio_order_resource,
)
from orderlane.resources.requests import AccountIdText, AllocationIdText, ParentOrderIdText, Text


class PortfolioOrdersQuery(ListQuery, frozen=True, kw_only=True):
    """Which portfolio orders to list."""

    account_id: AccountIdText | None = None
    allocation_id: AllocationIdText | None = None
    start_date: DateOrTime | None = None
    end_date: DateOrTime | None = None
    status: PortfolioOrderStatus | None = None
    type: PortfolioOrderType | None = None
    client_reference: Text | None = None

    @property
    def filter(self) -> PortfolioOrderFilter:
        """The portfolio orders that the parameters ask for.

        Raises:
            InvalidParameter: a date does not exist.
        """
        return PortfolioOrderFilter(
            account_id=self.account_id,
            allocation_id=self.allocation_id,
            start=start_of("start_date", self.start_date),
            end=end_of("end_date", self.end_date),
            status=self.status,
            type=self.type,
            client_reference=self.client_reference,
        )


class EventsQuery(PageQuery, frozen=True, kw_only=True):
    """Which events to list."""

    sort: Annotated[Literal["position"], Meta(description="The order in which they happened.")] = "position"


@operation(
    "POST",
    "/portfolios/orders",
    tag="Portfolio orders",
    scope=Scope.PORTFOLIOS_ADMIN,
    idempotent=True,
    unit=Unit.NONE,
    success=ACCEPTED,
    other_success=200,
    problems=(problem_types.INVALID_VALUE, problem_types.CONFLICT),
    summary="Place a portfolio order",
)
async def create_portfolio_order(call: Call, body: PortfolioOrderRequest) -> PortfolioOrderResource | Answer:
    """Accepted is not executed: what becomes of it is told by webhooks, and by getting it.

    What the order says is fixed here: amount, side, currency, and as allocation_id the allocation that the account
    follows now; a configuration that is changed or removed afterwards counts for later orders. Everything else is as of
    the moment at which the order is split: the status of user and account, the allocation's weights, the instruments'
    trading status and prices, cash and positions. What does not allow the order then cancels it, with the reason.

    A client that was set so by the operator is answered 200 in the place of 202, with the same body.
    """
    placement = convert(body, PortfolioOrderPlacement, from_attributes=True)
    acceptance = await call.services.acceptance.accept(
        PlacementRequest(fresh_id=call.new_id(), claim=call.claim, request_id=call.request_id, placement=placement)
    )
    # The client's status as it is now, also for an answer that was kept before it changed.
    answer = KeptAnswer(call.client.accepted_status, acceptance.answer.body)
    return replayed(answer) if acceptance.replayed else Answer(answer.status, answer.body)


@operation(
    "GET",
    "/portfolios/orders",
    tag="Portfolio orders",
    scope=Scope.PORTFOLIOS_READ,
    summary="List portfolio orders",
)
async def list_portfolio_orders(call: Call, query: PortfolioOrdersQuery) -> ResourceList[PortfolioOrderResource]:
    """The client's own portfolio orders, as they are now."""
    listing = await call.store.portfolio_orders.list(call.client_id, query.page, query.filter)
    resource = partial(listed_portfolio_order_resource, official_reasons=call.client.official_reasons)
    return await resource_list(call.slices, query.page, listing, resource)


@operation(
    "GET",
    "/portfolios/orders/{portfolio_order_id}",
    tag="Portfolio orders",
    scope=Scope.PORTFOLIOS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="Get a portfolio order",
)
async def get_portfolio_order(call: Call, portfolio_order_id: ParentOrderIdText) -> PortfolioOrderResource:
    """One portfolio order as it is now, with its individual orders."""
    parent = await call.store.portfolio_orders.get(call.client_id, portfolio_order_id)
    return portfolio_order_resource(parent, official_reasons=call.client.official_reasons)


@operation(
    "GET",
    "/portfolios/orders/{portfolio_order_id}/events",
    tag="Portfolio orders",
    scope=Scope.PORTFOLIOS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="List the events of a portfolio order",
)
async def list_portfolio_order_events(
    call: Call, portfolio_order_id: ParentOrderIdText, query: EventsQuery
) -> ResourceList[EventResource] | Answer:
    """The whole history: every event of it, its individual orders and their executions, as it was frozen then."""
    listing = await call.store.portfolio_orders.events(call.client_id, portfolio_order_id, query.page)
    return json_answer(200, await resource_list(call.slices, query.page, listing, Raw))


def accepted_answer(parent: ParentOrder) -> KeptAnswer:
    """The answer to an accepted portfolio order, which is stored with it: NEW, so without a reason in any words."""
    return KeptAnswer(ACCEPTED, encode_json(portfolio_order_resource(parent, official_reasons=False)))


OPERATIONS = (
    create_portfolio_order,
    list_portfolio_orders,
    get_portfolio_order,
    list_portfolio_order_events,
)
