"""The commands of a page of the documentation, run as a reader runs them: in one shell, one after the other."""

import asyncio
import re
import sys
from pathlib import Path

from tests.system.processes import environment

DOCS = Path(__file__).parents[2] / "docs"
SHELL_SECONDS_MAX = 120


def blocks(page: str, language: str) -> str:
    """All code blocks of a language, joined; also those inside of lists."""
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    return "\n".join(found)


async def run_page(page: str, folder: Path, **variables: str) -> str:
    """Run every command of the page; what they print. Fails when one of them does."""
    programs = f"{Path(sys.executable).parent}:{environment()['PATH']}"
    shell = await asyncio.create_subprocess_exec(
        *("sh", "-eu", "-c", blocks(page, "sh")),
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
