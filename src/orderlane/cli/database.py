"""The database for a command that does one thing and ends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from orderlane.bootstrap import database as databases
from orderlane.cli import logging
from orderlane.cli.options import DataOptions, settings_from
from orderlane.cli.outcome import CommandRefused
from orderlane.ports.operator import Operator
from orderlane.ports.store import Store
from orderlane.settings import Settings
from orderlane.sources import Sources


@asynccontextmanager
async def opened_store(options: DataOptions | None, sources: Sources) -> AsyncIterator[Store]:
    """Units of work on the database, which is made if there is none yet."""
    settings = settings_from(options)
    logging.set_up("warning")
    async with databases.open_database(settings) as database:
        await databases.bring_up_to_date(database, settings, sources)
        async with databases.open_store(database) as store:
            yield store


@asynccontextmanager
async def opened_existing_store(options: DataOptions | None, sources: Sources) -> AsyncIterator[Store]:
    """Units of work on a database that is there.

    Raises:
        CommandRefused: there is none.
    """
    refuse_without_data(settings_from(options))
    async with opened_store(options, sources) as store:
        yield store


@asynccontextmanager
async def opened_operator(options: DataOptions | None, sources: Sources) -> AsyncIterator[Operator]:
    """An operator's view of a database that is there.

    Raises:
        CommandRefused: there is none.
    """
    settings = settings_from(options)
    logging.set_up("warning")
    refuse_without_data(settings)
    async with databases.open_database(settings) as database:
        await databases.bring_up_to_date(database, settings, sources)
        operator = await databases.operator(database)
        try:
            yield operator
        finally:
            await operator.close()


def refuse_without_data(settings: Settings) -> None:
    """Raise CommandRefused when there is no database: a mistyped folder must not become one."""
    if not databases.has_data(settings):
        raise CommandRefused(
            f"there is no Orderlane in {settings.data_dir}: name its folder with --data-dir, or start one with"
            " `orderlane serve`"
        )
