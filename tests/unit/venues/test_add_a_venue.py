"""The example of `docs/howto/add-a-venue.md` is complete: its venue passes the checks and has an entry point."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orderlane.settings import read_settings
from orderlane.sources import SystemClock
from orderlane.venues.conformance import Heard, sample_order
from orderlane.venues.registry import open_venue
from tests.venue_packages import install_paper_venue

CHECKS = 11


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    install_paper_venue(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("paper_venue", None)


def test_the_example_passes_every_check(package: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-o",
        "asyncio_mode=auto",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        ".",
    ]
    checked = subprocess.run(command, cwd=package, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{CHECKS} passed" in checked.stdout


@pytest.mark.usefixtures("package")
async def test_the_example_is_found_by_its_entry_point_with_its_settings() -> None:
    variables = {"ORDERLANE_VENUES": "SIMULATED,PAPER", "ORDERLANE_VENUE_PAPER_SETTLEMENT_DAYS": "3"}
    _, choice = read_settings(variables, {}).venues
    order, heard = sample_order(), Heard()

    venue = await open_venue(choice, SystemClock())
    await venue.send([order])
    await heard.listen(venue, [order])

    [execution] = heard.executions(order.order_id).values()
    assert venue.name == "PAPER"
    assert (execution.settlement_date - execution.transaction_time.date()).days == 3
