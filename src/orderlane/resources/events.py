"""An event as the bytes that every receiver gets, frozen when it happens.

`webhook_id` names the subscription, so it is not part of what is frozen: `addressed` puts it in. A segment's events
are joined by newlines, which no JSON holds raw, so they are told apart without parsing.
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.json import Encoder

from orderlane.domain.events import Event, ExecutionSnapshot, OrderSnapshot, PortfolioOrderSnapshot, Subject
from orderlane.domain.ids import EventId, ParentOrderId, SubscriptionId
from orderlane.resources.formats import Uuid, write_time
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
_SEPARATOR = b"\n"


class EventResource(Struct, frozen=True):
    """A webhook event without its `webhook_id`; `object` is the whole resource as it was at the transition.

    `epoch` grows when the database failed over or was restored.
    """

    id: Uuid
    created_at: str
    type: str
    sequence: int | None
    portfolio_order_id: Uuid | None
    epoch: int
    object: EventObject


def freeze(
    events: Sequence[Event],
    ids: Sequence[EventId],
    *,
    created_at: datetime,
    parent_id: ParentOrderId | None,
    epoch: int,
    official_reasons: bool,
) -> bytes:
    """The JSON of a segment's events, one a line; `ids` has one for each.

    `official_reasons`: the client of the events is told reasons in the public API's words.
    """
    written_at = write_time(created_at)
    frames = [
        _encode(
            EventResource(
                event_id,
                written_at,
                event.type,
                event.sequence,
                parent_id,
                epoch,
                _event_object(event.subject, official_reasons),
            )
        )
        for event, event_id in zip(events, ids, strict=True)
    ]
    return _SEPARATOR.join(frames)


def frames_of(payload: bytes) -> list[bytes]:
    """The frozen JSON of each event of a segment."""
    return payload.split(_SEPARATOR)


def addressed(frozen: bytes, webhook_id: SubscriptionId) -> bytes:
    """The JSON of an event for one subscription."""
    return b'%s,"webhook_id":"%s"}' % (frozen[:-1], webhook_id.encode())


def _event_object(subject: Subject, official_reasons: bool) -> EventObject:
    match subject:
        case PortfolioOrderSnapshot(parent):
            return portfolio_order_resource(parent, official_reasons=official_reasons)
        case OrderSnapshot(parent, order):
            return order_resource(parent, order, official_reasons=official_reasons)
        case ExecutionSnapshot(parent, order, execution):
            return execution_resource(parent, order, execution)
        case _:
            raise TypeError(f"no resource for {type(subject).__name__}")
