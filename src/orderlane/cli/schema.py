"""The command that brings a database up to date, or says what it lacks."""

from typing import Annotated

from cyclopts import Parameter

from orderlane.bootstrap.database import open_existing
from orderlane.bootstrap.schema import names_due, open_migrated
from orderlane.cli import logging
from orderlane.cli.announcements import console, write_json
from orderlane.cli.options import AsJson, DataOptions, settings_from
from orderlane.cli.outcome import FAILED, complete
from orderlane.settings import Settings
from orderlane.sources import system_sources

UP_TO_DATE = "the database is up to date"


def migrate(
    *,
    check: Annotated[
        bool, Parameter(help="Change nothing: list what is due, exit code 1 if something is.", negative="")
    ] = False,
    json: AsJson = False,
    options: DataOptions | None = None,
) -> None:
    """Apply the migrations that are due, in a new database all of them. Every long-running program does so, too."""

    async def command() -> int:
        settings = settings_from(options)
        logging.set_up("warning")
        return await _check(settings, as_json=json) if check else await _apply(settings, as_json=json)

    complete(command())


async def _apply(settings: Settings, *, as_json: bool) -> int:
    async with open_migrated(settings, system_sources()) as (_, applied):
        if as_json:
            write_json({"applied": applied})
        else:
            console().print(f"applied {', '.join(applied)}" if applied else UP_TO_DATE)
    return 0


async def _check(settings: Settings, *, as_json: bool) -> int:
    async with open_existing(settings) as database:
        due = await names_due(database)
    if as_json:
        write_json({"due": due})
    else:
        console().print("\n".join(f"due: {name}" for name in due) or UP_TO_DATE)
    return FAILED if due else 0
