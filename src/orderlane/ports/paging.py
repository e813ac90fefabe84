"""A page of a list: what a reader asks for, and what the store gives back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

RowT = TypeVar("RowT")

SortOrder = Literal["ASC", "DESC"]


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows of a list, and in which order; `sort` is one of the columns that the list offers."""

    offset: int
    limit: int
    sort: str
    order: SortOrder


@dataclass(frozen=True, slots=True)
class Listing(Generic[RowT]):
    """The rows of a page, and how many rows the whole list has."""

    rows: Sequence[RowT]
    total_count: int
