"""Portfolio orders: one order for a whole portfolio."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Raw

from orderlane.api import problem_types
from orderlane.api.amounts import positive_amount
from orderlane.api.answers import Answer, json_answer
from orderlane.api.idempotency import replayed
from orderlane.api.lists import ListQuery, PageQuery, ResourceList, resource_list
from orderlane.api.operations import Call, Unit, operation
from orderlane.api.periods import DateOrTime, end_of, start_of
from orderlane.api.scopes import Scope
from orderlane.domain.portfolio_order import PortfolioOrderStatus, PortfolioOrderType
from orderlane.ports.acceptance import PlacementRequest
from orderlane.ports.errors import Invalid
from orderlane.ports.orders import PortfolioOrderFilter
from orderlane.ports.paging import Listing
from orderlane.resources.events import EventResource
from orderlane.resources.orders import PortfolioOrderRequest, PortfolioOrderResource
from orderlane.resources.requests import Text


class PortfolioOrdersQuery(ListQuery, frozen=True, kw_only=True):
    """Which portfolio orders to list."""

    account_id: UUID | None = None
    allocation_id: UUID | None = None
    start_date: DateOrTime | None = None
    end_date: DateOrTime | None = None
    status: PortfolioOrderStatus | None = None
    type: PortfolioOrderType | None = None
    client_reference: Text | None = None

    @property
    def filter(self) -> PortfolioOrderFilter:
        """The portfolio orders that the parameters ask for. Raises InvalidParameter."""
        return PortfolioOrderFilter(
            self.account_id,
            self.allocation_id,
            start_of("start_date", self.start_date),
            end_of("end_date", self.end_date),
            self.status,
            self.type,
            self.client_reference,
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
    success=202,
    problems=(problem_types.INVALID_VALUE, problem_types.CONFLICT),
    summary="Place a portfolio order",
)
async def create_portfolio_order(call: Call, body: PortfolioOrderRequest) -> PortfolioOrderResource | Answer:
    """Accepted is not executed: what becomes of it is told by webhooks, and by getting it."""
    if body.post_tax:
        raise Invalid("post_tax", "must be false: taxes are not computed")
    acceptance = await call.services.acceptance.accept(
        PlacementRequest(
            id=call.new_id(),
            claim=call.claim,
            user_id=body.user_id,
            account_id=body.account_id,
            cash_amount=positive_amount("cash_amount", body.cash_amount, body.currency),
            currency=body.currency,
            side=body.side,
            client_reference=body.client_reference,
        )
    )
    if acceptance.replayed:
        return replayed(acceptance.answer)
    return Answer(acceptance.answer.status, acceptance.answer.body)


@operation(
    "GET",
    "/portfolios/orders",
    tag="Portfolio orders",
    scope=Scope.PORTFOLIOS_READ,
    summary="List portfolio orders",
)
async def list_portfolio_orders(call: Call, query: PortfolioOrdersQuery) -> ResourceList[PortfolioOrderResource]:
    """The client's own portfolio orders, as they are now."""
    return resource_list(query.page, await call.store.portfolio_orders.list(call.client_id, query.page, query.filter))


@operation(
    "GET",
    "/portfolios/orders/{portfolio_order_id}",
    tag="Portfolio orders",
    scope=Scope.PORTFOLIOS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="Get a portfolio order",
)
async def get_portfolio_order(call: Call, portfolio_order_id: UUID) -> PortfolioOrderResource:
    """One portfolio order as it is now, with its individual orders."""
    return await call.store.portfolio_orders.get(call.client_id, portfolio_order_id)


@operation(
    "GET",
    "/portfolios/orders/{portfolio_order_id}/events",
    tag="Portfolio orders",
    scope=Scope.PORTFOLIOS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="List the events of a portfolio order",
)
async def list_portfolio_order_events(
    call: Call, portfolio_order_id: UUID, query: EventsQuery
) -> ResourceList[EventResource] | Answer:
    """The whole history: every event of it, its individual orders and their executions, as it was frozen then."""
    listing = await call.store.portfolio_orders.events(call.client_id, portfolio_order_id, query.page)
    frozen = Listing([Raw(one) for one in listing.rows], listing.total_count)
    return json_answer(200, resource_list(query.page, frozen))


OPERATIONS = (
    create_portfolio_order,
    list_portfolio_orders,
    get_portfolio_order,
    list_portfolio_order_events,
)
