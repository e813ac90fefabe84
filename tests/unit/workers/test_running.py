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


class StuckPart:
    """Does not end when it is told to, as one whose COMMIT waits for a standby; `is_cancelled` is how it ended."""

    def __init__(self) -> None:
        self.is_cancelled = False

    async def open(self) -> "StuckPart":
        return self

    async def run(self, _: asyncio.Event) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.is_cancelled = True
            raise


async def test_a_part_that_does_not_end_by_itself_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "STOP_SECONDS_MAX", 0.01)
    part, stop = StuckPart(), asyncio.Event()
    stop.set()
    await keep_running("test", part.open, stop)  # not even opened
    assert not part.is_cancelled

    stop.clear()
    asyncio.get_running_loop().call_later(0.01, stop.set)
    async with asyncio.timeout(5):
        await keep_running("test", part.open, stop)

    assert part.is_cancelled


async def test_a_part_whose_owner_is_cancelled_ends_with_it() -> None:
    part = StuckPart()
    keeping = asyncio.create_task(keep_running("test", part.open, asyncio.Event()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping

    assert part.is_cancelled
