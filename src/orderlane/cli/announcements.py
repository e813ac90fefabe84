"""What a long-running program tells whoever started it: sentences for a person, or JSON lines for a program."""

import sys
from collections.abc import Mapping

import msgspec
from rich.console import Console
from rich.table import Column, Table

ID_CHARACTERS = 36


def console() -> Console:
    """Standard output for a person: in colours on a terminal, plain elsewhere."""
    return Console(highlight=False, soft_wrap=True)


def id_column(heading: str) -> Column:
    """A column of a table whose ids are shown whole, however narrow the terminal: they are there to be copied."""
    return Column(heading, no_wrap=True, min_width=ID_CHARACTERS)


def text_column(heading: str) -> Column:
    """A column of a table whose texts go on in the next line where the terminal is narrow: nothing is cut off."""
    return Column(heading, overflow="fold")


def narrow_table(*columns: Column) -> Table:
    """A table without a frame: what has an id in each row needs the room."""
    return Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0))


class Announcements:
    """Writes to standard output, at once."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._console = console()

    @property
    def reach_a_person(self) -> bool:
        """Whether the standard output is a terminal, and no program's."""
        return not self._as_json and sys.stdout.isatty()

    def tell(self, event: str, text: str, facts: Mapping[str, object] | None = None) -> None:
        """Say one thing: `text` (with rich's markup) to a person, `event` with its `facts` to a program."""
        if self._as_json:
            write_json({"event": event, **(facts or {})})
        else:
            self._console.print(text)


def write_json(value: object) -> None:
    """Write one JSON value as a line of standard output, at once."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()
