"""A process that owns lanes and tells what it sees, as JSON lines: started by the tests of the fences as a program.

`owners.py DSN`: it beats, claims lanes, and redistributes them four times a second. Each line has what it owns and its
times. Its standard input takes the word `write`: then it commits a row, and tells when that is done.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from time import monotonic

import structlog

from orderlane.postgres.clock import DatabaseClock
from orderlane.postgres.connection import Connection, committed, connect
from orderlane.postgres.heartbeats import Heartbeat, ProcessName
from orderlane.postgres.ownership import ClaimRole, Claims
from orderlane.sources import system_sources

LANES = range(4)
TURN_SECONDS = 0.25
READ_SECONDS_MAX = 20.0


def tell(**facts: object) -> None:
    print(json.dumps(facts, default=str), flush=True)


async def own(dsn: str) -> None:
    """Own lanes until the session is lost."""
    sources = system_sources()
    session = await connect(dsn, "owner")
    clock = await DatabaseClock.open(session)
    heartbeat = Heartbeat(lambda: dsn, clock, ProcessName(sources.ids.new_id(), "owner"))
    heartbeat.start()
    await heartbeat.register(session, ClaimRole.LANES)
    claims = Claims(session, ClaimRole.LANES)
    turn = asyncio.Lock()
    writing = asyncio.create_task(write_when_asked(session, turn))
    try:
        while True:
            async with turn:
                owned = sorted(await claims.redistribute(LANES))
            wall = sources.clock.now()
            tell(pid=session.get_server_pid(), owned=owned, now=clock.now(), wall=wall, differs=clock.differs)
            await asyncio.sleep(TURN_SECONDS)
    except Exception as loss:
        tell(lost=repr(loss))
        raise
    finally:
        writing.cancel()
        heartbeat.stop()


async def write_when_asked(session: Connection, turn: asyncio.Lock) -> None:
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        async with turn, committed(session):
            await session.execute("INSERT INTO notes VALUES ('written')")
        tell(written=True)


class Process:
    """One such program, as a test sees it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.pid = process.pid

    async def next_line(self) -> dict[str, object]:
        """The next line that it tells; empty when it has ended."""
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        told: dict[str, object] = json.loads(line) if line else {}
        return told

    async def until(self, **wanted: object) -> dict[str, object]:
        """The next line with these facts."""
        return await self._until(lambda told: all(told.get(fact) == value for fact, value in wanted.items()), wanted)

    async def until_told(self, fact: str) -> dict[str, object]:
        """The next line that has this fact."""
        return await self._until(lambda told: fact in told, fact)

    async def _until(self, is_wanted: Callable[[dict[str, object]], bool], what: object) -> dict[str, object]:
        told: dict[str, object] = {}
        with suppress(TimeoutError):
            async with asyncio.timeout(READ_SECONDS_MAX):
                while not is_wanted(told):
                    told = await self.next_line()
                    if not told:
                        break
        assert is_wanted(told), f"not told within {READ_SECONDS_MAX} seconds: {what}; the last was {told}"
        return told

    async def latest(self) -> dict[str, object]:
        """What it tells when everything that it told before is read."""
        assert self.process.stdout is not None
        told = await self.until_told("owned")
        began = monotonic()
        while monotonic() - began < 2 * TURN_SECONDS:
            told = await self.until_told("owned")
        return told

    def write(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"write\n")


@asynccontextmanager
async def owning(dsn: str, **environment: str) -> AsyncIterator[Process]:
    """Run the program for as long as the block lasts."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(__file__)), dsn),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment or None,
    )
    try:
        yield Process(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@asynccontextmanager
async def sharing(dsn: str, **environment: str) -> AsyncIterator[tuple[Process, Process]]:
    """Two of the programs: the first, with this environment, owns lanes 0 and 1, the second 2 and 3."""
    async with owning(dsn, **environment) as first:
        await first.until(owned=[0, 1, 2, 3])
        async with owning(dsn) as second:
            await first.until(owned=[0, 1])
            await second.until(owned=[2, 3])
            yield first, second


def time_of(told: dict[str, object], fact: str) -> datetime:
    """A time that was told."""
    return datetime.fromisoformat(str(told[fact]))


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(own(sys.argv[1]))
