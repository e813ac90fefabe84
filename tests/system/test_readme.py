"""The README's walk-through is run as it stands there, by a shell."""

import asyncio
import re
import shutil
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from tests.system.processes import environment, running_service

README = Path(__file__).parents[2] / "README.md"
WALK = "## Walk through it with curl"
SHOWN_ADDRESS = "http://127.0.0.1:8080"
GUIDE_OF_TWO = [
    "1 PORTFOLIO_ORDER.NEW",
    "2 ORDER.NEW",
    "3 ORDER.NEW",
    "4 PORTFOLIO_ORDER.PROCESSING",
    "5 ORDER.PROCESSING",
    "9 PORTFOLIO_ORDER.FILLED",
]


def walk_through() -> str:
    section = README.read_text().partition(WALK)[2].partition("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 4
    return "\n".join(blocks)


def shown(name: str) -> list[str]:
    """The lines between two marks of the README, without the fence."""
    block = re.search(rf"<!-- {name} -->\n```\n(.*?)```\n<!-- /{name} -->", README.read_text(), re.DOTALL)
    assert block is not None
    return block[1].splitlines()


@pytest.mark.skipif(shutil.which("curl") is None, reason="the walk-through is made of curl commands")
async def test_the_walk_through_works_as_it_stands_there(tmp_path: Path) -> None:
    async with running_service(tmp_path) as service:
        script = walk_through().replace(SHOWN_ADDRESS, service.url)
        assert service.url in script
        process = await asyncio.create_subprocess_exec(
            "bash",
            "-euo",
            "pipefail",
            "-c",
            script,
            cwd=README.parent,
            stdout=PIPE,
            stderr=PIPE,
            env=environment(
                ORDERLANE_DATA_DIR=str(service.data_dir),
                PATH=f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            ),
        )
        async with asyncio.timeout(60):
            out, err = await process.communicate()

    assert process.returncode == 0, err.decode()
    told = out.decode().splitlines()
    numbered = [line for line in told if re.fullmatch(r"\d+ (PORTFOLIO_)?ORDER\.[A-Z]+", line)]
    assert [line for line in numbered if line in GUIDE_OF_TWO] == GUIDE_OF_TWO
    assert [line.partition(" ")[0] for line in numbered] == [str(number) for number in range(1, 10)]
    assert '"balance":"500.00"' in out.decode()


def test_what_the_readme_shows_of_the_demo_is_the_demo() -> None:
    lines = shown("demo")

    assert sum(line.startswith("  proven  ") for line in lines) == 7
    assert sum("PORTFOLIO_ORDER." in line or " ORDER." in line for line in lines) == 18
    assert lines[-1] == "every proof holds"
