"""An event as the bytes that every receiver gets, frozen when it happens.

`webhook_id` names the subscription, so it is not part of what is frozen: `addressed` puts it in.
"""

from uuid import UUID

from msgspec import Struct
from msgspec.json import Encoder

from orderlane.domain.events import Event, PortfolioOrderSnapshot
from orderlane.domain.order import Execution, Order
from orderlane.resources.formats import write_time
from orderlane.resources.orders import (
    ExecutionResource,
    OrderResource,
    PortfolioOrderResource,
    execution_resource,
    order_resource,
    portfolio_order_resource,
)

EventObject = PortfolioOrderResource | OrderResource | ExecutionResource

_encode = Encoder().encode


class EventResource(Struct, frozen=True):
    """A webhook event without its `webhook_id`; `object` is the whole resource as it was at the transition."""

    id: UUID
    created_at: str
    type: str
    sequence: int | None
    portfolio_order_id: UUID
    object: EventObject


def freeze(event: Event) -> bytes:
    """The JSON of an event."""
    return _encode(
        EventResource(
            event.id,
            write_time(event.created_at),
            event.type,
            event.sequence,
            event.portfolio_order_id,
            _event_object(event),
        )
    )


def addressed(frozen: bytes, webhook_id: UUID) -> bytes:
    """The JSON of an event for one subscription."""
    return b'%s,"webhook_id":"%s"}' % (frozen[:-1], str(webhook_id).encode())


def _event_object(event: Event) -> EventObject:
    match event.subject:
        case PortfolioOrderSnapshot(portfolio_order, orders):
            return portfolio_order_resource(portfolio_order, orders)
        case Order() as order:
            return order_resource(order)
        case Execution() as execution:
            return execution_resource(execution)
        case _:
            raise TypeError(f"no resource for {type(event.subject).__name__}")
