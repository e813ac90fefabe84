"""The processes of the demo. Each ends when its standard input does, so none outlives the demo, however that ends."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

START_SECONDS_MAX = 120.0
STOP_SECONDS_MAX = 20.0
LOG_LINES_SHOWN = 15
LINE_BYTES_MAX = 4 * 1024 * 1024
KEPT_SETTINGS = ("ORDERLANE_POSTGRES_BIN",)

SETTINGS = {
    "ORDERLANE_VENUE_SIMULATED_ACK_MS": "30-250",
    "ORDERLANE_VENUE_SIMULATED_FILL_MS": "200-1500",
    "ORDERLANE_VENUE_SIMULATED_SPLIT_PERCENT": "50",
}
"""A market slow enough for a person to follow."""


class DemoFailed(Exception):
    """The demo can't go on: the message says why."""


class JsonProcess:
    """A process that speaks JSON lines."""

    def __init__(self, name: str, process: Process, log: Path) -> None:
        self._name = name
        self._process = process
        self._log = log

    async def read(self) -> dict[str, Any]:
        """The next line. Raises DemoFailed when the process has ended."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            last_lines = "\n".join(self._log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:])
            raise DemoFailed(f"the {self._name} has ended too early; it said last:\n{last_lines}")
        return msgspec.json.decode(line, type=dict[str, Any])

    async def wait_for(self, key: str, value: object = None) -> dict[str, Any]:
        """The next line that has `key`, with `value` if one is given; lines before it are passed over."""
        try:
            async with asyncio.timeout(START_SECONDS_MAX):
                while True:
                    line = await self.read()
                    if key in line and value in (None, line[key]):
                        return line
        except TimeoutError:
            raise DemoFailed(f"the {self._name} was not ready within {START_SECONDS_MAX:.0f} seconds") from None

    async def write(self, line: object) -> None:
        """Send a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(line) + b"\n")
        await self._process.stdin.drain()

    async def end_input(self) -> None:
        """Tell the process to end."""
        assert self._process.stdin is not None
        self._process.stdin.close()


@asynccontextmanager
async def started_service(folder: Path) -> AsyncIterator[JsonProcess]:
    """The whole service on a data folder of its own, on any free port."""
    command = ("-m", "orderlane", "serve", "--json", "--port", "0", "--data-dir", str(folder / "data"))
    flags = ("--allow-insecure-webhooks", "--stop-with-stdin")
    async with _started("service", (*command, *flags), folder, _environment()) as process:
        yield process


@asynccontextmanager
async def started_receiver(folder: Path) -> AsyncIterator[JsonProcess]:
    """The webhook receiver, on any free port."""
    async with _started("receiver", ("-m", "orderlane_client"), folder, _environment()) as process:
        yield process


def _environment() -> Mapping[str, str]:
    """This program's environment, without the settings of a real service."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ORDERLANE_")}
    return kept | {name: os.environ[name] for name in KEPT_SETTINGS if name in os.environ} | SETTINGS


@asynccontextmanager
async def _started(
    name: str, arguments: tuple[str, ...], folder: Path, environment: Mapping[str, str]
) -> AsyncIterator[JsonProcess]:
    log = folder / f"{name}.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            stdin=PIPE,
            stdout=PIPE,
            stderr=errors,
            env=environment,
            start_new_session=True,
            limit=LINE_BYTES_MAX,
        )
    try:
        yield JsonProcess(name, process, log)
    finally:
        await _stop(process)


async def _stop(process: Process) -> None:
    """Ask it to end, more firmly if it does not."""
    assert process.stdin is not None
    for ask in (process.stdin.close, process.terminate, process.kill):
        if process.returncode is None:
            ask()
            try:
                async with asyncio.timeout(STOP_SECONDS_MAX):
                    await process.communicate()
            except TimeoutError:
                continue
