"""Long work on the event loop in slices of a few milliseconds, between which every other request goes on."""

import asyncio
from collections.abc import Iterator
from time import perf_counter
from typing import Final

SLICE_SECONDS: Final = 0.004


class Slices:
    """The long work of a process: one of it at a time has a slice, so that what is in between waits for one at most."""

    def __init__(self, slice_seconds: float = SLICE_SECONDS) -> None:
        self._slice_seconds = slice_seconds
        self._turn = asyncio.Lock()

    async def work_through(self, steps: Iterator[None]) -> None:
        """Run the steps to their end: several in a slice, at least one, then whatever else is ready to run."""
        while True:
            async with self._turn:
                if not self._slice(steps):
                    return
                await asyncio.sleep(0)

    def _slice(self, steps: Iterator[None]) -> bool:
        """Run steps for the length of a slice; whether there may be more."""
        end = perf_counter() + self._slice_seconds
        return any(perf_counter() >= end for _ in steps)
