"""Rows as records: a column has the name of its field, so that a new field is named once, in its record."""

from functools import cache
from typing import Any, Protocol, TypeVar
from uuid import UUID

from msgspec import Struct, convert

RecordT = TypeVar("RecordT", bound=Struct)


class Row(Protocol):
    """A row by the names of its columns."""

    def __getitem__(self, column: str, /) -> Any:
        """The value of a column."""
        ...


def record_from(row: Row, kind: type[RecordT], **others: Any) -> RecordT:
    """A row as a record of its kind: ids become text, choices their enum; `others` are fields without a column."""
    values = {name: _plain(row[name]) for name in _names(kind) if name not in others}
    return convert({**values, **others}, kind)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


@cache
def _names(kind: type[Struct]) -> tuple[str, ...]:
    return kind.__struct_fields__
