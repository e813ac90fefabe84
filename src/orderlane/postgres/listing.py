"""Pages of lists: the order in SQL from a white list, the rows read in pieces, with the count of all of them."""

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import asyncpg
from asyncpg.cursor import Cursor

from orderlane.ports.paging import Listing, Page
from orderlane.postgres.connection import Connection

RowT = TypeVar("RowT")

BY_TIME: Final[Mapping[str, str]] = {"id": "id", "created_at": "created_at", "updated_at": "updated_at"}
"""By what lists may be sorted whose entries have a time of creation."""
ROWS_AT_ONCE: Final = 50
"""How many rows are in memory at once, unless a list says otherwise; each may have some kilobytes."""


async def fetch_page(
    connection: Connection,
    query: str,
    page: Page,
    columns: Mapping[str, str],
    record: Callable[[asyncpg.Record], RowT],
    client_id: object,
    *filters: Any,
    rows_at_once: int = ROWS_AT_ONCE,
) -> Listing[RowT]:
    """Run a list query: `$1` is the client, `$2` the limit, `$3` the offset, `$4` and on the filters.

    The query holds `{order}` where its order goes, and gives at least one row, with `total_count`; `id` is null in it
    when the page is empty. `columns` maps the names that a client may sort by to columns; ties go by id. The connection
    must be in a transaction.
    """
    order = f"{columns[page.sort]} {page.order}, id {page.order}"
    arguments = (client_id, page.limit, page.offset, *filters)
    cursor = await connection.cursor(query.replace("{order}", order), *arguments)
    rows = await cursor.fetch(rows_at_once)
    return Listing(in_pieces(cursor, rows, rows_at_once, lambda row: (record(row),)), rows[0]["total_count"])


async def in_pieces(
    cursor: Cursor,
    rows: Sequence[asyncpg.Record],
    rows_at_once: int,
    entries: Callable[[asyncpg.Record], Iterable[RowT]],
) -> AsyncGenerator[Iterable[RowT], None]:
    """The entries of all rows of a cursor, of which the first are read already; a row without `id` has none."""
    while rows:
        yield (entry for row in rows if row["id"] is not None for entry in entries(row))
        rows = await cursor.fetch(rows_at_once) if len(rows) == rows_at_once else ()
