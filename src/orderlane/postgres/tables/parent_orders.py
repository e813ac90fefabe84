"""`parent_orders`: each with its individual orders as one document, and what filters and timers need of it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import structs
from msgspec.json import Decoder, Encoder

from orderlane.domain.ids import lane_of
from orderlane.domain.order import Order, OrderStatus
from orderlane.domain.parent_order import ParentOrder, settles_on
from orderlane.postgres.tables.records import Row, record_from

_encode = Encoder().encode
_decode_legs = Decoder(tuple[Order, ...]).decode


def parent_from(row: Row) -> ParentOrder:
    """A parent order from its row."""
    return record_from(row, ParentOrder, orders=_decode_legs(row["legs"]))


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
