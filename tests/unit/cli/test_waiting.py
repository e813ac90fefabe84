"""How often a role that waits says so: at once, then rarely, and once when its database is there."""

import asyncio
from typing import cast

import msgspec
import pytest

from orderlane.bootstrap.database import DatabaseAway
from orderlane.cli import waiting
from orderlane.cli.announcements import Announcements
from orderlane.cli.parts import Parts
from orderlane.ports.errors import StoreUnavailable

PARTS = cast(Parts, object())
TRIES = 4


async def told_of(losses: list[Exception], output: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """What is told of a database that is lost so often, and then is there."""
    left = iter(losses)

    async def open_once() -> Parts:
        if (loss := next(left, None)) is not None:
            raise loss
        return PARTS

    wait = waiting._Wait(Announcements(as_json=True), asyncio.Event())
    assert await wait.until_opened(open_once) is PARTS
    return [msgspec.json.decode(line) for line in output.readouterr().out.splitlines()]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "SECONDS_BETWEEN_TRIES", (0.001, 0.002))


async def test_a_database_that_is_there_is_not_spoken_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert await told_of([], capsys) == []


async def test_a_wait_is_told_at_once_and_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    losses = [DatabaseAway("refused"), *[StoreUnavailable("a standby")] * TRIES]
    waits, there = await told_of(losses, capsys)

    assert (waits["event"], waits["reason"], waits["waited_seconds"]) == ("waiting_for_database", "refused", 0.0)
    assert there["event"] == "database_available"


async def test_a_long_wait_is_told_again(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(waiting, "SECONDS_BETWEEN_LINES", 0.0)
    told = await told_of([DatabaseAway("refused")] * TRIES, capsys)

    assert [line["event"] for line in told] == ["waiting_for_database"] * TRIES + ["database_available"]


async def test_whatever_waiting_does_not_cure_is_raised(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="wrong"):
        await told_of([DatabaseAway("refused"), ValueError("wrong")], capsys)


async def test_a_program_that_is_stopped_tries_no_more() -> None:
    stop = asyncio.Event()

    async def open_once() -> Parts:
        stop.set()
        raise DatabaseAway("refused")

    with pytest.raises(waiting.StoppedWhileWaiting):
        await waiting._Wait(Announcements(as_json=True), stop).until_opened(open_once)
