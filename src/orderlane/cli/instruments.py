"""The command for the list of instruments."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from orderlane.cli.announcements import console, write_json
from orderlane.cli.database import opened_store
from orderlane.cli.options import AsJson, DataOptions
from orderlane.cli.outcome import CommandRefused, complete
from orderlane.master_data.instruments import InstrumentFileRefused, read_instruments
from orderlane.ports.instruments import ListedInstrument
from orderlane.sources import system_sources

FILE_BYTES_MAX = 64 * 1024 * 1024


def load(
    file: Annotated[
        Path,
        Parameter(
            help="CSV with the columns isin, wkn, name, currency, minimum_amount, fractional, trading_status, price."
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
        listed = read(file)
        async with opened_store(options, sources) as store, store.transaction() as repositories:
            loaded = await repositories.instruments.load(listed, sources.ids.new_id, sources.clock.now())
        if json:
            write_json(loaded)
        else:
            console().print(f"{loaded.added} added, {loaded.changed} changed, {loaded.unchanged} unchanged")

    complete(command())


def read(file: Path) -> list[ListedInstrument]:
    """The instruments of a file. Raises CommandRefused, which tells every mistake with its line."""
    try:
        if file.stat().st_size > FILE_BYTES_MAX:
            raise CommandRefused(f"{file} is larger than {FILE_BYTES_MAX} bytes: cut it into several files")
        return read_instruments(file.read_bytes())
    except OSError as error:
        raise CommandRefused(f"{file} can't be read: {error.strerror}") from error
    except InstrumentFileRefused as refusal:
        raise CommandRefused(f"nothing of {file} is loaded:\n{refusal}") from refusal
