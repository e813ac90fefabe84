"""Messages to lanes: how they are written down, and the one statement that hands them over."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
from msgspec.json import Decoder, Encoder

from orderlane.domain.messages import (
    Deposit,
    Message,
    OrderAccepted,
    OrderEnded,
    OrderExecuted,
    PlacePortfolioOrder,
    ReceiveVenueReports,
    SettleExecutions,
    VenueReport,
)
from orderlane.postgres.connection import Connection
from orderlane.postgres.queries import queries

_SQL = queries("inbox")
_REPORTS = "VENUE_REPORTS"

_encode = Encoder().encode
_plain: dict[str, Decoder[Message]] = {
    "PLACE_PORTFOLIO_ORDER": Decoder(PlacePortfolioOrder),
    "DEPOSIT": Decoder(Deposit),
    "SETTLE_EXECUTIONS": Decoder(SettleExecutions),
}
_kinds = {PlacePortfolioOrder: "PLACE_PORTFOLIO_ORDER", Deposit: "DEPOSIT", SettleExecutions: "SETTLE_EXECUTIONS"}
_reports: dict[str, Decoder[VenueReport]] = {
    "ACCEPTED": Decoder(OrderAccepted),
    "EXECUTED": Decoder(OrderExecuted),
    "ENDED": Decoder(OrderEnded),
}
_report_kinds = {OrderAccepted: "ACCEPTED", OrderExecuted: "EXECUTED", OrderEnded: "ENDED"}
_report_list = Decoder(list[tuple[str, msgspec.Raw]])


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to be handed to the lane of its account."""

    lane: int
    account_id: UUID
    message: Message


def encode_message(message: Message) -> tuple[str, str]:
    """A message as its kind and JSON text."""
    if isinstance(message, ReceiveVenueReports):
        return _REPORTS, _encode([(_report_kinds[type(one)], one) for one in message.reports]).decode()
    return _kinds[type(message)], _encode(message).decode()


def decode_message(kind: str, payload: str) -> Message:
    """The message that was written down. Raises KeyError or msgspec.ValidationError when it is none."""
    if kind == _REPORTS:
        return ReceiveVenueReports(tuple(_reports[name].decode(raw) for name, raw in _report_list.decode(payload)))
    return _plain[kind].decode(payload)


async def put_messages(connection: Connection, messages: Sequence[NewMessage]) -> None:
    """Insert messages in their order, in one statement, within the caller's transaction if there is one."""
    written = [encode_message(one.message) for one in messages]
    await connection.execute(
        _SQL["put_messages"],
        [one.lane for one in messages],
        [one.account_id for one in messages],
        [kind for kind, _ in written],
        [payload for _, payload in written],
    )
