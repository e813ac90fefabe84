"""Requests that write: nobody cancels them, neither by leaving nor by a timeout."""

import asyncio
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from orderlane.api import writes as writes_module
from orderlane.api.answers import Answer
from orderlane.api.writes import Writes
from orderlane.ports.errors import StoreUnavailable

SOON = 0.01


class Work:
    """What a request does, until it is let go; then it is committed."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.is_committed = False
        self.is_cancelled = False

    async def __call__(self) -> Answer:
        try:
            await self.let_go.wait()
        except asyncio.CancelledError:
            self.is_cancelled = True
            raise
        self.is_committed = True
        return Answer(202)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_an_answer_in_time_is_handed_on() -> None:
    work = Work()
    work.let_go.set()

    assert (await Writes().answer(work(), "request-1")).status == 202


async def test_an_error_is_handed_on() -> None:
    async def failing() -> Answer:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Writes().answer(failing(), "request-1")


async def test_who_waits_too_long_is_answered_and_the_work_goes_on() -> None:
    work, writes = Work(), Writes(answer_seconds_max=SOON)

    with pytest.raises(StoreUnavailable) as late:
        await writes.answer(work(), "request-1")
    assert late.value.args == ("no answer within 0 s",)
    assert (work.is_committed, work.is_cancelled) == (False, False)
    with capture_logs() as logs:
        work.let_go.set()
        await until(lambda: bool(logs))

    assert work.is_committed
    assert [(line["event"], line["request_id"], line["status"]) for line in logs] == [
        ("request_done_late", "request-1", 202)
    ]


async def test_a_client_that_leaves_cancels_nothing() -> None:
    work, writes = Work(), Writes()
    caller = asyncio.create_task(writes.answer(work(), "request-1"))
    await asyncio.sleep(SOON)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller

    work.let_go.set()
    await writes.close()

    assert (work.is_committed, work.is_cancelled) == (True, False)


async def test_closing_waits_for_what_is_under_way_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writes_module, "CLOSE_SECONDS_MAX", SOON)
    work, writes = Work(), Writes(answer_seconds_max=SOON)
    with pytest.raises(StoreUnavailable):
        await writes.answer(work(), "request-1")

    await writes.close()

    assert (work.is_committed, work.is_cancelled) == (False, False)
    work.let_go.set()
    await until(lambda: work.is_committed)


async def test_what_is_under_way_is_bounded() -> None:
    first, second = Work(), Work()
    writes = Writes(answer_seconds_max=SOON, running_max=1)
    with pytest.raises(StoreUnavailable):
        await writes.answer(first(), "request-1")

    with pytest.raises(StoreUnavailable) as refused:
        await writes.answer(second(), "request-2")
    assert refused.value.args == ("1 requests are under way",)

    first.let_go.set()
    await writes.close()
