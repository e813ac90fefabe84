"""A page of a list: what a reader asks for, and what the store gives back."""

from collections.abc import AsyncGenerator, Iterable
from typing import Generic, Literal, TypeVar

from msgspec import Struct

RowT = TypeVar("RowT")

SortOrder = Literal["ASC", "DESC"]


class Page(Struct, frozen=True):
    """Which rows of a list, and in which order; `sort` is one of the columns that the list offers."""

    offset: int
    limit: int
    sort: str
    order: SortOrder


class Listing(Struct, Generic[RowT], frozen=True):
    """The rows of a page, and how many rows the whole list has.

    `pieces` are read one after the other inside the unit of work, so that never all rows are in memory; a row becomes a
    record only when its piece is iterated, which takes processor time.
    """

    pieces: AsyncGenerator[Iterable[RowT], None]
    total_count: int
