"""Every kind of message to a lane, by its name and by its record. A new one is its module and a line here."""

from typing import Any

from orderlane.domain.decision import AccountState, Circumstances, Decision
from orderlane.domain.lane import depositing, placing, reporting, settling
from orderlane.domain.lane.message import MessageKind

KINDS: tuple[MessageKind[Any], ...] = (placing.KIND, reporting.KIND, settling.KIND, depositing.KIND)

Message = (
    placing.PlacePortfolioOrder | reporting.ReceiveVenueReports | settling.SettleExecutions | depositing.BookDeposit
)

_BY_RECORD = {kind.record: kind for kind in KINDS}
_BY_NAME = {kind.name: kind for kind in KINDS}


class UnknownMessage(Exception):
    """A message of a kind that this version does not know."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind

    def __str__(self) -> str:
        return f"messages of kind {self.kind} are not known to this version"


def kind_of(message: Message) -> MessageKind[Any]:
    """The kind of a message."""
    return _BY_RECORD[type(message)]


def encode_message(message: Message) -> tuple[str, bytes]:
    """A message as the name of its kind and JSON."""
    kind = kind_of(message)
    return kind.name, kind.encode(message)


def decode_message(name: str, text: bytes | str) -> Message:
    """The message that was encoded.

    Raises:
        UnknownMessage: there is no such kind.
        msgspec.ValidationError: the text is no message of this kind.
    """
    kind = _BY_NAME.get(name)
    if kind is None:
        raise UnknownMessage(name)
    message: Message = kind.decode(text)
    return message


def decide(state: AccountState, message: Message, circumstances: Circumstances) -> Decision:
    """Apply `message` to `state`, which is left unchanged.

    Raises:
        DomainError: a rule forbids it.
    """
    decision = Decision(state, circumstances)
    kind_of(message).rule(decision, message)
    return decision
