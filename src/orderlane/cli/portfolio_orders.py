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
from orderlane.cli.database import opened_operations
from orderlane.cli.options import AsJson, DataOptions
from orderlane.cli.outcome import complete
from orderlane.domain.portfolio_order import PortfolioOrderStatus
from orderlane.ports.operations import PortfolioOrderStory
from orderlane.resources.orders import OrderResource
from orderlane.sources import system_sources

POLL_SECONDS = 1.0
PARTS = 1000
OPEN = (PortfolioOrderStatus.NEW, PortfolioOrderStatus.PROCESSING)
PortfolioOrderId = Annotated[UUID, Parameter(help="The portfolio order's id.")]


def show(portfolio_order_id: PortfolioOrderId, /, *, json: AsJson = False, options: DataOptions | None = None) -> None:
    """Show a portfolio order with its individual orders as they are now."""

    async def command() -> None:
        async with opened_operations(options, system_sources()) as operations:
            story = await operations.portfolio_order(portfolio_order_id)
        if json:
            write_json({"portfolio_order": story.portfolio_order, "orders": story.orders, "sequence": story.sequence})
        else:
            console().print(picture(story))

    complete(command())


def watch(portfolio_order_id: PortfolioOrderId, /, *, options: DataOptions | None = None) -> None:
    """Follow a portfolio order live until nothing of it can trade any more."""

    async def command() -> None:
        async with opened_operations(options, system_sources()) as operations:
            story = await operations.portfolio_order(portfolio_order_id)
            with Live(picture(story, with_ids=False), console=console(), refresh_per_second=20) as live:
                while story.portfolio_order.status in OPEN:
                    await operations.wait_for_event(POLL_SECONDS)
                    story = await operations.portfolio_order(portfolio_order_id)
                    live.update(picture(story, with_ids=False))

    complete(command())


def picture(story: PortfolioOrderStory, *, with_ids: bool = True) -> RenderableType:
    """A portfolio order for a person, whole on a terminal of 80 columns; `with_ids`: of its individual orders, too."""
    one = story.portfolio_order
    heading = f"[bold]{one.type} {one.cash_amount} {one.currency}[/]  {one.status}  {one.id}"
    cancelled = f"{one.cancellation_reason}: {one.cancellation_details}" if one.cancellation_reason else ""
    facts: list[RenderableType] = [
        f"account {one.account_id}",
        f"{story.sequence} events   executed {one.executed_cash_amount}   remaining {one.remaining_cash_amount}",
        *([Text(cancelled, no_wrap=False, overflow="fold")] if cancelled else []),
    ]
    table = Table(*(text_column(name) for name in ("instrument", "side", "amount", "executed", "units", "status")))
    for order in story.orders:
        table.add_row(*_row(order))
    ids = [f"{order.id}  {order.instrument_id}" for order in story.orders] if with_ids else []
    return Group(heading, *facts, progress(story), table, *ids)


def _row(order: OrderResource) -> tuple[str, ...]:
    executed = sum((Decimal(one.cash_amount) for one in order.executions), Decimal(0))
    units = sum((Decimal(one.share_quantity) for one in order.executions), Decimal(0))
    amount = order.cash_amount if order.cash_amount != "0" else f"{order.quantity} units"
    return (order.instrument_id, order.side, amount, str(executed), str(units), order.status)


def progress(story: PortfolioOrderStory) -> Progress:
    """How much of the amount is executed."""
    bar = Progress(TextColumn("executed"), BarColumn(), TaskProgressColumn())
    one = story.portfolio_order
    part = Decimal(one.executed_cash_amount) / Decimal(one.cash_amount)
    bar.add_task("executed", total=PARTS, completed=int(part * PARTS))
    return bar
