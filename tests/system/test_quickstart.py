"""The quickstart's program is run as it stands there."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from tests.system.pages import DOCS, blocks
from tests.system.processes import environment, run_command, running_service

SHOWN_ADDRESS = "http://127.0.0.1:8080"


async def test_the_program_of_the_quickstart_tells_the_guides_story(tmp_path: Path) -> None:
    async with running_service(tmp_path) as service:
        made = await run_command("client", "create", "--name", "quickstart", "--json", "--data-dir", service.data_dir)
        (tmp_path / "client.json").write_text(made.out)
        (tmp_path / "first_order.py").write_text(program().replace(SHOWN_ADDRESS, service.url))

        lines = await output_of(tmp_path / "first_order.py")
        doctor = await run_command("doctor", "--data-dir", service.data_dir)

    assert doctor.code == 0, doctor.out
    assert "there is no subscription" in doctor.out
    assert re.fullmatch(r"accepted: [0-9a-f-]{36} NEW", lines[0])
    assert [line.split()[:2] for line in lines[1:5]] == [
        ["1", "PORTFOLIO_ORDER.NEW"],
        ["2", "ORDER.NEW"],
        ["3", "ORDER.NEW"],
        ["4", "PORTFOLIO_ORDER.PROCESSING"],
    ]
    assert lines[9] == "9 PORTFOLIO_ORDER.FILLED "
    assert lines[12] == "EUR 500.00"
    assert len(shown()) == len(lines) == 13


def program() -> str:
    found = blocks("quickstart.md", "python")
    assert SHOWN_ADDRESS in found
    return found


def shown() -> list[str]:
    found = re.search(r"^```\n(accepted:.*?)^```$", (DOCS / "quickstart.md").read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1].splitlines()


async def output_of(script: Path) -> list[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, cwd=script.parent, stdout=PIPE, stderr=PIPE, env=environment()
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode().splitlines()
