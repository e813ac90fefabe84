"""Commands for messages that could not be applied."""

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter
from rich.markup import escape
from rich.table import Table

from orderlane.cli.announcements import console, id_column, narrow_table, text_column, write_json
from orderlane.cli.database import opened_operator
from orderlane.cli.options import AsJson, DataOptions
from orderlane.cli.outcome import complete
from orderlane.ports.operator import Quarantined
from orderlane.resources.formats import write_time


def list_all(*, json: AsJson = False, options: DataOptions | None = None) -> None:
    """List quarantined messages, the oldest first; --json shows the whole error."""

    async def command() -> None:
        async with opened_operator(options, reads_only=True) as operator:
            quarantined = await operator.quarantined()
        if json:
            for message in quarantined:
                write_json(message)
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
    """Put a message, and what was set aside behind it, back into the inbox. If it fails again, it comes back here."""

    async def command() -> None:
        async with opened_operator(options, reads_only=False) as operator:
            await operator.release(message_id)
        console().print(f"message {message_id} is back in the inbox")

    complete(command())


def quarantine_table(quarantined: Sequence[Quarantined]) -> Table:
    """The quarantined messages, and how many wait behind each."""
    table = narrow_table(text_column("message"), id_column("account (held)"), text_column("kind, since, error"))
    for message in quarantined:
        last_line = message.error.strip().splitlines()[-1]
        facts = [message.kind, write_time(message.quarantined_at), escape(last_line)]
        if message.set_aside:
            facts.append(f"{message.set_aside} more set aside behind it")
        table.add_row(str(message.id), message.subject_id, "\n".join(facts))
    return table
