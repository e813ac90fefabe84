"""Lists: the parameters that all of them take, and the shape that all of them answer with.

A list's own query struct adds its filters and narrows `sort` to the columns that it offers.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from msgspec import Meta, Raw, Struct

from orderlane.api.answers import encode_json
from orderlane.api.slices import Slices
from orderlane.ports.paging import Listing, Page, SortOrder
from orderlane.resources.requests import Received

LIMIT_DEFAULT = 100
LIMIT_MAX = 1000
OFFSET_MAX = 2**31 - 1
ENTRIES_BYTES_MAX: Final = 4 * 1024 * 1024
"""How many bytes of entries an answer has at most, unless its first entry alone has more."""

_LIMIT = (
    "How many entries to give at most. An answer ends earlier when its entries reach 4 MiB, with one entry at least: "
    "`meta.count` says how many there are, and the next page begins at `offset` + `count`."
)
_COUNT = "How many entries `data` has."
RecordT = TypeVar("RecordT")
ResourceT = TypeVar("ResourceT")


class Query(Received, frozen=True, kw_only=True):
    """Query parameters; unknown ones are refused."""


class NoQuery(Query, frozen=True):
    """A call without query parameters."""


class PageQuery(Query, frozen=True, kw_only=True):
    """What every list takes; the list itself says what it can be sorted by."""

    offset: Annotated[int, Meta(ge=0, le=OFFSET_MAX, description="How many entries to leave out.")] = 0
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX, description=_LIMIT)] = LIMIT_DEFAULT
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
    count: Annotated[int, Meta(description=_COUNT)]
    total_count: int
    sort: Annotated[str, Meta(examples=["created_at"])]
    order: SortOrder


class ResourceList(Struct, Generic[ResourceT], frozen=True):
    """A page of a list."""

    meta: ListMeta
    data: list[ResourceT]


class _Entries:
    """The entries of an answer as JSON, until they have `ENTRIES_BYTES_MAX` bytes."""

    def __init__(self) -> None:
        self.encoded: list[Raw] = []
        self.is_full = False
        self._bytes = 0

    def take(self, rows: Iterable[RecordT], resource: Callable[[RecordT], ResourceT]) -> Iterator[None]:
        """Encode one row after the other while there is room, a step each."""
        for row in rows:
            entry = encode_json(resource(row))
            self._bytes += len(entry)
            if self.encoded and self._bytes > ENTRIES_BYTES_MAX:
                self.is_full = True
                return
            self.encoded.append(Raw(entry))
            yield


async def resource_list(
    slices: Slices, page: Page, listing: Listing[RecordT], resource: Callable[[RecordT], ResourceT]
) -> ResourceList[Any]:
    """The answer for a page; `resource` makes the JSON of an entry. Its entries are encoded already."""
    entries = _Entries()
    async with aclosing(listing.pieces) as pieces:
        async for piece in pieces:
            await slices.work_through(entries.take(piece, resource))
            if entries.is_full:
                break
    meta = ListMeta(
        offset=page.offset,
        limit=page.limit,
        count=len(entries.encoded),
        total_count=listing.total_count,
        sort=page.sort,
        order=page.order,
    )
    return ResourceList(meta, entries.encoded)
