"""What a person sees on a terminal: the first client's secret, and the demo at 80 and 140 columns."""

import stat
from pathlib import Path

import pytest

from tests.system.terminals import on_terminal


async def test_the_first_clients_secret_is_shown_on_a_terminal_and_written_nowhere(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with on_terminal(80, "serve", "--port", "0", "--data-dir", data) as terminal:
        await terminal.read_until("Orderlane listens on")
        shown = [line.split() for line in terminal.lines]

    assert any(words[:2] == ["client", "secret"] and len(words[2]) > 20 for words in shown)
    assert not (data / "first-client.json").exists()
    assert stat.S_IMODE(data.stat().st_mode) & 0o007 == 0


@pytest.mark.thorough
@pytest.mark.parametrize("columns", [80, 140])
async def test_the_demo_breaks_no_line(tmp_path: Path, columns: int) -> None:
    async with on_terminal(columns, "demo", TMPDIR=str(tmp_path)) as terminal:
        assert await terminal.read_all() == 0

    assert max(map(len, terminal.lines)) <= columns
    events = [line for line in terminal.lines if "ORDER." in line]
    assert len(events) == 18
    assert all(" ms " in line for line in events)
    assert events[-1].endswith("●●●●●")
    assert ("iShares Core MSCI World UCITS…" in "\n".join(events)) == (columns == 140)
