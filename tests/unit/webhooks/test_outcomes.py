"""What an answer means: only 2xx is success, and nothing is given up but what says 410."""

from datetime import UTC, datetime, timedelta

import pytest

from orderlane.ports.webhooks import WebhookNotSent, WebhookResponse
from orderlane.webhooks.outcomes import Outcome, outcome_of

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("status", range(200, 300))
def test_every_2xx_is_success(status: int) -> None:
    assert outcome_of(WebhookResponse(status, {}, b""), NOW) == Outcome(status)


@pytest.mark.parametrize("status", [status for status in range(100, 1000) if not 200 <= status < 300])
def test_everything_else_is_a_failure_of_theirs(status: int) -> None:
    outcome = outcome_of(WebhookResponse(status, {}, b""), NOW)

    assert outcome.error_code is not None
    assert outcome.fault == "theirs"
    assert outcome.disables == (status == 410)


@pytest.mark.parametrize(
    ("status", "error_code"),
    [(302, "redirected"), (404, "refused"), (410, "gone"), (500, "failed"), (199, "unexpected_status")],
)
def test_error_codes(status: int, error_code: str) -> None:
    assert outcome_of(WebhookResponse(status, {}, b""), NOW).error_code == error_code


def test_what_a_receiver_asks_for_is_read() -> None:
    outcome = outcome_of(WebhookResponse(503, {"retry-after": "120"}, b""), NOW)

    assert outcome.retry_after == timedelta(minutes=2)


@pytest.mark.parametrize("is_ours", [True, False])
def test_no_answer_is_ours_or_theirs(is_ours: bool) -> None:
    outcome = outcome_of(WebhookNotSent("no_network", "no route", is_ours=is_ours), NOW)

    assert outcome == Outcome(None, "no_network", "no route", "ours" if is_ours else "theirs")
