"""The command for the list of instruments."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from orderlane.cli.announcements import console, write_json
from orderlane.cli.database import opened_store
from orderlane.cli.options import AsJson, DataOptions
from orderlane.cli.outcome import CommandRefused, complete
from orderlane.master_data import InstrumentFileRefused, InstrumentLine, check_venues, read_instruments
from orderlane.sources import system_sources

FILE_BYTES_MAX = 64 * 1024 * 1024


def load(
    file: Annotated[
        Path,
        Parameter(
            help="CSV with the columns isin, wkn, name, currency, minimum_amount, fractional, trading_status, price, "
            "and if wanted venue."
        ),
    ],
    /,
    *,
    json: AsJson = False,
    options: DataOptions | None = None,
) -> None:
    """Add what is new and change what is different, all or nothing; instruments that the file does not name stay."""

    async def command() -> None:
        sources = system_sources()
        lines = read(file)
        async with opened_store(options) as store, store.transaction() as repositories:
            refuse_unknown_venues(file, lines, [venue.name for venue in await repositories.instruments.venues()])
            entries = [line.entry for line in lines]
            loaded = await repositories.instruments.load(entries, sources.ids.new_id, sources.business_clock.now())
        if json:
            write_json(loaded)
        else:
            console().print(f"{loaded.added} added, {loaded.changed} changed, {loaded.unchanged} unchanged")

    complete(command())


def read(file: Path) -> list[InstrumentLine]:
    """The instruments of a file.

    Raises:
        CommandRefused: it has mistakes; tells each with its line.
    """
    try:
        if file.stat().st_size > FILE_BYTES_MAX:
            raise CommandRefused(f"{file} is larger than {FILE_BYTES_MAX} bytes: cut it into several files")
        return read_instruments(file.read_bytes())
    except OSError as error:
        raise CommandRefused(f"{file} cannot be read: {error.strerror}") from error
    except InstrumentFileRefused as refusal:
        raise _refusal(file, refusal) from refusal


def refuse_unknown_venues(file: Path, lines: Sequence[InstrumentLine], venues: Sequence[str]) -> None:
    """See to it that every venue exists.

    Raises:
        CommandRefused: one does not; tells its line, and the names that exist.
    """
    try:
        check_venues(lines, venues)
    except InstrumentFileRefused as refusal:
        raise _refusal(file, refusal) from refusal


def _refusal(file: Path, refusal: InstrumentFileRefused) -> CommandRefused:
    return CommandRefused(f"nothing of {file} is loaded:\n{refusal}")
