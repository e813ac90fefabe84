"""File descriptors: the limit is raised at the start, and divided so that nothing runs out of them."""

import resource
from fractions import Fraction
from math import ceil
from typing import Final

import structlog
from msgspec import Struct

LIMIT_GOOD: Final = 4096
"""What a limit of open files should be at least; below it, many subscribers or callers wait for each other."""

LIMIT_UNBOUNDED: Final = 65_536
"""What is asked for where the hard limit is none."""

NEEDED_OTHERWISE: Final = 32
"""Standard streams, listeners, the event loop, the heartbeat's connection, and what libraries open."""

SOCKETS_PER_REQUEST: Final = 2
"""How many sockets a request may have while it connects: two addresses of one name may be tried at once."""

LOOKUPS_MAX: Final = 64
DESCRIPTORS_PER_LOOKUP: Final = 2
LIMIT_PER_LOOKUP: Final = 32
"""One name lookup for so many files that may be open."""

SHARE_MIN: Final = 16
"""What each part with connections to elsewhere needs at least: with less, a few callers or receivers fill it."""

REQUESTS_MAX: Final = 4000
"""Webhook requests in flight, unless a setting says otherwise: half of them is for one client, 2,000 subscriptions.

Each holds a package and an answer, 64 KiB each by default: half a gigabyte in all. The local ports of a machine, 28,232
to one receiver, are enough for them too, and for as many connections that are kept.
"""

KEPT_MAX: Final = 4000
"""Connections to receivers that are kept: with TLS, some 200 MB in all."""

TEST_CALLS_MAX: Final = 1000
"""Test calls of all clients, as many as a setting may give to one."""

API_CONNECTIONS_MAX: Final = 10_000
"""Connections of callers, as many as the API takes where nothing says otherwise."""

_log = structlog.get_logger("orderlane.descriptors")


def raise_limit() -> int:
    """Raise the soft limit of open files to the hard one; the limit that holds now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(soft, LIMIT_UNBOUNDED) if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < highest:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (highest, hard))
        except (ValueError, OSError) as refusal:
            _log.warning("descriptor_limit_not_raised", soft=soft, hard=hard, error=str(refusal))
        else:
            soft = highest
    return LIMIT_UNBOUNDED if soft == resource.RLIM_INFINITY else soft


def tell_limit(limit: int) -> None:
    """Log the limit that holds, and what to do about a low one."""
    if limit < LIMIT_GOOD:
        text = f"at least {LIMIT_GOOD} are recommended: raise the hard limit of open files (ulimit -Hn, LimitNOFILE)"
        _log.warning("descriptor_limit_low", limit=limit, advice=text)
    else:
        _log.info("descriptor_limit", limit=limit)


class TooFewDescriptors(Exception):
    """The limit of open files leaves too little to work with: the message says what is needed, and what to raise."""


class DescriptorBudget(Struct, frozen=True, kw_only=True):
    """How many connections of each kind a process may have, so that all together stay below its limit.

    Attributes:
        name_lookups: names of receivers that are looked up at once.
        requests: webhook requests in flight, unless a setting says otherwise.
        requests_max: webhook requests in flight that such a setting may allow.
        kept: connections to receivers that are kept, in use or idle.
        test_calls: test calls in flight.
        api_connections: connections of the API's callers.
    """

    name_lookups: int
    requests: int
    requests_max: int
    kept: int
    test_calls: int
    api_connections: int


def budget_of(limit: int, database_connections: int, network_parts: int) -> DescriptorBudget:
    """Divide what a limit leaves.

    Args:
        limit: how many files the process may open.
        database_connections: how many connections to the database it opens, at most.
        network_parts: how many parts of the process have connections to elsewhere, the API and the sender: 1 or 2.

    Raises:
        TooFewDescriptors: what the limit leaves is not worth dividing.
    """
    _check_limit(limit, database_connections, network_parts)
    lookups = min(limit // LIMIT_PER_LOOKUP, LOOKUPS_MAX)
    needed = NEEDED_OTHERWISE + database_connections + DESCRIPTORS_PER_LOOKUP * lookups
    share = (limit - needed) // network_parts
    requests_max = share * 3 // 4 // SOCKETS_PER_REQUEST
    test_calls = min(share // 16, TEST_CALLS_MAX)
    return DescriptorBudget(
        name_lookups=lookups,
        requests=min(requests_max, REQUESTS_MAX),
        requests_max=requests_max,
        kept=min(share // 4, KEPT_MAX),
        test_calls=test_calls,
        api_connections=min(share - SOCKETS_PER_REQUEST * test_calls, API_CONNECTIONS_MAX),
    )


def limit_min(database_connections: int, network_parts: int) -> int:
    """The lowest limit that is enough for `SHARE_MIN` of each part, beside all else."""
    without_lookups = NEEDED_OTHERWISE + database_connections + SHARE_MIN * network_parts
    per_file = Fraction(DESCRIPTORS_PER_LOOKUP, LIMIT_PER_LOOKUP)
    return min(ceil(without_lookups / (1 - per_file)), without_lookups + DESCRIPTORS_PER_LOOKUP * LOOKUPS_MAX)


def _check_limit(limit: int, database_connections: int, network_parts: int) -> None:
    needed = limit_min(database_connections, network_parts)
    if limit < needed:
        raise TooFewDescriptors(
            f"the limit of open files is {limit}, and at least {needed} are needed, {database_connections} of them for "
            "connections to the database: raise the hard limit (ulimit -Hn, LimitNOFILE), or lower "
            "ORDERLANE_DATABASE_CONNECTIONS or ORDERLANE_LANE_WORKERS"
        )
