"""Periods in the parameters of lists: `start_date` and `end_date`, each a date or a moment, both included."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from msgspec import Meta

from orderlane.api.errors import FieldError, InvalidParameter

DateOrTime = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2}))?\Z",
        description="A date (YYYY-MM-DD, in UTC) or a moment (RFC 3339).",
        examples=["2026-03-02", "2026-03-02T09:00:00Z"],
    ),
]


def start_of(field: str, text: str | None) -> datetime | None:
    """The first moment of the period.

    Raises:
        InvalidParameter: there is no such date or time.
    """
    if text is None:
        return None
    beginning = _read(field, text)
    return beginning if isinstance(beginning, datetime) else _midnight(beginning)


def end_of(field: str, text: str | None) -> datetime | None:
    """The first moment after the period.

    Raises:
        InvalidParameter: there is no such date or time.
    """
    if text is None:
        return None
    last = _read(field, text)
    try:
        if isinstance(last, datetime):
            return last + timedelta(microseconds=1)
        return _midnight(last + timedelta(days=1))
    except OverflowError:
        raise _refusal(field, "is too late") from None


def _read(field: str, text: str) -> date | datetime:
    try:
        if len(text) == len("YYYY-MM-DD"):
            return date.fromisoformat(text)
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _refusal(field, "is a date or a time that does not exist") from None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _refusal(field: str, message: str) -> InvalidParameter:
    return InvalidParameter(f"{field}: {message}", [FieldError(field, message)])
