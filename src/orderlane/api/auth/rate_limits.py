"""Token buckets: how many requests somebody may send. Each process counts for itself."""

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from ipaddress import IPv6Network
from typing import Final

BUCKETS_MAX: Final = 10_000
SUBSCRIBER_BITS: Final = 64
"""An IPv6 subscriber has a network of at least this prefix to itself: it is limited as one address."""


def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or the network of an IPv6 address."""
    try:
        return str(IPv6Network((address.partition("%")[0], SUBSCRIBER_BITS), strict=False))
    except ValueError:
        return address


@dataclass(slots=True)
class RateLimiter:
    """One bucket for each key; it holds a minute's requests at most and fills evenly."""

    _buckets: OrderedDict[object, tuple[float, float]] = field(default_factory=OrderedDict)

    def take(self, key: object, per_minute: int, now: float) -> int:
        """Take one request out of the bucket: 0, or in how many seconds there is one; `now` in monotonic seconds."""
        level, filled_at = self._buckets.get(key, (float(per_minute), now))
        level = min(float(per_minute), level + (now - filled_at) * per_minute / 60)
        wait = 0 if level >= 1 else max(1, math.ceil((1 - level) * 60 / per_minute))
        self._buckets[key] = (level if wait else level - 1, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)
        return wait
