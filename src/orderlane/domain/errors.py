"""What the domain refuses, as small types that hold the data of the refusal."""

from collections.abc import Sequence
from decimal import Decimal

from orderlane.domain.ids import AccountId, OrderId, ParentOrderId


class DomainError(Exception):
    """A rule of the domain refuses this."""

    def __str__(self) -> str:
        return type(self).__doc__ or type(self).__name__


class TransitionRefused(DomainError):
    """The state machine has no such transition."""

    def __init__(self, machine: str, source: str | None, target: str) -> None:
        super().__init__(machine, source, target)
        self.machine, self.source, self.target = machine, source, target

    def __str__(self) -> str:
        return f"{self.machine} has no transition from {self.source or 'nothing'} to {self.target}"


class UnknownOrder(DomainError):
    """A venue reported on an order that the account does not have."""

    def __init__(self, order_id: OrderId, account_id: AccountId) -> None:
        super().__init__(order_id, account_id)
        self.order_id, self.account_id = order_id, account_id

    def __str__(self) -> str:
        return f"account {self.account_id} has no individual order {self.order_id}"


class UnknownParentOrder(DomainError):
    """A message names a parent order that the account does not have."""

    def __init__(self, parent_id: ParentOrderId, account_id: AccountId) -> None:
        super().__init__(parent_id, account_id)
        self.parent_id, self.account_id = parent_id, account_id

    def __str__(self) -> str:
        return f"account {self.account_id} has no parent order {self.parent_id}"


class HoldingOverdrawn(DomainError):
    """A journal entry would leave less than nothing of an asset."""

    def __init__(self, account_id: AccountId, asset: str, quantity: Decimal, locked: Decimal, pending: Decimal) -> None:
        super().__init__(account_id, asset, quantity, locked, pending)
        self.account_id, self.asset = account_id, asset
        self.quantity, self.locked, self.pending = quantity, locked, pending

    def __str__(self) -> str:
        return (
            f"account {self.account_id} would hold {self.quantity} {self.asset} "
            f"with {self.locked} locked and {self.pending} pending settlement"
        )


class OverExecuted(DomainError):
    """The venue executed more than was ordered."""

    def __init__(self, order_id: OrderId, ordered: Decimal, executed: Decimal) -> None:
        super().__init__(order_id, ordered, executed)
        self.order_id, self.ordered, self.executed = order_id, ordered, executed

    def __str__(self) -> str:
        return f"individual order {self.order_id} allows {self.ordered}, the venue executed {self.executed}"


class ExecutionConflict(DomainError):
    """The venue reused an execution id for different figures."""

    def __init__(self, order_id: OrderId, venue_execution_id: str) -> None:
        super().__init__(order_id, venue_execution_id)
        self.order_id, self.venue_execution_id = order_id, venue_execution_id

    def __str__(self) -> str:
        return (
            f"execution {self.venue_execution_id} of individual order {self.order_id} "
            "came a second time with other figures"
        )


class ExecutionImpossible(DomainError):
    """The venue reported a figure that no order or execution has; `place` is where, `bound` what would be right."""

    def __init__(self, order_id: OrderId, place: str, field: str, value: Decimal, bound: str) -> None:
        super().__init__(order_id, place, field, value, bound)
        self.order_id, self.place, self.field, self.value, self.bound = order_id, place, field, value, bound

    def __str__(self) -> str:
        return f"{self.field} {self.value} in {self.place} of individual order {self.order_id} must be {self.bound}"


class WaveRefused(DomainError):
    """A parent order takes no further wave of individual orders."""

    def __init__(self, parent_id: ParentOrderId, waves: int, legs: int) -> None:
        super().__init__(parent_id, waves, legs)
        self.parent_id, self.waves, self.legs = parent_id, waves, legs

    def __str__(self) -> str:
        return f"parent order {self.parent_id} takes no wave of {self.legs} individual orders after {self.waves} waves"


class TooManyLegs(DomainError):
    """A parent order would have more legs than the ids of its individual orders can name."""

    def __init__(self, parent_id: ParentOrderId, legs: int) -> None:
        super().__init__(parent_id, legs)
        self.parent_id, self.legs = parent_id, legs

    def __str__(self) -> str:
        return f"parent order {self.parent_id} would have {self.legs} individual orders"


class WeightsRefused(DomainError):
    """The weights of an allocation break a rule; `index` is the offending entry, None for the whole list."""

    def __init__(self, message: str, index: int | None = None) -> None:
        super().__init__(message, index)
        self.message, self.index = message, index

    def __str__(self) -> str:
        return self.message


class FieldRefused(DomainError):
    """What a client asks for cannot be: names the field of the request, and what would be right."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(field, message)
        self.field, self.message = field, message

    def __str__(self) -> str:
        return f"{self.field} {self.message}"


class FieldsRefused(DomainError):
    """Several fields of one request are refused, each as if it stood alone."""

    def __init__(self, refusals: Sequence[FieldRefused | WeightsRefused]) -> None:
        super().__init__(refusals)
        self.refusals = tuple(refusals)

    def __str__(self) -> str:
        return "; ".join(str(refusal) for refusal in self.refusals)


def refuse(refusals: Sequence[FieldRefused | WeightsRefused]) -> None:
    """Raise what is refused of one request, if anything is.

    Raises:
        FieldRefused: it alone.
        WeightsRefused: it alone.
        FieldsRefused: several at once.
    """
    if len(refusals) > 1:
        raise FieldsRefused(refusals)
    for refusal in refusals:
        raise refusal


class StateRefused(DomainError):
    """What a client asks for fits in itself, but not to the state that something is in now."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message
