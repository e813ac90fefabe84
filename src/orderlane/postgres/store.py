"""Units of work on PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from orderlane.postgres.clients import PostgresClientRegister
from orderlane.postgres.connection import Connection, Pool
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.idempotency import PostgresIdempotencyRecords
from orderlane.postgres.users import PostgresAccountGroups, PostgresUsers

ACQUIRE_SECONDS_MAX = 5.0


class PostgresRepositories:
    """What a unit of work on a connection reaches."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def clients(self) -> PostgresClientRegister:
        """The clients of the API."""
        return PostgresClientRegister(self._connection)

    @property
    def idempotency(self) -> PostgresIdempotencyRecords:
        """The idempotency keys and the answers kept for them."""
        return PostgresIdempotencyRecords(self._connection)

    @property
    def users(self) -> PostgresUsers:
        """Users."""
        return PostgresUsers(self._connection)

    @property
    def account_groups(self) -> PostgresAccountGroups:
        """Account groups."""
        return PostgresAccountGroups(self._connection)


class PostgresStore:
    """Gives units of work, each on a connection of the pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[PostgresRepositories]:
        """Repositories for reading, without a transaction around the statements."""
        with unavailable_on_loss():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS_MAX) as connection:
                yield PostgresRepositories(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresRepositories]:
        """Repositories in one transaction: committed at the end, rolled back by any exception."""
        with unavailable_on_loss():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS_MAX) as connection, connection.transaction():
                yield PostgresRepositories(connection)
