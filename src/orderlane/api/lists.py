"""Lists: the parameters that all of them take, and the shape that all of them answer with.

A list's own query struct adds its filters and narrows `sort` to the columns that it offers.
"""

from collections.abc import Callable
from typing import Annotated, Generic, Literal, TypeVar

from msgspec import Meta, Struct

from orderlane.ports.paging import Listing, Page, SortOrder
from orderlane.resources.requests import Received

LIMIT_DEFAULT = 100
LIMIT_MAX = 1000
OFFSET_MAX = 2**31 - 1

RecordT = TypeVar("RecordT")
ResourceT = TypeVar("ResourceT")


class Query(Received, frozen=True, kw_only=True):
    """Query parameters; unknown ones are refused."""


class NoQuery(Query, frozen=True):
    """A call without query parameters."""


class PageQuery(Query, frozen=True, kw_only=True):
    """What every list takes; the list itself says what it can be sorted by."""

    offset: Annotated[int, Meta(ge=0, le=OFFSET_MAX, description="How many entries to leave out.")] = 0
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX, description="How many entries to give at most.")] = LIMIT_DEFAULT
    sort: str = "created_at"
    order: Annotated[SortOrder, Meta(description="Ascending or descending.")] = "ASC"

    @property
    def page(self) -> Page:
        """The page that the parameters ask for."""
        return Page(self.offset, self.limit, self.sort, self.order)


class ListQuery(PageQuery, frozen=True, kw_only=True):
    """What a list takes whose entries have a time of creation."""

    sort: Annotated[Literal["created_at", "updated_at", "id"], Meta(description="What to sort by.")] = "created_at"


class ListMeta(Struct, frozen=True, kw_only=True):
    """Which part of the list this is."""

    offset: int
    limit: int
    count: int
    total_count: int
    sort: Annotated[str, Meta(examples=["created_at"])]
    order: SortOrder


class ResourceList(Struct, Generic[ResourceT], frozen=True):
    """A page of a list."""

    meta: ListMeta
    data: list[ResourceT]


def resource_list(
    page: Page, listing: Listing[RecordT], resource: Callable[[RecordT], ResourceT]
) -> ResourceList[ResourceT]:
    """The answer for a page; `resource` makes the JSON of an entry."""
    data = [resource(row) for row in listing.rows]
    meta = ListMeta(
        offset=page.offset,
        limit=page.limit,
        count=len(data),
        total_count=listing.total_count,
        sort=page.sort,
        order=page.order,
    )
    return ResourceList(meta, data)
