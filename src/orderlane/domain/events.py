"""An event: a transition that happened, with what it happened to, as it was right then."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from orderlane.domain.order import Execution, Order
from orderlane.domain.portfolio_order import PortfolioOrder


def topic_of(event_type: str) -> str:
    """The webhook topic under which an event of this type is delivered: what stands before the dot."""
    return event_type.partition(".")[0]


@dataclass(frozen=True, slots=True)
class PortfolioOrderSnapshot:
    """A portfolio order and its individual orders at one moment."""

    portfolio_order: PortfolioOrder
    orders: tuple[Order, ...]


Subject = PortfolioOrderSnapshot | Order | Execution


@dataclass(frozen=True, slots=True)
class Event:
    """One transition.

    `sequence` counts the events of its portfolio order in the topics PORTFOLIO_ORDER and ORDER from 1 without a gap, so
    that who subscribes to the two can prove that nothing is missing. An execution's event has none: its topic is
    subscribed to apart, and the events of its individual order carry every execution anyway.
    """

    id: UUID
    type: str
    created_at: datetime
    client_id: UUID
    account_id: UUID
    portfolio_order_id: UUID
    sequence: int | None
    subject: Subject
