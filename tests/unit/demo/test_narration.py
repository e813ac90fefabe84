"""The demo on terminals of several widths: no line is broken where 80 columns are enough for it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from uuid import UUID

import pytest
from rich.console import Console
from rich.text import Text

from orderlane.demo.narration import Arrival, PersonNarrator, Prepared
from orderlane.demo.proofs import Proof
from orderlane_client import WebhookEvent

NOW = datetime(2026, 3, 2, tzinfo=UTC)
ISIN = "IE00BKM4GZ66"
NAME = "iShares Core MSCI EM IMI UCITS ETF USD (Acc)"
ID = UUID("01a20f14-1b4b-7000-a40e-a354e5d0493b")


def event(type_: str, **facts: object) -> Arrival:
    body = {"id": str(ID), "cash_amount": "1000.00", "status": type_.partition(".")[2], **facts}
    return Arrival(WebhookEvent(id=ID, created_at=NOW, type=type_, object=body, sequence=18), 123.4567, 0.01)


def narrated(width: int, *, terminal: bool = True) -> Sequence[str]:
    text = StringIO()
    narrator = PersonNarrator(Console(file=text, width=width, force_terminal=terminal, no_color=True, highlight=False))
    narrator.running("http://127.0.0.1:42087", "http://127.0.0.1:43805/webhooks", 1.0)
    narrator.prepared(Prepared("EUR", Decimal(1500), Decimal(1000), {ISIN: Decimal("0.2")}, {ISIN: NAME}))
    orders = [{"id": f"{number}", "status": "PROCESSING"} for number in range(5)]
    narrator.arrived(event("PORTFOLIO_ORDER.PROCESSING", orders=orders))
    narrator.arrived(event("ORDER.FILLED", id="0", instrument_id=ISIN))
    claim, figures = "individual amounts add up to the cent", "166.67 + 166.67 + 333.33 + 222.22 + 111.11 = 1000.00 EUR"
    narrator.proven([Proof(claim, True, figures)], 1.7)
    return [line.rstrip() for line in Text.from_ansi(text.getvalue()).plain.splitlines()]


def test_eighty_columns_hold_every_line() -> None:
    lines = narrated(80)

    assert max(map(len, lines)) <= 80
    assert f"ORDER.FILLED                {ISIN}    1,000.00  ●◐◐◐◐" in "\n".join(lines)
    assert "          166.67 + 166.67 + 333.33 + 222.22 + 111.11 = 1000.00 EUR" in lines


@pytest.mark.parametrize(("width", "terminal"), [(140, True), (80, False)])
def test_a_wide_terminal_and_whatever_is_none_get_names_and_statuses(width: int, terminal: bool) -> None:
    lines = narrated(width, terminal=terminal)

    assert "iShares Core MSCI EM IMI UCIT…    1,000.00  PROCESSING ●◐◐◐◐" in "\n".join(lines)
    assert any(
        line.endswith("to the cent   166.67 + 166.67 + 333.33 + 222.22 + 111.11 = 1000.00 EUR") for line in lines
    )
