"""What the page about moving an integration over says is not there is not there: who adds it, changes the page."""

from pathlib import Path

import pytest

from orderlane.api.routes import OPERATIONS

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "move-an-integration-over.md"
NOT_THERE = {
    "`DELETE` of portfolio orders and of individual orders": ("DELETE", "orders/{"),
    "rebalancing": ("", "rebalancing"),
    "reports": ("", "report"),
    "direct debits": ("", "debit"),
    "savings plans": ("", "saving"),
    "taxes": ("", "tax"),
    "fees": ("", "fee"),
}


@pytest.mark.parametrize("what", NOT_THERE)
def test_what_is_said_to_be_missing_is_missing(what: str) -> None:
    section = PAGE.read_text().partition("## Not there yet")[2]
    method, part = NOT_THERE[what]
    there = [f"{one.method} {one.path}" for one in OPERATIONS if method in ("", one.method) and part in one.path]

    assert what in section
    assert there == [], f"say in {PAGE.name} how it differs, instead of that it is missing"
