"""`journal`: one row for each message that was applied."""

from typing import Any, Final

from msgspec.json import Encoder

from orderlane.domain.lane.messages import encode_message
from orderlane.ports.lanes import JournalRow

JOURNAL_COLUMNS: Final = (
    "lane", "message_id", "subject_id", "kind", "actor", "request_id", "received_at", "parent_id", "message", "facts",
    "postings", "created_at",
)  # fmt: skip

_encode = Encoder().encode


def journal_row(entry: JournalRow) -> tuple[Any, ...]:
    """The row of an applied message."""
    message = entry.message
    kind, text = encode_message(message.message)
    return (
        message.lane,
        message.id,
        message.subject_id,
        kind,
        message.actor,
        message.request_id,
        message.received_at,
        entry.parent_id,
        text.decode(),
        None if entry.facts is None else _encode(entry.facts).decode(),
        _encode(entry.postings).decode(),
        entry.created_at,
    )
