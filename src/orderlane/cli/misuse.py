"""What somebody is told who calls a command with wrong words: one sentence, as for every other refusal."""

from typing import Final
from uuid import UUID

from cyclopts import CoercionError, CycloptsError
from rich.console import Console, Group
from rich.text import Text

_MUST_BE: Final[dict[type, str]] = {
    UUID: "an id such as 01a2042a-b8d4-70b8-9339-a578848f6288",
    int: "a whole number",
}
_LISTING = " Available commands:"


def error_console() -> Console:
    """The console of errors: it neither wraps nor cuts a line."""
    return Console(stderr=True, soft_wrap=True, highlight=False)


def sentence(error: CycloptsError) -> Group:
    """The sentence, in one line however narrow the terminal is: it may be searched for."""
    return Group(Text(f"orderlane: {_reason(error)}", no_wrap=True, overflow="ignore"))


def _reason(error: CycloptsError) -> str:
    if isinstance(error, CoercionError) and error.token is not None and error.target_type in _MUST_BE:
        name = error.token.keyword or (error.argument.name if error.argument is not None else "the value")
        return f"{name} is {error.token.value!r}, but must be {_MUST_BE[error.target_type]}"
    reason, listing, _ = str(error).strip().partition(_LISTING)
    return f"{reason} See `orderlane --help`." if listing else reason
