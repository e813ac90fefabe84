"""The command that shows it all."""

import asyncio
import signal

from orderlane.cli.options import AsJson
from orderlane.cli.outcome import FAILED, INTERRUPTED, CommandRefused, complete
from orderlane.demo.narration import JsonNarrator, PersonNarrator
from orderlane.demo.processes import DemoFailed
from orderlane.demo.scenario import run_demo


def demo(*, json: AsJson = False) -> None:
    """Watch one portfolio order travel; exit code 0 only if every proof holds."""
    complete(_demo(json=json))


async def _demo(*, json: bool) -> int:
    running = asyncio.create_task(run_demo(JsonNarrator() if json else PersonNarrator()))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    try:
        return 0 if await running else FAILED
    except asyncio.CancelledError:
        return INTERRUPTED
    except DemoFailed as failure:
        raise CommandRefused(str(failure)) from failure
