"""The demo as a stranger starts it, in both forms, and interrupted."""

import asyncio
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from tests.system.processes import environment, nothing_left, run_command

DEMO_SECONDS_MAX = 90
PROOFS = 7
EVENTS = 18


@asynccontextmanager
async def started_demo(folder: Path, *arguments: str) -> AsyncIterator[Process]:
    """The demo with its temporary files in `folder`, in a process group of its own, as a shell starts it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "orderlane", "demo", *arguments),
        stdout=PIPE,
        stderr=PIPE,
        env=environment(TMPDIR=str(folder)),
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(DEMO_SECONDS_MAX):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def until(process: Process, step: str) -> dict[str, Any]:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        told: dict[str, Any] = msgspec.json.decode(line)
        if told["step"] == step:
            return told
    raise AssertionError(f"the demo ended before it came to {step}")


async def test_the_demo_proves_everything_to_a_program(tmp_path: Path) -> None:
    finished = await run_command("demo", "--json", settings={"TMPDIR": str(tmp_path)})

    assert finished.code == 0, finished.err
    by_step: dict[str, list[dict[str, Any]]] = {}
    for line in finished.lines:
        by_step.setdefault(line["step"], []).append(line)
    assert list(by_step) == ["begin", "running", "prepared", "accepted", "webhook", "proof", "result"]
    assert [one["event"]["sequence"] for one in by_step["webhook"]] == list(range(1, EVENTS + 1))
    assert [one["holds"] for one in by_step["proof"]] == [True] * PROOFS
    [result] = by_step["result"]
    assert result["ok"] is True
    assert result["milliseconds"] == by_step["webhook"][-1]["milliseconds"]
    assert all(re.fullmatch(r".*\.\d{3}Z", one["event"]["created_at"]) for one in by_step["webhook"])
    orders = [one["event"]["object"] for one in by_step["webhook"] if one["event"]["type"] == "ORDER.FILLED"]
    assert sum(Decimal(one["cash_amount"]) for one in orders) == Decimal("1000.00")
    await nothing_left(tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_the_demo_is_told_to_a_person(tmp_path: Path) -> None:
    finished = await run_command("demo", settings={"TMPDIR": str(tmp_path), "ORDERLANE_PORT": "nonsense"})

    assert finished.code == 0, finished.err
    assert "202 Accepted" in finished.out
    assert "PORTFOLIO_ORDER.FILLED" in finished.out
    assert "iShares Core MSCI World" in finished.out
    assert finished.out.count("  proven  ") == PROOFS
    assert finished.out.strip().endswith("every proof holds")
    assert "\x1b" not in finished.out, "no colours where nobody can see them"


@pytest.mark.parametrize("when", ["begin", "webhook"])
async def test_ctrl_c_leaves_nothing_running(tmp_path: Path, when: str) -> None:
    async with started_demo(tmp_path, "--json") as process:
        await until(process, when)
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()

        assert process.returncode == 130
        assert b"Traceback" not in out + err
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, 10)
    assert alive == []
    await nothing_left(tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_a_killed_demo_takes_its_processes_with_it(tmp_path: Path) -> None:
    async with started_demo(tmp_path, "--json") as process:
        await until(process, "webhook")
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        await process.communicate()

    _, alive = await asyncio.to_thread(psutil.wait_procs, family, 30)
    assert alive == []
    await nothing_left(tmp_path)
