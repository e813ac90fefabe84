"""Slices: long work lets everything else run in between, and is never at work twice at once."""

import asyncio
from collections.abc import Iterator

from orderlane.api.slices import Slices


async def test_others_run_between_the_slices() -> None:
    slices = Slices(slice_seconds=0)
    seen: list[str] = []

    def steps(name: str) -> Iterator[None]:
        for number in range(3):
            seen.append(f"{name}{number}")
            yield

    async def other() -> None:
        for number in range(3):
            seen.append(f"other{number}")
            await asyncio.sleep(0)

    await asyncio.gather(slices.work_through(steps("work")), other())

    assert seen[:4] == ["work0", "other0", "work1", "other1"]


async def test_one_long_work_at_a_time_has_a_slice() -> None:
    slices = Slices(slice_seconds=0)
    steps_between_turns: list[int] = []
    done = 0

    def steps() -> Iterator[None]:
        nonlocal done
        for _ in range(20):
            done += 1
            yield

    async def watch() -> None:
        before = 0
        while done < 100:
            await asyncio.sleep(0)
            steps_between_turns.append(done - before)
            before = done

    await asyncio.gather(watch(), *(slices.work_through(steps()) for _ in range(5)))

    assert done == 100
    assert max(steps_between_turns) == 1


async def test_work_without_steps_ends() -> None:
    await Slices().work_through(iter(()))


async def test_a_step_that_fails_gives_the_turn_back() -> None:
    slices = Slices()

    def failing() -> Iterator[None]:
        yield
        raise ValueError("a row cannot be read")

    results = await asyncio.gather(
        slices.work_through(failing()), slices.work_through(iter([None])), return_exceptions=True
    )

    assert [type(result) for result in results] == [ValueError, type(None)]
