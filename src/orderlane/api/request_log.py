"""One line in the log and one observation in the metrics for each request.

Successful reads are told at the level debug: they are most of the requests and change nothing.
"""

from collections.abc import Callable
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram

Observe = Callable[[int, float, str, bytes], None]
"""Takes status, seconds, request id, and the path as sent."""

PATH_LENGTH_MAX: Final = 200

_BUCKETS_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_log = structlog.get_logger("orderlane.api")


class RequestLog:
    """Where requests are counted, timed and written down."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "orderlane_api_requests", "Answered requests.", ("method", "route", "status"), registry=registry
        )
        self._seconds = Histogram(
            "orderlane_api_request_seconds",
            "Time from a request's head to its answer.",
            ("method", "route"),
            buckets=_BUCKETS_SECONDS,
            registry=registry,
        )

    def of(self, method: str, route: str) -> Observe:
        """Return what to call after each request of a route."""
        seconds = self._seconds.labels(method, route)
        counts: dict[int, Counter] = {}
        told = _log.debug if method == "GET" else _log.info

        def observe(status: int, elapsed: float, request_id: str, path: bytes) -> None:
            count = counts.get(status)
            if count is None:
                count = counts[status] = self._requests.labels(method, route, str(status))
            count.inc()
            seconds.observe(elapsed)
            line = {
                "method": method,
                "route": route,
                "status": status,
                "latency_ms": round(elapsed * 1000, 3),
                "request_id": request_id,
            }
            if status < 400:
                told("api_request", **line)
            else:
                _log.warning("api_request", **line, path=_shown(path))

        return observe

    def of_no_route(self) -> Callable[[str, int, str, bytes], None]:
        """Return what to call with method, status, request id and path as sent after a request that no route has.

        They are counted together: a path that anybody makes up must not make a metric.
        """
        seconds = self._seconds.labels("", "none")

        def observe(method: str, status: int, request_id: str, path: bytes) -> None:
            self._requests.labels("", "none", str(status)).inc()
            seconds.observe(0.0)
            _log.warning(
                "api_request", method=method, route="none", status=status, request_id=request_id, path=_shown(path)
            )

        return observe


def _shown(path: bytes) -> str:
    """A path as sent, bounded, with every character escaped that is not plain ASCII."""
    text = path[: PATH_LENGTH_MAX + 1].decode("latin-1").encode("unicode_escape").decode("ascii")
    return text if len(text) <= PATH_LENGTH_MAX else f"{text[: PATH_LENGTH_MAX - 1]}…"
