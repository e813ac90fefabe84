"""An event: a transition that happened, with what it happened to, as it was right then."""

from msgspec import Struct

from orderlane.domain.ids import OrderId
from orderlane.domain.order import Execution, Order
from orderlane.domain.parent_order import ParentOrder


def topic_of(event_type: str) -> str:
    """The webhook topic under which an event of this type is delivered: what stands before the dot."""
    return event_type.partition(".")[0]


class PortfolioOrderSnapshot(Struct, frozen=True):
    """A portfolio order at one moment, with its individual orders as they were then."""

    parent: ParentOrder


class OrderSnapshot(Struct, frozen=True):
    """An individual order at one moment; what it has from its parent never changes."""

    parent: ParentOrder
    order: Order


class ExecutionSnapshot(Struct, frozen=True):
    """An execution at one moment, with the individual order that it belongs to."""

    parent: ParentOrder
    order: Order
    execution: Execution


Subject = PortfolioOrderSnapshot | OrderSnapshot | ExecutionSnapshot


class Event(Struct, frozen=True):
    """One transition.

    `sequence` counts the events of its parent order in the topics PORTFOLIO_ORDER and ORDER from 1 without a gap, so
    that who subscribes to the two can prove that nothing is missing. An execution's event has none: its topic is
    subscribed to apart, and the events of its individual order carry every execution anyway.
    """

    type: str
    sequence: int | None
    subject: Subject

    @property
    def order_id(self) -> OrderId | None:
        """The individual order that it is about, None when it is about the parent order as a whole."""
        return None if isinstance(self.subject, PortfolioOrderSnapshot) else self.subject.order.id
