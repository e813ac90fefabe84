"""A data folder that the program's account cannot use gets a sentence that says why, from every command."""

import json
import os
import pwd
import sys
import tempfile
from asyncio.subprocess import PIPE, create_subprocess_exec
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.processes import Finished, environment, run_command

STRANGER = pwd.getpwnam("nobody")
NOT_USABLE = "cannot be made or written:"

# The command line, started once for each list of words, as another account. That need not be able to read the tests'
# Python: all is loaded before.
AS_STRANGER = f"""
import importlib, json, os, pkgutil, sys
import orderlane
from orderlane.cli import main

for module in pkgutil.walk_packages(orderlane.__path__, "orderlane."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
os.chdir("/")
codes = []
for number, words in enumerate(json.load(sys.stdin)):
    if os.fork() == 0:
        for name in ("out", "err"):
            file = os.open(sys.argv[1] + "/" + str(number) + name, os.O_CREAT | os.O_WRONLY)
            os.dup2(file, 1 if name == "out" else 2)
        os.setgroups([])
        os.setgid({STRANGER.pw_gid})
        os.setuid({STRANGER.pw_uid})
        sys.argv = ["orderlane", *words]
        main()
        sys.exit()
    codes.append(os.waitstatus_to_exitcode(os.wait()[1]))
print(json.dumps(codes))
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run programs as another account")


async def run_as_stranger(*commands: str) -> list[Finished]:
    """Run command lines as another account of the machine, to their ends."""
    with tempfile.TemporaryDirectory() as name:
        process = await create_subprocess_exec(
            *(sys.executable, "-c", AS_STRANGER, name), stdin=PIPE, stdout=PIPE, env=environment()
        )
        codes, _ = await process.communicate(json.dumps([command.split() for command in commands]).encode())
        said = [
            [(Path(name) / f"{number}{way}").read_text() for way in ("out", "err")] for number in range(len(commands))
        ]
    return [Finished(code, *texts) for code, texts in zip(json.loads(codes), said, strict=True)]


def refused(finished: Finished, sentence: str) -> None:
    assert finished.code in (1, 2), (finished.out, finished.err)
    assert finished.err.startswith("orderlane: ")
    assert sentence in " ".join(finished.err.split())
    assert "Traceback" not in finished.err
    assert len(finished.err.splitlines()) <= 4


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everyone may enter, and in which the stranger may make nothing."""
    with tempfile.TemporaryDirectory(prefix="orderlane-closed-") as name:
        Path(name).chmod(0o755)
        yield Path(name).resolve()


def strangers(folder: Path, mode: int) -> Path:
    """Give a folder to the stranger."""
    os.chown(folder, STRANGER.pw_uid, STRANGER.pw_gid)
    folder.chmod(mode)
    return folder


async def test_the_folder_of_another_account(folder: Path) -> None:
    (folder / "data" / "postgresql").mkdir(parents=True)
    (folder / "data").chmod(0o700)
    commands = ("doctor", "client list", "client create --name x", "migrate", "serve --port 0", "worker")

    for finished in await run_as_stranger(*(f"{command} --data-dir {folder}/data" for command in commands)):
        refused(
            finished, f"The data folder {folder}/data belongs to the account root, but this program runs as nobody."
        )


async def test_a_folder_below_a_closed_one(folder: Path) -> None:
    (folder / "closed" / "data").mkdir(parents=True)
    (folder / "closed").chmod(0o700)
    commands = ("doctor", "migrate", "serve --port 0")

    for finished in await run_as_stranger(*(f"{command} --data-dir {folder}/closed/data" for command in commands)):
        refused(finished, f"this program runs as nobody, which may not enter {folder}/closed.")


async def test_folders_that_cannot_be_written(folder: Path) -> None:
    for name in ("locked", "reading"):
        (folder / name / "postgresql").mkdir(parents=True)
        (folder / name / "service.lock").touch(0o600)
    strangers(folder / "locked", 0o700)
    strangers(folder / "reading", 0o500)

    reading, missing, locked = await run_as_stranger(
        f"doctor --data-dir {folder}/reading",
        f"migrate --data-dir {folder}/missing/data",
        f"serve --port 0 --data-dir {folder}/locked",
    )

    refused(reading, f"The data folder {folder}/reading {NOT_USABLE} its permissions forbid it.")
    refused(missing, f"The data folder {folder}/missing/data {NOT_USABLE} Permission denied.")
    refused(locked, f"The data folder {folder}/locked {NOT_USABLE} service.lock: Permission denied.")


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("file", f"{NOT_USABLE} FOLDER/file is not a folder."),
        ("file/data", f"{NOT_USABLE} FOLDER/file is not a folder."),
        ("data", f"{NOT_USABLE} FOLDER/data/postgresql is not a folder."),
        ("loop", "cannot be found: Symlink loop"),
        ("x" * 300, f"{NOT_USABLE} File name too long"),
        ("~nosuchuser/data", "--data-dir is '~nosuchuser/data', but must be the path of a folder"),
    ],
    ids=["file", "below-file", "cluster-file", "loop", "long", "user"],
)
async def test_a_path_that_leads_to_no_folder(folder: Path, path: str, sentence: str) -> None:
    (folder / "file").touch()
    (folder / "data").mkdir()
    (folder / "data" / "postgresql").touch()
    (folder / "loop").symlink_to(folder / "loop")

    finished = await run_command("doctor", "--data-dir", path if path.startswith("~") else folder / path)

    refused(finished, sentence.replace("FOLDER", str(folder)))
