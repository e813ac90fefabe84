"""The command that brings a database up to date."""

from orderlane.bootstrap import database as databases
from orderlane.cli import logging
from orderlane.cli.announcements import console, write_json
from orderlane.cli.options import AsJson, DataOptions, settings_from
from orderlane.cli.outcome import complete
from orderlane.sources import system_sources


def migrate(*, json: AsJson = False, options: DataOptions | None = None) -> None:
    """Apply the migrations that are missing. Every long-running program does that too when it starts."""

    async def command() -> None:
        settings = settings_from(options)
        logging.set_up("warning")
        async with databases.open_database(settings, owns=True) as database:
            applied = await databases.bring_up_to_date(database, settings, system_sources())
        if json:
            write_json({"applied": applied})
        else:
            console().print(f"applied {', '.join(applied)}" if applied else "the database is up to date")

    complete(command())
