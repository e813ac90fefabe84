"""The conformance suite runs with the arithmetic of the gateway's process."""

import subprocess
import sys

DIVIDING_VENUE = """
import asyncio
from decimal import Decimal
from orderlane.venues.conformance import VenueConformance, run_checks

class Dividing(VenueConformance):
    async def test_0(self):
        Decimal(1) / Decimal(3)

asyncio.run(run_checks(Dividing()))
"""


def test_a_venue_that_rounds_fails() -> None:
    finished = subprocess.run([sys.executable, "-c", DIVIDING_VENUE], capture_output=True, text=True, check=False)

    assert finished.returncode == 1
    assert finished.stderr.splitlines()[-1].startswith("decimal.Inexact")
