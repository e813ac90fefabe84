"""Commands to look at a portfolio order, of whatever client."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from orderlane.cli.announcements import console, text_column, write_json
from orderlane.cli.database import opened_operator
from orderlane.cli.options import AsJson, DataOptions
from orderlane.cli.outcome import complete
from orderlane.demo.statuses import STATUS_STYLES
from orderlane.domain.ids import ParentOrderId
from orderlane.domain.money import multiply, plain, total, whole_quotient
from orderlane.domain.order import Order
from orderlane.domain.parent_order import ParentOrder
from orderlane.resources.formats import write_amount
from orderlane.resources.orders import order_resource, portfolio_order_resource

POLL_SECONDS = 1.0
PARTS = 1000
PortfolioOrderId = Annotated[UUID, Parameter(help="The portfolio order's id.")]


def show(portfolio_order_id: PortfolioOrderId, /, *, json: AsJson = False, options: DataOptions | None = None) -> None:
    """Show a portfolio order with its individual orders as they are now."""

    async def command() -> None:
        async with opened_operator(options, reads_only=True) as operator:
            parent = await operator.portfolio_order(ParentOrderId(str(portfolio_order_id)))
        if json:
            write_json(
                {
                    "portfolio_order": portfolio_order_resource(parent, official_reasons=False),
                    "orders": [order_resource(parent, order, official_reasons=False) for order in parent.orders],
                    "sequence": parent.sequence,
                }
            )
        else:
            console().print(picture(parent))

    complete(command())


def watch(portfolio_order_id: PortfolioOrderId, /, *, options: DataOptions | None = None) -> None:
    """Follow a portfolio order live until nothing of it can trade any more."""

    async def command() -> None:
        parent_id = ParentOrderId(str(portfolio_order_id))
        async with opened_operator(options, reads_only=True) as operator:
            parent = await operator.portfolio_order(parent_id)
            with Live(picture(parent, with_ids=False), console=console(), refresh_per_second=20) as live:
                while not parent.is_final:
                    await operator.wait_for_event(POLL_SECONDS)
                    parent = await operator.portfolio_order(parent_id)
                    live.update(picture(parent, with_ids=False))

    complete(command())


def picture(parent: ParentOrder, *, with_ids: bool = True) -> RenderableType:
    """A portfolio order for a person, whole on a terminal of 80 columns; `with_ids`: of its individual orders, too."""
    shown = portfolio_order_resource(parent, official_reasons=False)
    heading = f"[bold]{shown.type} {shown.cash_amount} {shown.currency}[/]  {_styled(shown.status)}  {shown.id}"
    cancelled = f"{shown.cancellation_reason}: {shown.cancellation_details}" if shown.cancellation_reason else ""
    facts: list[RenderableType] = [
        f"account {shown.account_id}",
        f"{parent.sequence} events   executed {shown.executed_cash_amount}   remaining {shown.remaining_cash_amount}",
        *([Text(cancelled, no_wrap=False, overflow="fold")] if cancelled else []),
    ]
    ids = [f"{order.id}  {order.isin}" for order in parent.orders] if with_ids else []
    return Group(heading, *facts, progress(parent), *([_orders_table(parent)] if parent.orders else []), *ids)


def _orders_table(parent: ParentOrder) -> Table:
    table = Table(*(text_column(name) for name in ("instrument", "side", "amount", "executed", "units", "status")))
    for order in parent.orders:
        table.add_row(*_row(order, parent.currency))
    return table


def _row(order: Order, currency: str) -> tuple[str, ...]:
    amount = write_amount(order.cash_amount, currency) if order.cash_amount else f"{plain(order.quantity)} units"
    executed = write_amount(order.executed_cash_amount, currency)
    return (order.isin, order.side, amount, executed, plain(order.executed_quantity), _styled(order.status))


def _styled(status: str) -> str:
    """A status in its colour, as markup."""
    style = STATUS_STYLES.get(status)
    return status if style is None else f"[{style}]{status}[/]"


def progress(parent: ParentOrder) -> Progress:
    """How much of the amount is executed."""
    bar = Progress(TextColumn("executed"), BarColumn(), TaskProgressColumn())
    executed = total(order.executed_cash_amount for order in parent.orders)
    whole = parent.cash_amount
    completed = whole_quotient(multiply(executed, Decimal(PARTS)), whole) if whole else PARTS * parent.is_final
    bar.add_task("executed", total=PARTS, completed=completed)
    return bar
