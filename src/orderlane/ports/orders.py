"""Reading portfolio orders, individual orders, executions and their events: always the current state."""

from datetime import datetime
from typing import Protocol

from msgspec import Struct

from orderlane.domain.ids import AccountId, AllocationId, ClientId, ExecutionId, OrderId, ParentOrderId
from orderlane.domain.listed_order import ListedPortfolioOrder
from orderlane.domain.order import Execution, Order
from orderlane.domain.parent_order import ParentOrder
from orderlane.domain.portfolio_order import PortfolioOrderStatus, PortfolioOrderType
from orderlane.ports.paging import Listing, Page


class PortfolioOrderFilter(Struct, frozen=True, kw_only=True):
    """Which portfolio orders to list; None is any. `start` is included in the time of creation, `end` is not."""

    account_id: AccountId | None = None
    allocation_id: AllocationId | None = None
    start: datetime | None = None
    end: datetime | None = None
    status: PortfolioOrderStatus | None = None
    type: PortfolioOrderType | None = None
    client_reference: str | None = None


class PortfolioOrders(Protocol):
    """The portfolio orders; another client's do not exist."""

    async def get(self, client_id: ClientId, portfolio_order_id: ParentOrderId) -> ParentOrder:
        """One portfolio order with its individual orders.

        Raises:
            NotFound: the client has no such portfolio order.
        """
        ...

    async def list(
        self, client_id: ClientId, page: Page, order_filter: PortfolioOrderFilter
    ) -> Listing[ListedPortfolioOrder]:
        """A page of the client's portfolio orders, by created_at, updated_at or id."""
        ...

    async def events(self, client_id: ClientId, portfolio_order_id: ParentOrderId, page: Page) -> Listing[bytes]:
        """A page of all events of a portfolio order as they were frozen, in their order.

        Raises:
            NotFound: the client has no such portfolio order.
        """
        ...


class Orders(Protocol):
    """The individual orders, each with its parent order; another client's do not exist."""

    async def get(self, client_id: ClientId, order_id: OrderId) -> tuple[ParentOrder, Order]:
        """One individual order with its executions.

        Raises:
            NotFound: the client has no such order.
        """
        ...

    async def of_account(
        self, client_id: ClientId, account_id: AccountId, page: Page
    ) -> Listing[tuple[ParentOrder, Order]]:
        """A page of the individual orders of an account, by created_at, updated_at or id.

        By created_at and id they come in the order of their parent orders, and in it in that of their numbers.

        Raises:
            NotFound: the client has no such account.
        """
        ...

    async def execution(
        self, client_id: ClientId, order_id: OrderId, execution_id: ExecutionId
    ) -> tuple[ParentOrder, Order, Execution]:
        """One execution of an individual order.

        Raises:
            NotFound: the client has no such order, or the order no such execution.
        """
        ...
