"""Commands for messages that could not be applied."""

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter
from rich.markup import escape
from rich.table import Table

from orderlane.cli.announcements import console, id_column, narrow_table, text_column, write_json
from orderlane.cli.database import opened_operations
from orderlane.cli.options import AsJson, DataOptions
from orderlane.cli.outcome import complete
from orderlane.ports.operations import Quarantined
from orderlane.resources.formats import write_time
from orderlane.sources import system_sources


def list_all(*, json: AsJson = False, options: DataOptions | None = None) -> None:
    """List what waits for a person, the oldest first; --json tells the whole error."""

    async def command() -> None:
        async with opened_operations(options, system_sources()) as operations:
            quarantined = await operations.quarantined()
        if json:
            for one in quarantined:
                write_json(one)
        elif quarantined:
            console().print(quarantine_table(quarantined))
        else:
            console().print("nothing is in quarantine")

    complete(command())


def release(
    message_id: Annotated[int, Parameter(help="The message's id, as `quarantine list` shows it.")],
    /,
    *,
    options: DataOptions | None = None,
) -> None:
    """Put a message back to where it came from. If it can't be applied again, it comes back here."""

    async def command() -> None:
        async with opened_operations(options, system_sources()) as operations:
            await operations.release(message_id)
        console().print(f"message {message_id} is back in the inbox")

    complete(command())


def quarantine_table(quarantined: Sequence[Quarantined]) -> Table:
    """What waits for a person."""
    table = narrow_table(
        text_column("message"), id_column("account (held)"), *(text_column(one) for one in ("kind", "since", "error"))
    )
    for one in quarantined:
        last_line = one.error.strip().splitlines()[-1]
        table.add_row(str(one.id), str(one.account_id), one.kind, write_time(one.quarantined_at), escape(last_line))
    return table
