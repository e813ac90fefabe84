"""File descriptors: what a limit is divided into fits into it, and the soft limit is raised at the start."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderlane.api.http_protocol import CONNECTIONS_MAX
from orderlane.bootstrap.descriptors import (
    API_CONNECTIONS_MAX,
    DESCRIPTORS_PER_LOOKUP,
    NEEDED_OTHERWISE,
    SHARE_MIN,
    SOCKETS_PER_REQUEST,
    TooFewDescriptors,
    budget_of,
    limit_min,
)

RAISE = (
    "from orderlane.bootstrap.descriptors import raise_limit, tell_limit; "
    "limit = raise_limit(); tell_limit(limit); print(limit)"
)


@given(st.integers(64, 2_000_000), st.integers(1, 1100), st.sampled_from((1, 2)))
def test_everything_together_fits_into_the_limit(limit: int, database_connections: int, network_parts: int) -> None:
    try:
        budget = budget_of(limit, database_connections, network_parts)
    except TooFewDescriptors:
        assert limit < limit_min(database_connections, network_parts)
        return

    sender = budget.kept + SOCKETS_PER_REQUEST * budget.requests_max
    api = budget.api_connections + SOCKETS_PER_REQUEST * budget.test_calls
    rest = NEEDED_OTHERWISE + database_connections + DESCRIPTORS_PER_LOOKUP * budget.name_lookups
    together = sender + api if network_parts == 2 else max(sender, api)
    assert together + rest <= limit
    assert min(budget.requests, budget.kept, budget.test_calls, budget.name_lookups) >= 1
    assert budget.api_connections >= SHARE_MIN - SOCKETS_PER_REQUEST
    assert budget.requests <= budget.requests_max


@given(st.integers(1, 1100), st.sampled_from((1, 2)))
def test_the_lowest_limit_is_enough_and_one_less_is_refused(database_connections: int, network_parts: int) -> None:
    lowest = limit_min(database_connections, network_parts)

    assert budget_of(lowest, database_connections, network_parts).test_calls == 1
    with pytest.raises(TooFewDescriptors):
        budget_of(lowest - 1, database_connections, network_parts)


def test_a_limit_that_is_too_low_is_refused_with_what_would_do() -> None:
    with pytest.raises(TooFewDescriptors) as refused:
        budget_of(1024, 1015, 2)

    assert str(refused.value) == (
        "the limit of open files is 1024, and at least 1151 are needed, 1015 of them for connections to the database: "
        "raise the hard limit (ulimit -Hn, LimitNOFILE), or lower ORDERLANE_DATABASE_CONNECTIONS or "
        "ORDERLANE_LANE_WORKERS"
    )


def test_a_high_limit_is_not_an_order_to_use_all_of_it() -> None:
    budget = budget_of(1_000_000, 40, 2)

    assert (budget.requests, budget.kept, budget.test_calls, budget.api_connections) == (4000, 4000, 1000, 10_000)
    assert budget.requests_max > 100_000
    assert budget.requests // 2 >= 1200
    assert API_CONNECTIONS_MAX == CONNECTIONS_MAX


def test_a_service_with_too_low_a_limit_ends_with_a_sentence(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "orderlane", "serve", "--port", "0", "--data-dir", tmp_path / "data"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024)),
        env={**os.environ, "ORDERLANE_DATABASE_CONNECTIONS": "500"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert finished.returncode == 1
    told = [line for line in finished.stderr.splitlines() if not line.startswith("{")]
    assert len(told) == 1
    assert told[0].startswith("orderlane: the limit of open files is 1024, and at least ")


@pytest.mark.parametrize(("soft", "hard"), [(64, 128), (128, 128)])
def test_the_soft_limit_is_raised_to_the_hard_one_and_a_low_one_is_told(soft: int, hard: int) -> None:
    finished = subprocess.run(
        [sys.executable, "-c", RAISE],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)),
        capture_output=True,
        text=True,
        check=True,
    )

    assert finished.stdout.splitlines()[-1] == str(hard)
    assert "descriptor_limit_low" in finished.stdout
