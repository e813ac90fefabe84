"""A process whose machine has a wrong clock tells the database's time, and knows that its own is wrong."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.system.clusters import WrongClock, faketime_library
from tests.system.owners import owning, sharing, time_of

pytestmark = pytest.mark.skipif(faketime_library() is None, reason="libfaketime is not installed")

MINUTE = timedelta(minutes=1)


def is_right(told: dict[str, object]) -> bool:
    return abs(time_of(told, "now") - datetime.now(UTC)) < MINUTE


def wrong_by(told: dict[str, object]) -> timedelta:
    return time_of(told, "wall") - time_of(told, "now")


@pytest.mark.parametrize(("offset", "wrong"), [("+90s", timedelta(seconds=90)), ("-400d", timedelta(days=-400))])
async def test_a_process_that_starts_with_a_wrong_clock_tells_the_database_s_time(
    offset: str, wrong: timedelta, dsn: str, tmp_path: Path
) -> None:
    clock = WrongClock.at(tmp_path, offset)
    async with owning(dsn, **os.environ | clock.environment) as process:
        told = await process.until(owned=[0, 1, 2, 3])

    assert is_right(told)
    assert abs(wrong_by(told) - wrong) < timedelta(seconds=2)
    assert told["differs"]


async def test_a_clock_that_jumps_moves_nothing_and_is_told_of_while_it_is_wrong(dsn: str, tmp_path: Path) -> None:
    clock = WrongClock.at(tmp_path, "+0")
    async with owning(dsn, **os.environ | clock.environment) as process:
        before = await process.until(owned=[0, 1, 2, 3], differs=False)

        clock.jump("+3d")
        ahead = await process.until(differs=True)
        clock.jump("-400d")
        behind = await process.latest()
        clock.jump("+0")
        after = await process.until(differs=False)

    assert [is_right(told) for told in (before, ahead, behind, after)] == [True] * 4
    assert wrong_by(ahead) > timedelta(days=2)
    assert wrong_by(behind) < timedelta(days=-399)
    times = [time_of(told, "now") for told in (before, ahead, behind, after)]
    assert times == sorted(times)
    assert all(told["owned"] == [0, 1, 2, 3] for told in (ahead, behind, after))


async def test_the_session_of_a_process_with_a_wrong_clock_is_not_taken_for_silent(dsn: str, tmp_path: Path) -> None:
    """It is the database that notes when somebody beats."""
    clock = WrongClock.at(tmp_path, "-400d")
    async with sharing(dsn, **os.environ | clock.environment) as (wrong, right):
        clock.jump("+400d")

        assert (await wrong.latest())["owned"] == [0, 1]
        assert (await right.latest())["owned"] == [2, 3]
