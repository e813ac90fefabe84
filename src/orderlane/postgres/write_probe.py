"""Whether the database takes writes, found out by writing: reads go on when a disk is full, or the server is a standby.

The probe commits a message to the write-ahead log, which needs no table, and spills to a temporary file first: a log
whose files are allocated ahead still takes commits when no table can grow any more.
"""

import asyncio
from time import monotonic
from typing import Final

import asyncpg

from orderlane.ports.errors import StoreUnavailable
from orderlane.postgres.connection import Pool, committed
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.queries import queries

FRESH_SECONDS: Final = 1.0
"""How long an outcome counts: however many ask, the database is written to once in this time."""
ANSWER_SECONDS_MAX: Final = 5.0

DISK_FULL: Final = "there is no room left on its disk"
READ_ONLY: Final = "its transactions are read-only, as on a standby or when a host protects a disk that is nearly full"
UNCOMMITTED: Final = f"none was committed within {ANSWER_SECONDS_MAX:.0f} s"

_SQL = queries("write_probe")


class WriteProbe:
    """Single flight: concurrent callers share one write, and its outcome counts for `FRESH_SECONDS`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._writing: asyncio.Task[str | None] | None = None
        self._begun_at = 0.0

    async def refusal(self) -> str | None:
        """Why the database takes no writes; None when it does.

        A write that waits, for example for a standby, is not cancelled; as long as it does, there is no other.

        Raises:
            StoreUnavailable: the database is lost.
        """
        if self._writing is None or (self._writing.done() and monotonic() - self._begun_at >= FRESH_SECONDS):
            self._begun_at = monotonic()
            self._writing = asyncio.create_task(self._write())
            self._writing.add_done_callback(_retrieve)
        done, _ = await asyncio.wait({self._writing}, timeout=ANSWER_SECONDS_MAX)
        return self._writing.result() if done else UNCOMMITTED

    async def _write(self) -> str | None:
        try:
            with unavailable_on_loss():
                async with self._pool.acquire() as connection, committed(connection):
                    if await connection.fetchval(_SQL["begin_probe"]):
                        return READ_ONLY
                    await connection.execute(_SQL["probe_writing"])
        except StoreUnavailable as loss:
            if isinstance(loss.__cause__, asyncpg.DiskFullError):
                return DISK_FULL
            raise
        return None


def _retrieve(writing: "asyncio.Task[str | None]") -> None:
    """Look at a failure that nobody waits for any more; those who wait get it raised."""
    if not writing.cancelled():
        writing.exception()
