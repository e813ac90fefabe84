"""File descriptors: the limit is raised at the start, and divided so that nothing runs out of them."""

import resource
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

_log = structlog.get_logger("orderlane.descriptors")


def raise_limit() -> int:
    """Raise the soft limit of open files to the hard one, and log both; the limit that holds now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(soft, LIMIT_UNBOUNDED) if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < highest:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (highest, hard))
        except (ValueError, OSError) as refusal:
            _log.warning("descriptor_limit_not_raised", soft=soft, hard=hard, error=str(refusal))
        else:
            soft = highest
    limit = LIMIT_UNBOUNDED if soft == resource.RLIM_INFINITY else soft
    if limit < LIMIT_GOOD:
        text = f"at least {LIMIT_GOOD} are recommended: raise the hard limit of open files (ulimit -Hn, LimitNOFILE)"
        _log.warning("descriptor_limit_low", limit=limit, advice=text)
    else:
        _log.info("descriptor_limit", limit=limit)
    return limit


class DescriptorBudget(Struct, frozen=True, kw_only=True):
    """How many connections of each kind a process may have, so that all together stay below its limit.

    Attributes:
        name_lookups: names of receivers that are looked up at once.
        requests: webhook requests in flight.
        kept: connections to receivers that are kept, in use or idle.
        test_calls: test calls in flight.
        api_connections: connections of the API's callers.
    """

    name_lookups: int
    requests: int
    kept: int
    test_calls: int
    api_connections: int


def budget_of(limit: int, database_connections: int, network_parts: int) -> DescriptorBudget:
    """Divide what a limit leaves.

    Args:
        limit: how many files the process may open.
        database_connections: how many connections to the database it opens, at most.
        network_parts: how many parts of the process have connections to elsewhere, the API and the sender: 1 or 2.
    """
    lookups = min(max(limit // 32, 1), LOOKUPS_MAX)
    needed = NEEDED_OTHERWISE + database_connections + DESCRIPTORS_PER_LOOKUP * lookups
    share = max((limit - needed) // network_parts, 1)
    test_calls = max(share // 16, 1)
    return DescriptorBudget(
        name_lookups=lookups,
        requests=max(share * 3 // 4 // SOCKETS_PER_REQUEST, 1),
        kept=share // 4,
        test_calls=test_calls,
        api_connections=max(share - SOCKETS_PER_REQUEST * test_calls, 1),
    )
