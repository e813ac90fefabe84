"""Reading portfolio orders, individual orders, executions and their events: always the current state."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from orderlane.domain.portfolio_order import PortfolioOrderStatus, PortfolioOrderType
from orderlane.ports.paging import Listing, Page
from orderlane.resources.orders import ExecutionResource, OrderResource, PortfolioOrderResource


@dataclass(frozen=True, slots=True)
class PortfolioOrderFilter:
    """Which portfolio orders to list; None is any. `start` is included in the time of creation, `end` is not."""

    account_id: UUID | None = None
    allocation_id: UUID | None = None
    start: datetime | None = None
    end: datetime | None = None
    status: PortfolioOrderStatus | None = None
    type: PortfolioOrderType | None = None
    client_reference: str | None = None


class PortfolioOrders(Protocol):
    """The portfolio orders; another client's do not exist."""

    async def get(self, client_id: UUID, portfolio_order_id: UUID) -> PortfolioOrderResource:
        """One portfolio order with its individual orders. Raises NotFound."""
        ...

    async def list(self, client_id: UUID, page: Page, wanted: PortfolioOrderFilter) -> Listing[PortfolioOrderResource]:
        """A page of the client's portfolio orders, by created_at, updated_at, cash_amount, status or id."""
        ...

    async def events(self, client_id: UUID, portfolio_order_id: UUID, page: Page) -> Listing[bytes]:
        """A page of all events of a portfolio order as they were frozen, in their order. Raises NotFound."""
        ...


class Orders(Protocol):
    """The individual orders; another client's do not exist."""

    async def get(self, client_id: UUID, order_id: UUID) -> OrderResource:
        """One individual order with its executions. Raises NotFound."""
        ...

    async def of_account(self, client_id: UUID, account_id: UUID, page: Page) -> Listing[OrderResource]:
        """A page of the individual orders of an account, by created_at, updated_at, status or id. Raises NotFound."""
        ...

    async def execution(self, client_id: UUID, order_id: UUID, execution_id: UUID) -> ExecutionResource:
        """One execution of an individual order. Raises NotFound."""
        ...
