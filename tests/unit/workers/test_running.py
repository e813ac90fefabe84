"""Keeping parts running: how long each loss of the database is waited out."""

import asyncio

import pytest

from orderlane.ports.errors import StoreUnavailable
from orderlane.workers import running
from orderlane.workers.running import keep_running


class LosingPart:
    """Opens, runs for so many seconds of the loop's time, and loses the database."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, runs: list[float]) -> None:
        self._ahead, self._runs = 0.0, runs
        self.waits: list[float] = []
        self._stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        time = loop.time
        monkeypatch.setattr(loop, "time", lambda: time() + self._ahead)
        monkeypatch.setattr(running, "stopped_within", self._note_wait)

    async def _note_wait(self, stop: asyncio.Event, seconds: float) -> None:
        self.waits.append(seconds)
        if not self._runs:
            stop.set()

    async def _open(self) -> "LosingPart":
        return self

    async def run(self, stop: asyncio.Event) -> None:
        self._ahead += self._runs.pop(0)
        raise StoreUnavailable("could not extend file: No space left on device")

    async def keep_running(self) -> list[float]:
        await keep_running("test", self._open, self._stop)
        return self.waits


async def test_a_part_that_opens_and_cannot_work_waits_longer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await LosingPart(monkeypatch, [0.0] * 7).keep_running() == [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 5.0]


async def test_a_part_that_has_run_for_a_while_begins_with_the_shortest_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await LosingPart(monkeypatch, [0.0, 0.0, 60.0, 0.0]).keep_running() == [0.1, 0.2, 0.1, 0.2]
