"""The database for a command that does one thing and ends: it must be there, and up to date."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from orderlane.bootstrap import database as databases
from orderlane.bootstrap.schema import open_up_to_date
from orderlane.cli import logging
from orderlane.cli.options import DataOptions, settings_from
from orderlane.ports.operator import Operator
from orderlane.ports.store import Store


@asynccontextmanager
async def opened_store(options: DataOptions | None, *, reads_only: bool = False) -> AsyncIterator[Store]:
    """Units of work; with `reads_only`, the server refuses every write.

    Raises:
        DatabaseRefused: there is no database, or its schema is not up to date.
    """
    logging.set_up("warning")
    async with (
        open_up_to_date(settings_from(options)) as database,
        databases.open_store(database, reads_only=reads_only) as store,
    ):
        yield store


@asynccontextmanager
async def opened_operator(options: DataOptions | None, *, reads_only: bool) -> AsyncIterator[Operator]:
    """An operator's view; with `reads_only`, the server refuses every write.

    Raises:
        DatabaseRefused: there is no database, or its schema is not up to date.
    """
    logging.set_up("warning")
    async with (
        open_up_to_date(settings_from(options)) as database,
        databases.open_operator(database, reads_only=reads_only) as operator,
    ):
        yield operator
