"""Token buckets: how many requests somebody may send. Each process counts for itself."""

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

BUCKETS_MAX: Final = 10_000


@dataclass(slots=True)
class RateLimiter:
    """One bucket for each key; it holds a minute's requests at most and fills evenly."""

    _buckets: OrderedDict[object, tuple[float, float]] = field(default_factory=OrderedDict)

    def take(self, key: object, per_minute: int, now: float) -> int:
        """Take one request out of the bucket: 0, or in how many seconds there is one; `now` in monotonic seconds."""
        level, filled_at = self._buckets.get(key, (float(per_minute), now))
        level = min(float(per_minute), level + (now - filled_at) * per_minute / 60)
        if level < 1:
            return max(1, math.ceil((1 - level) * 60 / per_minute))
        self._buckets[key] = (level - 1, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)
        return 0
