"""Commands on a terminal of their own, as a person sees them."""

import asyncio
import fcntl
import os
import pty
import struct
import sys
import termios
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from tests.system.processes import environment

READ_SECONDS_MAX = 60


@dataclass
class Terminal:
    """A terminal and the command that runs on it."""

    process: Process
    screen: asyncio.StreamReader
    shown: str = ""

    @property
    def lines(self) -> list[str]:
        """What was shown, without colours."""
        return [line.rstrip() for line in Text.from_ansi(self.shown.replace("\r\n", "\n")).plain.splitlines()]

    async def read_until(self, words: str) -> None:
        """Read until these words are shown."""
        async with asyncio.timeout(READ_SECONDS_MAX):
            while words not in self.shown:
                read = await self.screen.read(65536)
                assert read, f"it ended before it showed {words!r}:\n{self.shown}"
                self.shown += read.decode()

    async def read_all(self) -> int:
        """Read until the command has ended; its exit code."""
        async with asyncio.timeout(READ_SECONDS_MAX):
            with suppress(OSError):  # what Linux says of a terminal on which nobody runs any more
                while read := await self.screen.read(65536):
                    self.shown += read.decode()
            return await self.process.wait()


@asynccontextmanager
async def on_terminal(columns: int, *arguments: str | Path, **settings: str) -> AsyncIterator[Terminal]:
    """Run `orderlane …` on a terminal of so many columns; it is ended with the block."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    kept = {name: value for name, value in environment(**settings).items() if name not in ("COLUMNS", "NO_COLOR")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "orderlane", *map(str, arguments)),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=kept | {"TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(theirs)
    screen = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(screen), os.fdopen(ours, "rb", buffering=0)
    )
    try:
        yield Terminal(process, screen)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        transport.close()
