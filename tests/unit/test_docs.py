"""The documentation holds what it promises: pages made from the code are fresh, and every link leads somewhere."""

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from orderlane.domain.order import OrderCancellationReason
from orderlane.domain.portfolio_order import CancellationReason
from orderlane.ports.idempotency import KEPT_FOR

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)(?:#([^)\s]+))?\)")


@pytest.mark.parametrize("name", ["state-machines", "webhook-events"])
def test_a_page_made_from_the_tables_is_fresh(name: str) -> None:
    module = f"tools.{name.replace('-', '_')}"
    made = subprocess.run([sys.executable, "-m", module], cwd=ROOT, capture_output=True, text=True, check=True)

    page = ROOT / "docs" / "reference" / f"{name}.md"
    assert page.read_text() == made.stdout, f"write it anew: python -m {module} > {page.relative_to(ROOT)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = [
        match[0]
        for match in LINK.finditer(page.read_text())
        if not (page.parent / match[1]).exists() or (match[2] and match[2] not in anchors(page.parent / match[1]))
    ]

    assert broken == []


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_time_for_which_idempotency_keys_are_kept_is_the_same_everywhere() -> None:
    hours = f"{KEPT_FOR // timedelta(hours=1)} hours"
    kept = r'[^."]*(?:Keys are kept for|Idempotency records|Kept for)[^."]*'
    pages = ("docs/howto/authenticate.md", "docs/howto/operate.md", "docs/reference/openapi.json")

    for page in pages:
        sentences = re.findall(kept, (ROOT / page).read_text())
        assert sentences, page
        assert [sentence for sentence in sentences if hours not in sentence] == [], page


@pytest.mark.parametrize("reasons", [CancellationReason, OrderCancellationReason])
def test_every_reason_of_a_cancellation_is_explained(
    reasons: type[CancellationReason | OrderCancellationReason],
) -> None:
    page = (ROOT / "docs" / "reference" / "cancellation-reasons.md").read_text()

    assert [reason for reason in reasons if f"`{reason}`" not in page] == []
