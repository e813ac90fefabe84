"""The figures of a process and its database."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import asyncpg

from orderlane.ports.figures import Backlog
from orderlane.postgres.connection import Pool, StatementCount
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.migrate import migrations
from orderlane.postgres.ownership import ClaimRole
from orderlane.postgres.queries import queries
from orderlane.postgres.write_probe import WriteProbe

STATEMENT_SECONDS_MAX = 5.0

_SQL = queries("figures")

AnswerT = TypeVar("AnswerT")


class SharedQuestion(Generic[AnswerT]):
    """Single flight: concurrent callers share one query."""

    def __init__(self, ask: Callable[[], Awaitable[AnswerT]]) -> None:
        self._ask = ask
        self._asked: asyncio.Future[AnswerT] | None = None

    async def answer(self) -> AnswerT:
        """The answer. Raises whatever asking raises."""
        if self._asked is None or self._asked.done():
            self._asked = asyncio.ensure_future(self._ask())
            self._asked.add_done_callback(_retrieve)
        return await asyncio.shield(self._asked)


def _retrieve(asked: "asyncio.Future[AnswerT]") -> None:
    """Look at a failure that nobody waits for any more; those who wait get it raised."""
    if not asked.cancelled():
        asked.exception()


class PostgresFigures:
    """Answers monitoring. Anybody may ask, so however many do, the database is asked one thing once at a time."""

    def __init__(self, pool: Pool, statements: StatementCount, writing: Pool) -> None:
        self._pool = pool
        self._write_probe = WriteProbe(writing)
        self._statements = statements
        self._backlog = SharedQuestion(self._ask_backlog)
        self._missing_migrations = SharedQuestion(self._ask_missing_migrations)

    @property
    def statement_count(self) -> int:
        """How many SQL statements this process has sent."""
        return self._statements.total

    async def backlog(self) -> Backlog:
        """What waits, by one statement. Raises StoreUnavailable."""
        return await self._backlog.answer()

    async def missing_migrations(self) -> Sequence[str]:
        """The steps of the schema that this version needs and the database does not have. Raises StoreUnavailable."""
        return await self._missing_migrations.answer()

    async def write_refusal(self) -> str | None:
        """Why the database takes no writes; None when it does. Raises StoreUnavailable."""
        return await self._write_probe.refusal()

    async def _ask_backlog(self) -> Backlog:
        with unavailable_on_loss():
            [row] = await self._pool.fetch(_SQL["backlog"], ClaimRole.LANES, timeout=STATEMENT_SECONDS_MAX)
        return Backlog(**dict(row))

    async def _ask_missing_migrations(self) -> Sequence[str]:
        with unavailable_on_loss():
            try:
                rows = await self._pool.fetch(_SQL["applied_migrations"], timeout=STATEMENT_SECONDS_MAX)
            except asyncpg.UndefinedTableError:
                rows = []
        applied = {row["name"] for row in rows}
        return [migration.name for migration in migrations() if migration.name not in applied]
