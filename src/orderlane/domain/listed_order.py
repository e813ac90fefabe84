"""Portfolio orders as a list shows them: of the individual orders only what a list needs, which is cheap to read."""

from decimal import Decimal

from msgspec import Struct

from orderlane.domain.ids import OrderId
from orderlane.domain.money import total
from orderlane.domain.order import ExecutionStatus, OrderStatus, Side, standing
from orderlane.domain.parent_order import ParentOrder


class ListedTrade(Struct, frozen=True, kw_only=True):
    """What a list of portfolio orders needs of an execution."""

    cash_amount: Decimal
    status: ExecutionStatus


class ListedOrder(Struct, frozen=True, kw_only=True):
    """What a list of portfolio orders needs of an individual order."""

    id: OrderId
    side: Side
    status: OrderStatus
    executions: tuple[ListedTrade, ...] = ()

    @property
    def executed_cash_amount(self) -> Decimal:
        """Cash traded so far, in the parent's currency."""
        return total(trade.cash_amount for trade in standing(self.executions))


class ListedPortfolioOrder(Struct, frozen=True, kw_only=True):
    """A portfolio order in a list: `parent` comes without its individual orders, which `orders` sums up."""

    parent: ParentOrder
    orders: tuple[ListedOrder, ...]
