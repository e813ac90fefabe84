"""What others have named is shown as it is, whatever markup it looks like."""

from datetime import UTC, datetime
from io import StringIO
from uuid import UUID

from rich.console import Console, RenderableType

from orderlane.cli.clients import clients_table
from orderlane.cli.quarantine import quarantine_table
from orderlane.ports.clients import Client
from orderlane.ports.operations import Quarantined

NOW = datetime(2026, 3, 2, tzinfo=UTC)
MARKUP = "[bold]x[/] [link=https://example.com]y"


def shown(what: RenderableType) -> str:
    text = StringIO()
    Console(file=text, width=300).print(what)
    return text.getvalue()


def test_a_clients_name() -> None:
    assert MARKUP in shown(clients_table([Client(UUID(int=1), MARKUP, "", frozenset(), NOW)]))


def test_an_error() -> None:
    assert MARKUP in shown(quarantine_table([Quarantined(1, 0, UUID(int=1), "DEPOSIT", f"first\n{MARKUP}", NOW)]))
