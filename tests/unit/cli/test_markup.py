"""What others have named is shown as it is, whatever markup it looks like."""

from datetime import UTC, datetime
from io import StringIO

from rich.console import Console, RenderableType

from orderlane.cli.clients import clients_table
from orderlane.cli.quarantine import quarantine_table
from orderlane.ports.clients import Client
from orderlane.ports.operator import Quarantined

NOW = datetime(2026, 3, 2, tzinfo=UTC)
ID = "00000000-0000-7000-8000-000000000001"
MARKUP = "[bold]x[/] [link=https://example.com]y"


def shown(what: RenderableType) -> str:
    text = StringIO()
    Console(file=text, width=300).print(what)
    return text.getvalue()


def test_a_clients_name() -> None:
    client = Client(id=ID, name=MARKUP, secret_hash="", scopes=frozenset(), created_at=NOW)
    assert MARKUP in shown(clients_table([client]))


def test_an_error() -> None:
    quarantined = Quarantined(
        id=1,
        lane=0,
        subject_id=ID,
        kind="BOOK_DEPOSIT",
        error=f"first\n{MARKUP}",
        quarantined_at=NOW,
        set_aside=3,
    )
    assert MARKUP in shown(quarantine_table([quarantined]))
