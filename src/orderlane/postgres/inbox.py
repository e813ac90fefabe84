"""Messages to lanes, and the one statement that hands them over."""

from collections.abc import Sequence

from msgspec import Struct

from orderlane.domain.ids import SubjectId
from orderlane.domain.lane.messages import Message, decode_message, encode_message
from orderlane.ports.lanes import InboxMessage
from orderlane.postgres.connection import Connection
from orderlane.postgres.queries import queries
from orderlane.postgres.tables.records import Row

_SQL = queries("inbox")


class NewMessage(Struct, frozen=True, kw_only=True):
    """A message to be handed to the lane of its subject; `actor` asks for it, by the request `request_id` if any."""

    lane: int
    subject_id: SubjectId
    message: Message
    actor: str
    request_id: str = ""


async def put_messages(connection: Connection, messages: Sequence[NewMessage]) -> None:
    """Insert messages in their order, in one statement, within the caller's transaction if there is one."""
    encoded = [encode_message(new.message) for new in messages]
    await connection.execute(
        _SQL["put_messages"],
        [new.lane for new in messages],
        [new.subject_id for new in messages],
        [kind for kind, _ in encoded],
        [text for _, text in encoded],
        [new.actor for new in messages],
        [new.request_id for new in messages],
    )


def message_from(row: Row) -> InboxMessage:
    """A message from a row of `inbox`.

    Raises:
        UnknownMessage: of a kind that this version does not know.
        msgspec.ValidationError: it is no message of its kind.
    """
    return InboxMessage(
        id=row["id"],
        lane=row["lane"],
        subject_id=SubjectId(str(row["subject_id"])),
        actor=row["actor"],
        request_id=row["request_id"],
        received_at=row["created_at"],
        message=decode_message(row["kind"], row["message"]),
    )
