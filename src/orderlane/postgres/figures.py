"""The figures of a process and its database."""

from collections.abc import Sequence

import asyncpg

from orderlane.ports.figures import Backlog
from orderlane.postgres.connection import Pool, StatementCount
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.migrate import migrations
from orderlane.postgres.queries import queries
from orderlane.postgres.shares import ShareRole

STATEMENT_SECONDS_MAX = 5.0

_SQL = queries("figures")


class PostgresFigures:
    """Answers monitoring."""

    def __init__(self, pool: Pool, statements: StatementCount) -> None:
        self._pool = pool
        self._statements = statements

    @property
    def statement_count(self) -> int:
        """How many SQL statements this process has sent."""
        return self._statements.total

    async def backlog(self) -> Backlog:
        """What waits, by one statement. Raises StoreUnavailable."""
        with unavailable_on_loss():
            [row] = await self._pool.fetch(_SQL["backlog"], ShareRole.LANES, timeout=STATEMENT_SECONDS_MAX)
        return Backlog(**dict(row))

    async def missing_migrations(self) -> Sequence[str]:
        """The steps of the schema that this version needs and the database does not have. Raises StoreUnavailable."""
        with unavailable_on_loss():
            try:
                rows = await self._pool.fetch(_SQL["applied_migrations"], timeout=STATEMENT_SECONDS_MAX)
            except asyncpg.UndefinedTableError:
                rows = []
        applied = {row["name"] for row in rows}
        return [one.name for one in migrations() if one.name not in applied]
