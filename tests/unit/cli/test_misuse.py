"""What somebody is told who calls a command with wrong words is whole on any terminal, and where there is none."""

import os
import subprocess
import sys

import pytest

AN_ID = "01a2042a-b8d4-70b8-9339-a578848f6288"


@pytest.mark.parametrize(
    ("arguments", "end"),
    [
        (["webhook", "disable", "xyz"], f"must be an id such as {AN_ID}"),
        (["client", "update", AN_ID, "--accepted-status"], "requires an argument."),
        (["client", "crate"], "See `orderlane --help`."),
    ],
)
@pytest.mark.parametrize("columns", ["40", "80"])
def test_a_sentence_is_not_cut(arguments: list[str], end: str, columns: str) -> None:
    command = [sys.executable, "-m", "orderlane", *arguments]
    environment = os.environ | {"COLUMNS": columns}
    finished = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    [line] = finished.stderr.splitlines()
    assert finished.returncode != 0
    assert line.endswith(end)
