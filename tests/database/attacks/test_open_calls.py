"""Attacks on the calls that are open to anybody: whoever floods them does not keep the database from clients."""

import asyncio

from orderlane.postgres.connection import StatementCount, open_pool
from orderlane.postgres.figures import PostgresFigures

MANY = 200


async def test_however_many_watch_the_database_is_asked_once(dsn: str) -> None:
    statements = StatementCount()
    pool = await open_pool(dsn, "watched", size_max=2, count=statements)
    try:
        figures = PostgresFigures(pool, statements, pool)
        before = statements.total
        backlogs = await asyncio.gather(*(figures.backlog() for _ in range(MANY)))
        missing = await asyncio.gather(*(figures.missing_migrations() for _ in range(MANY)))

        assert len(backlogs) == len(missing) == MANY
        assert statements.total - before == 2
        await figures.backlog()
        assert statements.total - before == 3, "an answer is not kept: the next one who asks gets a new one"
    finally:
        await pool.close()
