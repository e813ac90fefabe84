"""Pages of lists: the order in SQL from a white list, and the rows with the count of all of them."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import asyncpg

from orderlane.ports.paging import Listing, Page
from orderlane.postgres.connection import Connection

RowT = TypeVar("RowT")

BY_TIME: Final[Mapping[str, str]] = {"id": "id", "created_at": "created_at", "updated_at": "updated_at"}
"""By what lists may be sorted whose entries have a time of creation."""


async def fetch_page(
    connection: Connection,
    query: str,
    page: Page,
    columns: Mapping[str, str],
    record: Callable[[asyncpg.Record], RowT],
    client_id: object,
    *filters: Any,
) -> Listing[RowT]:
    """Run a list query: `$1` is the client, `$2` the limit, `$3` the offset, `$4` and on the filters.

    The query holds `{order}` where its order goes, and gives at least one row, with `total_count`; `id` is null in it
    when the page is empty. `columns` maps the names that a client may sort by to columns; ties go by id.
    """
    order = f"{columns[page.sort]} {page.order}, id {page.order}"
    rows = await connection.fetch(query.replace("{order}", order), client_id, page.limit, page.offset, *filters)
    return Listing([record(row) for row in rows if row["id"] is not None], rows[0]["total_count"])
