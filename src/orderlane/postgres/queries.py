"""SQL as named queries in `queries/*.sql`: a line `-- name: purpose` begins each."""

import re
from functools import cache
from importlib.resources import files

_BEGINNING = re.compile(r"^-- (?P<name>[a-z0-9_]+): (?P<purpose>.+)$", re.MULTILINE)


@cache
def queries(file: str) -> dict[str, str]:
    """The statements of `queries/{file}.sql` by name, each with its purpose as a leading comment."""
    text = (files("orderlane.postgres") / "queries" / f"{file}.sql").read_text("utf-8")
    beginnings = list(_BEGINNING.finditer(text))
    ends = [one.start() for one in beginnings[1:]] + [len(text)]
    return {
        beginning["name"]: text[beginning.start() : end].strip()
        for beginning, end in zip(beginnings, ends, strict=True)
    }
