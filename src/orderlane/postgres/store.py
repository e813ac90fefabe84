"""Units of work on PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from asyncpg.transaction import Transaction

from orderlane.postgres.accounts import PostgresAccounts
from orderlane.postgres.allocations import PostgresAllocations
from orderlane.postgres.clients import PostgresClientRegister
from orderlane.postgres.configurations import PostgresConfigurations
from orderlane.postgres.connection import NOTIFY_INBOX, Connection, Pool, committed
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.holdings import PostgresHoldings
from orderlane.postgres.idempotency import PostgresIdempotencyRecords
from orderlane.postgres.installation import Installation, read_installation
from orderlane.postgres.instruments import PostgresInstruments
from orderlane.postgres.notification import DebouncedNotification
from orderlane.postgres.orders import PostgresOrders, PostgresPortfolioOrders
from orderlane.postgres.users import PostgresAccountGroups, PostgresUsers
from orderlane.postgres.webhooks import PostgresSubscriptions

ACQUIRE_SECONDS_MAX: Final = 5.0
"""How long a request waits for a free connection."""


class PostgresRepositories:
    """What a unit of work on a connection reaches."""

    def __init__(self, connection: Connection, installation: Installation) -> None:
        self._connection = connection
        self._installation = installation
        self.told_lane = False

    @property
    def currency(self) -> str:
        """The currency of the installation, which is that of every account."""
        return self._installation.currency

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

    @property
    def accounts(self) -> PostgresAccounts:
        """Accounts."""
        return PostgresAccounts(self._connection, self._installation.lane_count, self._tell_lane)

    @property
    def holdings(self) -> PostgresHoldings:
        """What accounts hold."""
        return PostgresHoldings(self._connection, self._installation)

    @property
    def instruments(self) -> PostgresInstruments:
        """Instruments."""
        return PostgresInstruments(self._connection)

    @property
    def allocations(self) -> PostgresAllocations:
        """Allocations."""
        return PostgresAllocations(self._connection)

    @property
    def configurations(self) -> PostgresConfigurations:
        """Portfolio configurations."""
        return PostgresConfigurations(self._connection, self._installation.lane_count)

    @property
    def portfolio_orders(self) -> PostgresPortfolioOrders:
        """Portfolio orders, for reading."""
        return PostgresPortfolioOrders(self._connection, self._installation.lane_count)

    @property
    def orders(self) -> PostgresOrders:
        """Individual orders and executions, for reading."""
        return PostgresOrders(self._connection, self._installation.lane_count)

    @property
    def subscriptions(self) -> PostgresSubscriptions:
        """Webhook subscriptions."""
        return PostgresSubscriptions(self._connection)

    def snapshot(self) -> Transaction:
        """A transaction that reads as of its first statement."""
        return self._connection.transaction(isolation="repeatable_read", readonly=True)

    def _tell_lane(self) -> None:
        self.told_lane = True


class PostgresStore:
    """Gives units of work, each on a connection of a pool. Who told a lane something wakes it by the commit."""

    def __init__(self, writing: Pool, reading: Pool, installation: Installation) -> None:
        self._writing = writing
        self._reading = reading
        self._installation = installation
        self._inbox_notification = DebouncedNotification(writing, NOTIFY_INBOX)

    @classmethod
    async def open(cls, writing: Pool, reading: Pool | None = None) -> "PostgresStore":
        """A store that reads on a pool of its own, if there is one.

        Raises:
            StoreUnavailable: the database is lost.
        """
        with unavailable_on_loss():
            async with writing.acquire(timeout=ACQUIRE_SECONDS_MAX) as connection:
                installation = await read_installation(connection)
        return cls(writing, writing if reading is None else reading, installation)

    @property
    def lane_count(self) -> int:
        """How many lanes the installation has."""
        return self._installation.lane_count

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[PostgresRepositories]:
        """Repositories for reading, without a transaction around the statements.

        Raises:
            StoreUnavailable: the database is lost, at any point inside.
        """
        with unavailable_on_loss():
            async with self._reading.acquire(timeout=ACQUIRE_SECONDS_MAX) as connection:
                yield PostgresRepositories(connection, self._installation)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[PostgresRepositories]:
        """Repositories for reading, all of it as of one moment.

        Raises:
            StoreUnavailable: the database is lost, at any point inside.
        """
        async with self.reading() as repositories, repositories.snapshot():
            yield repositories

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresRepositories]:
        """Repositories in one transaction: committed at the end, rolled back by any exception.

        Raises:
            StoreUnavailable: the database is lost, at any point inside.
        """
        with unavailable_on_loss():
            async with self._writing.acquire(timeout=ACQUIRE_SECONDS_MAX) as connection:
                repositories = PostgresRepositories(connection, self._installation)
                async with committed(connection):
                    yield repositories
            if repositories.told_lane:
                self._inbox_notification.send_soon()

    async def close(self) -> None:
        """Return when the lanes are woken."""
        await self._inbox_notification.close()
