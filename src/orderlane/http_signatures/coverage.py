"""What a signature must cover: one table for requests to the API, one for webhooks."""

from collections.abc import Callable, Container
from typing import Final, NamedTuple

from orderlane.http_signatures.errors import ComponentNotCovered
from orderlane.http_signatures.message import SignedRequest


class Requirement(NamedTuple):
    """A component that must be covered: by its own name, or by another one that includes it."""

    component: str
    satisfied_by: tuple[str, ...]
    applies: Callable[[SignedRequest], bool]


def _always(_request: SignedRequest) -> bool:
    return True


def _has_query(request: SignedRequest) -> bool:
    return request.query != ""


def _has_body(request: SignedRequest) -> bool:
    return request.body != b""


def _sends(field: str) -> Callable[[SignedRequest], bool]:
    return lambda request: field in request.fields


_METHOD: Final = Requirement("@method", ("@method",), _always)
_PATH: Final = Requirement("@path", ("@path", "@target-uri", "@request-target"), _always)
_QUERY: Final = Requirement("@query", ("@query", "@target-uri", "@request-target"), _has_query)

REQUEST_COVERAGE: Final[tuple[Requirement, ...]] = (
    _METHOD,
    _PATH,
    _QUERY,
    Requirement("content-digest", ("content-digest",), _has_body),
    Requirement("authorization", ("authorization",), _sends("authorization")),
    Requirement("idempotency-key", ("idempotency-key",), _sends("idempotency-key")),
)

WEBHOOK_COVERAGE: Final[tuple[Requirement, ...]] = (
    _METHOD,
    Requirement("@authority", ("@authority", "@target-uri"), _always),
    _PATH,
    _QUERY,
    Requirement("content-digest", ("content-digest",), _always),
    Requirement("webhook-id", ("webhook-id",), _always),
    Requirement("webhook-timestamp", ("webhook-timestamp",), _always),
)


def check_coverage(request: SignedRequest, covered: Container[str], requirements: tuple[Requirement, ...]) -> None:
    """Check that everything that must be covered is.

    Raises:
        ComponentNotCovered: the first component in the order of the table that is left out.
    """
    for component, satisfied_by, applies in requirements:
        if not any(name in covered for name in satisfied_by) and applies(request):
            raise ComponentNotCovered(component)
