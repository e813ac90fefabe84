"""What a query is asked with, and how much of the large tables it may read."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

ROWS_MAX = 1_000
"""How many rows of large tables a statement reads at most, unless its case says why it reads more."""

PAGES_PER_ROW = 10
"""How many pages of 8 kB a statement touches at most for each of these rows: an index is not walked from end to end."""

PAGE = 100
LANES = list(range(64))
DAY = datetime(2026, 6, 20, tzinfo=UTC), datetime(2026, 6, 21, tzinfo=UTC)
MONTH = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
COUNTED = "A page tells how many rows the whole list has."


class Sample(dict[str, Any]):
    """One account and what belongs to it, by name."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


Parameters = Callable[[Sample], list[Any]]


@dataclass(frozen=True, slots=True)
class Case:
    """A query with its parameters, and `what` is special about them.

    `rows_max` is how many rows it may read of large tables, None for any number, and `page_max` how many of them below
    a LIMIT; a `reason` says why a limit is another one.
    """

    query: str
    parameters: Parameters
    what: str = ""
    order: str = "created_at DESC, id DESC"
    rows_max: int | None = ROWS_MAX
    page_max: int | None = ROWS_MAX
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.query} {self.what}".strip()


def case(query: str, *parameters: Any, **others: Any) -> Case:
    """A case whose parameters are values, of which a text may name one of the sample."""
    return Case(query, lambda sample: values(sample, parameters), **others)


def of_client(query: str, *filters: Any, **others: Any) -> Case:
    """A page of a list by an index that begins with the client: the whole list is counted, the page alone is read."""
    return case(query, "client_id", PAGE, 0, *filters, **({"rows_max": None, "reason": COUNTED} | others))


def of_account(query: str, *filters: Any, **others: Any) -> Case:
    """A page of a list of one account, which is short."""
    return case(query, "client_id", PAGE, 0, *filters, **others)


def values(sample: Sample, parameters: tuple[Any, ...]) -> list[Any]:
    """The parameters as values: names of the sample, also in arrays, are replaced by what it has."""
    return [
        values(sample, tuple(parameter))
        if isinstance(parameter, list)
        else sample.get(parameter, parameter)
        if isinstance(parameter, str)
        else parameter
        for parameter in parameters
    ]
