"""`parent_orders`: each with its individual orders as one document, and what filters and timers need of it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Raw, structs
from msgspec.json import Decoder, Encoder

from orderlane.domain.ids import lane_of
from orderlane.domain.listed_order import ListedOrder, ListedPortfolioOrder
from orderlane.domain.order import Order, OrderStatus
from orderlane.domain.parent_order import ParentOrder, settles_on
from orderlane.postgres.tables.records import Row, record_from

_encode = Encoder().encode
_decode_legs = Decoder(tuple[Order, ...]).decode
_decode_leg = Decoder(Order).decode
_decode_listed = Decoder(tuple[ListedOrder, ...]).decode
_split_legs = Decoder(list[Raw]).decode


def parent_from(row: Row) -> ParentOrder:
    """A parent order from its row."""
    return record_from(row, ParentOrder, orders=_decode_legs(row["legs"]))


def listed_from(row: Row) -> ListedPortfolioOrder:
    """A portfolio order as a list shows it, from its row: most of its document is passed over."""
    return ListedPortfolioOrder(parent=_without_orders(row), orders=_decode_listed(row["legs"]))


def some_orders_from(row: Row, first: int, end: int, *, backwards: bool) -> Iterator[tuple[ParentOrder, Order]]:
    """Individual orders from the row of their parent, which comes without them: those from `first` up to `end`.

    They are counted from 0, from the last one on if `backwards`. Each is decoded when its turn comes.
    """
    parent = _without_orders(row)
    legs = _split_legs(row["legs"])
    for leg in (legs[::-1] if backwards else legs)[first:end]:
        yield parent, _decode_leg(leg)


def order_from(row: Row) -> tuple[ParentOrder, Order]:
    """An individual order from its own document in the row of its parent, which comes without its orders."""
    return _without_orders(row), _decode_leg(row["document"])


def _without_orders(row: Row) -> ParentOrder:
    return record_from(row, ParentOrder, orders=())


def new_rows(parents: Sequence[ParentOrder], lane_count: int) -> str:
    """Whole rows of parent orders that have no individual orders yet, as the JSON of json_populate_recordset."""
    return _encode([_new_row(parent, lane_count) for parent in parents]).decode()


def _new_row(parent: ParentOrder, lane_count: int) -> dict[str, Any]:
    row = structs.asdict(parent)
    del row["orders"]
    row |= {"lane": lane_of(parent.id, lane_count), "legs": "[]", "settles_on": None}
    return row | {f"legs_{status.lower()}": 0 for status in OrderStatus}


def changed_arrays(parents: Iterable[ParentOrder], lane_count: int) -> list[tuple[Any, ...]]:
    """The columns of `change_parent_orders`."""
    return list(zip(*(_changed_row(parent, lane_count) for parent in parents), strict=True))


def _changed_row(parent: ParentOrder, lane_count: int) -> tuple[Any, ...]:
    counts = Counter(order.status for order in parent.orders)
    return (
        lane_of(parent.id, lane_count),
        parent.id,
        parent.status,
        parent.cancellation_reason,
        parent.cancellation_details,
        parent.wave,
        parent.is_last_wave,
        parent.sequence,
        *(counts[status] for status in OrderStatus),
        settles_on(parent.orders),
        _encode(parent.orders),
        parent.updated_at,
    )
