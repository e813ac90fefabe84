"""What stops a long-running program: a signal, or the end of its standard input if it was asked to watch that."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from orderlane.cli.outcome import CommandRefused

READ_BYTES = 4096


@asynccontextmanager
async def stopping(*, with_stdin: bool) -> AsyncIterator[asyncio.Event]:
    """An event that is set when the program shall stop.

    Raises:
        CommandRefused: the standard input can't be watched.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    watching = asyncio.create_task(_stop_with_stdin(stop, await _standard_input())) if with_stdin else None
    try:
        yield stop
    finally:
        if watching is not None:
            watching.cancel()
            await asyncio.wait((watching,))


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    try:
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    except (OSError, ValueError) as error:
        raise CommandRefused(f"--stop-with-stdin needs a pipe as standard input: {error}") from error
    return reader


async def _stop_with_stdin(stop: asyncio.Event, standard_input: asyncio.StreamReader) -> None:
    while await standard_input.read(READ_BYTES):
        continue
    stop.set()
