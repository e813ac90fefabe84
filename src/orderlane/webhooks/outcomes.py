"""What an answer, or the lack of one, means for a package: delivered, to try again, or not wanted any more."""

from datetime import datetime, timedelta
from typing import Final, Literal

from msgspec import Struct

from orderlane.ports.webhooks import WebhookNotSent, WebhookResponse
from orderlane.webhooks.schedule import read_retry_after

_GONE: Final = 410
_REDIRECTED: Final = range(300, 400)
_REFUSED: Final = range(400, 500)
_FAILED: Final = range(500, 600)

Fault = Literal["ours", "theirs"]


class Outcome(Struct, frozen=True):
    """What came of one attempt.

    `error_code` is None when the package was delivered; `fault` says whose the error is. `retry_after` is how long the
    receiver asked to wait. `disables` when the receiver wants nothing more.
    """

    status_code: int | None = None
    error_code: str | None = None
    detail: str = ""
    fault: Fault | None = None
    retry_after: timedelta | None = None
    disables: bool = False


def outcome_of(result: WebhookResponse | WebhookNotSent, now: datetime) -> Outcome:
    """What follows from a receiver's answer: only 2xx is success."""
    if isinstance(result, WebhookNotSent):
        return Outcome(None, result.code, result.detail, "ours" if result.is_ours else "theirs")
    status = result.status
    if 200 <= status < 300:
        return Outcome(status)
    return Outcome(
        status,
        _error_code(status),
        f"the receiver answered {status}",
        "theirs",
        read_retry_after(result.headers.get("retry-after"), now),
        disables=status == _GONE,
    )


def _error_code(status: int) -> str:
    if status == _GONE:
        return "gone"
    if status in _REDIRECTED:
        return "redirected"
    if status in _REFUSED:
        return "refused"
    return "failed" if status in _FAILED else "unexpected_status"
