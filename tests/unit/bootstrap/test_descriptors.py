"""File descriptors: what a limit is divided into fits into it, and the soft limit is raised at the start."""

import resource
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderlane.bootstrap.descriptors import (
    DESCRIPTORS_PER_LOOKUP,
    NEEDED_OTHERWISE,
    SOCKETS_PER_REQUEST,
    budget_of,
)

RAISE = "from orderlane.bootstrap.descriptors import raise_limit; print(raise_limit())"


@given(st.integers(128, 2_000_000), st.integers(1, 40), st.sampled_from((1, 2)))
def test_everything_together_fits_into_the_limit(limit: int, database_connections: int, network_parts: int) -> None:
    budget = budget_of(limit, database_connections, network_parts)

    sender = budget.kept + SOCKETS_PER_REQUEST * budget.requests
    api = budget.api_connections + SOCKETS_PER_REQUEST * budget.test_calls
    rest = NEEDED_OTHERWISE + database_connections + DESCRIPTORS_PER_LOOKUP * budget.name_lookups
    together = sender + api if network_parts == 2 else max(sender, api)
    assert together + rest <= limit
    assert min(budget.requests, budget.test_calls, budget.api_connections, budget.name_lookups) >= 1


def test_a_limit_that_is_far_too_low_still_lets_one_of_each() -> None:
    budget = budget_of(20, 30, 2)

    assert (budget.requests, budget.kept, budget.test_calls, budget.api_connections) == (1, 0, 1, 1)


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
