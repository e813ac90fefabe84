"""Commands to look at events as they were frozen."""

import sys
from typing import Annotated
from uuid import UUID

from cyclopts import Parameter

from orderlane.cli.database import opened_operator
from orderlane.cli.options import DataOptions
from orderlane.cli.outcome import complete
from orderlane.domain.ids import ParentOrderId


def show(
    portfolio_order_id: Annotated[UUID, Parameter(help="The portfolio order's id.")],
    /,
    *,
    options: DataOptions | None = None,
) -> None:
    """Show every event of a portfolio order, one JSON object a line, byte for byte as it was frozen."""

    async def command() -> None:
        async with opened_operator(options, reads_only=True) as operator:
            for frame in await operator.events(ParentOrderId(str(portfolio_order_id))):
                sys.stdout.write(f"{frame.decode()}\n")

    complete(command())
