"""What a kind of message consists of: its record, what it needs loaded, its rule, its codec."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from msgspec.json import Decoder, Encoder

from orderlane.domain.decision import Decision
from orderlane.domain.ids import ParentOrderId
from orderlane.domain.parent_order import ParentOrder

MessageT = TypeVar("MessageT")

_encode = Encoder().encode


def no_parents(_: object) -> Sequence[ParentOrderId]:
    """A message that concerns no parent order."""
    return ()


def plans_nothing(_: object, __: ParentOrder) -> bool:
    """A message that never leads to a plan."""
    return False


class MessageKind(Generic[MessageT]):
    """One kind of message to a lane.

    `parents` are the parent orders that it concerns; `plans` tells of one of them, once it is loaded, whether a plan
    may be made for it, which takes the market. `rule` applies the message; it raises DomainError when it cannot.
    """

    def __init__(
        self,
        name: str,
        record: type[MessageT],
        rule: Callable[[Decision, MessageT], None],
        *,
        parents: Callable[[MessageT], Sequence[ParentOrderId]] = no_parents,
        plans: Callable[[MessageT, ParentOrder], bool] = plans_nothing,
    ) -> None:
        self.name = name
        self.record = record
        self.rule = rule
        self.parents = parents
        self.plans = plans
        self._decoder = Decoder(record)

    def encode(self, message: MessageT) -> bytes:
        """The message as JSON."""
        return _encode(message)

    def decode(self, text: bytes | str) -> MessageT:
        """The message that was encoded.

        Raises:
            msgspec.ValidationError: the text is no such message.
        """
        return self._decoder.decode(text)
