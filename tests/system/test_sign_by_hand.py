"""The how-to "sign a request by hand", run as a reader runs it: a shell, curl and openssl, a started service."""

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.system.processes import environment, running_service

HOWTO = Path(__file__).parents[2] / "docs" / "howto" / "sign-a-request-by-hand.md"
COMMANDS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL_SECONDS_MAX = 120


async def run_howto(folder: Path, **variables: str) -> str:
    """Run every command of the page in one shell; what it prints."""
    script = "\n".join(COMMANDS.findall(HOWTO.read_text()))
    programs = f"{Path(sys.executable).parent}:{environment()['PATH']}"
    shell = await asyncio.create_subprocess_exec(
        *("sh", "-eu", "-c", script),
        cwd=folder,
        env=environment(PATH=programs, **variables),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(SHELL_SECONDS_MAX):
            printed, _ = await shell.communicate()
    finally:
        if shell.returncode is None:
            shell.kill()
    assert shell.returncode == 0, f"{printed.decode()}\n{left_by(folder)}"
    return printed.decode()


def left_by(folder: Path) -> str:
    """The answers that the commands wrote down, for whoever has to find out what went wrong."""
    return "\n".join(f"{one.name}: {one.read_text()[:500]}" for one in sorted(folder.glob("*.json")))


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """The folder in which the reader works."""
    folder = tmp_path / "desk"
    folder.mkdir()
    return folder


async def test_the_howto_does_what_it_says(tmp_path: Path, desk: Path) -> None:
    async with running_service(tmp_path) as service:
        printed = await run_howto(desk, BASE=service.url, ORDERLANE_DATA_DIR=str(service.data_dir))

    def answer(name: str) -> Any:
        return json.loads((desk / name).read_text())

    assert printed.splitlines()[-1] == "The portfolio order is FILLED", left_by(desk)
    held = {one["instrument"]["isin"]: one["quantity"] for one in answer("positions.json")["data"]}
    assert set(held) == {"IE00B4L5Y983", "DE0007164600"}
    assert answer("users.json")["meta"]["total_count"] == 1
    assert answer("draft.json") == answer("users.json")
