"""`events`: segments, each the events of one message and one parent order."""

from typing import Any, Final

from orderlane.ports.lanes import Segment
from orderlane.postgres.segments import compress

EVENT_COLUMNS: Final = (
    "lane", "position", "created_at", "epoch", "client_id", "subject_id", "parent_id", "message_id", "topics", "ids",
    "types", "sequences", "order_ids", "payload_bytes", "payload",
)  # fmt: skip


def segment_row(segment: Segment) -> tuple[Any, ...]:
    """The row of a segment; its payload is compressed."""
    return (
        segment.lane,
        segment.position,
        segment.created_at,
        segment.epoch,
        segment.client_id,
        segment.subject_id,
        segment.parent_id,
        segment.message_id,
        segment.topics,
        segment.ids,
        segment.types,
        segment.sequences,
        segment.order_ids,
        len(segment.payload),
        compress(segment.payload),
    )
