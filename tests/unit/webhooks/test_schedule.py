"""The waits of the contract: 1, 2, 3, 5, 8, 13 … 600 s plus jitter, Retry-After honoured and bounded."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderlane.webhooks.schedule import RetrySchedule, read_retry_after

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SCHEDULE = RetrySchedule()


def test_the_waits_of_the_contract() -> None:
    waits = [SCHEDULE.wait(failures, 0).total_seconds() for failures in range(1, 17)]

    assert waits == [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 600, 600, 600]


@given(failures=st.integers(1, 10_000), jitter=st.floats(0, 1, exclude_max=True))
def test_jitter_only_adds_and_little(failures: int, jitter: float) -> None:
    plain = SCHEDULE.wait(failures, 0)

    assert plain <= SCHEDULE.wait(failures, jitter) <= plain * 1.1


@pytest.mark.parametrize(
    ("failures", "asked_seconds", "wait_seconds"),
    [(1, 0, 1), (1, 120, 120), (14, 120, 600), (1, 3600, 3600), (1, 10**8, 3600)],
)
def test_the_longer_of_schedule_and_retry_after_counts_up_to_an_hour(
    failures: int, asked_seconds: int, wait_seconds: int
) -> None:
    assert SCHEDULE.wait(failures, 0, timedelta(seconds=asked_seconds)) == timedelta(seconds=wait_seconds)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("120", 120),
        (" 0 ", 0),
        ("Mon, 02 Mar 2026 09:01:30 GMT", 90),
        ("Mon, 02 Mar 2026 08:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
        ("٣", None),
        ("9" * 400, 999_999_999),
    ],
)
def test_reading_retry_after(value: str | None, seconds: int | None) -> None:
    assert read_retry_after(value, NOW) == (None if seconds is None else timedelta(seconds=seconds))
