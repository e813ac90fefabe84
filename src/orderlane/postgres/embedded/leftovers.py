"""Ending the server that a killed program left behind on a data folder."""

import asyncio
import signal
from contextlib import suppress
from pathlib import Path

import psutil
import structlog

from orderlane.postgres.embedded import errors
from orderlane.postgres.embedded.folders import DataFolder
from orderlane.postgres.embedded.processes import cluster_processes, lives_in
from orderlane.postgres.embedded.running import POLL_SECONDS

log = structlog.get_logger(__name__)

# Each signal asks more firmly, for so many seconds: stop cleanly, leave it to recovery, die.
STOPS = ((signal.SIGINT, 4), (signal.SIGQUIT, 2), (signal.SIGKILL, 10))


async def end_leftovers(folder: DataFolder) -> None:
    """End every process of an earlier server on the cluster, and clear away its pid file.

    Only for the holder of the owner's lock: then no program uses these processes any more.

    Raises:
        StillStopping: some are there after SIGKILL.
    """
    for number, seconds in STOPS:
        if await ended(folder.cluster, number, seconds):
            break
        log.warning("embedded_postgres_stop_slow", signal=number.name, seconds=seconds)
    else:
        pids = " ".join(str(process.pid) for process in cluster_processes(folder.cluster))
        raise errors.StillStopping(folder=folder.path, pids=pids)
    # PostgreSQL takes the file for true if its number is a zombie's or, after a reboot, someone else's.
    (folder.cluster / "postmaster.pid").unlink(missing_ok=True)


async def ended(cluster: Path, number: signal.Signals, seconds: float) -> bool:
    """Send the signal and wait for the end of every process; return whether it came in time."""
    leftovers = cluster_processes(cluster)
    send(leftovers, number)
    try:
        async with asyncio.timeout(seconds):
            while leftovers:
                await asyncio.sleep(POLL_SECONDS)
                leftovers = [process for process in leftovers if lives_in(cluster, process)]
                leftovers = leftovers or cluster_processes(cluster)
                if number is signal.SIGKILL:  # a server that was just killed may have started one more process
                    send(leftovers, number)
    except TimeoutError:
        return False
    return True


def send(leftovers: list[psutil.Process], number: signal.Signals) -> None:
    """Send the signal to the server, which passes it on, or to all of them.

    Processes whose server is dead get SIGQUIT at the least: without it there is no clean stop, and PostgreSQL's
    checkpointer understands SIGINT as an order to write one. A frozen process is continued, to hear what it is told.
    """
    server = server_among(leftovers)
    firmly = number if server is not None or number is signal.SIGKILL else signal.SIGQUIT
    for process in [server] if server is not None and number is not signal.SIGKILL else leftovers:
        send_to(process, firmly)
    for process in leftovers:
        send_to(process, signal.SIGCONT)


def send_to(process: psutil.Process, number: signal.Signals) -> None:
    """Send the signal, but not to another process that has got the number since."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        process.send_signal(number)


def server_among(processes: list[psutil.Process]) -> psutil.Process | None:
    """Return the process that started the others, or None if it is dead or has none yet."""
    parents = {parent_of(process) for process in processes}
    return next((process for process in processes if process.pid in parents), None)


def parent_of(process: psutil.Process) -> int | None:
    """Return the number of the parent process, or None if the process has ended."""
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return None
