"""`venue_outbox`: what a venue is to be told of the individual orders of a parent order."""

from typing import Any, Final

from msgspec.json import Decoder, Encoder

from orderlane.domain.ids import leg_of
from orderlane.ports.lanes import Sends
from orderlane.ports.venue import VenueOrder
from orderlane.ports.venue_outbox import OutboxKind, OutboxRow
from orderlane.postgres.tables.records import Row

OUTBOX_COLUMNS: Final = ("lane", "venue_number", "parent_id", "wave", "kind", "account_id", "legs", "orders")

_encode = Encoder().encode
_decode_orders = Decoder(tuple[VenueOrder, ...]).decode


def outbox_row(sends: Sends) -> tuple[Any, ...]:
    """The row of the orders that one wave sends to one venue."""
    return (
        sends.lane,
        sends.venue_number,
        sends.parent_id,
        sends.wave,
        OutboxKind.SEND,
        sends.account_id,
        [leg_of(order.order_id) for order in sends.orders],
        _encode(sends.orders),
    )


def outbox_row_from(row: Row) -> OutboxRow:
    """What a row tells a venue: the orders that it has not answered for."""
    legs, orders = set(row["legs"]), _decode_orders(row["orders"])
    unanswered = tuple(order for order in orders if leg_of(order.order_id) in legs)
    return OutboxRow(lane=row["lane"], kind=OutboxKind(row["kind"]), orders=unanswered)
