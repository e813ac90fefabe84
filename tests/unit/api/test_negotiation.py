"""Which accept headers a call can answer."""

import pytest

from orderlane.api.errors import NotAcceptable
from orderlane.api.negotiation import check_acceptable


@pytest.mark.parametrize(
    "accept",
    [
        None,
        b"",
        b"application/json",
        b"Application/JSON",
        b"application/json;charset=utf-8",
        b"text/html, application/json;q=0.5",
        b"application/*;q=0.1",
        b"*/*",
        b"application/problem+json",
    ],
)
def test_takes_json(accept: bytes | None) -> None:
    check_acceptable(accept, "application/json")


@pytest.mark.parametrize(
    "accept", [b"text/html", b"application/json;q=0", b"application/json; q=0.000", b"application/xml, text/*"]
)
def test_takes_no_json(accept: bytes) -> None:
    with pytest.raises(NotAcceptable):
        check_acceptable(accept, "application/json")


@pytest.mark.parametrize("accept", [b"text/html,application/xhtml+xml", b"text/*", b"*/*;q=0.8"])
def test_takes_a_page(accept: bytes) -> None:
    check_acceptable(accept, "text/html; charset=utf-8")


def test_takes_no_page() -> None:
    with pytest.raises(NotAcceptable):
        check_acceptable(b"application/problem+json", "text/html; charset=utf-8")
