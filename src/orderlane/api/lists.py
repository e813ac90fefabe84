"""Lists: the parameters that all of them take, and the shape that all of them answer with.

A list's own query struct adds its filters and narrows `sort` to the columns that it offers.
"""

from typing import Annotated, Generic, Literal, TypeVar

from msgspec import Meta, Struct

from orderlane.ports.paging import Listing, Page, SortOrder

LIMIT_DEFAULT = 100
LIMIT_MAX = 1000
OFFSET_MAX = 2**31 - 1

ResourceT = TypeVar("ResourceT")


class Query(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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


class ListMeta(Struct, frozen=True):
    """Which part of the list this is."""

    offset: int
    limit: int
    count: int
    total_count: int
    sort: str
    order: SortOrder


class ResourceList(Struct, Generic[ResourceT], frozen=True):
    """A page of a list."""

    meta: ListMeta
    data: list[ResourceT]


def resource_list(page: Page, listing: Listing[ResourceT]) -> ResourceList[ResourceT]:
    """The answer for a page."""
    rows = list(listing.rows)
    meta = ListMeta(page.offset, page.limit, len(rows), listing.total_count, page.sort, page.order)
    return ResourceList(meta, rows)
