"""Units of work on PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from orderlane.postgres.accounts import PostgresAccounts
from orderlane.postgres.clients import PostgresClientRegister
from orderlane.postgres.configurations import PostgresConfigurations
from orderlane.postgres.connection import NOTIFY_INBOX, Connection, Pool
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.holdings import PostgresHoldings
from orderlane.postgres.idempotency import PostgresIdempotencyRecords
from orderlane.postgres.instruments import PostgresInstruments
from orderlane.postgres.notification import DebouncedNotification
from orderlane.postgres.orders import PostgresOrders, PostgresPortfolioOrders
from orderlane.postgres.portfolios import PostgresAllocations
from orderlane.postgres.users import PostgresAccountGroups, PostgresUsers
from orderlane.postgres.webhooks import PostgresSubscriptions

ACQUIRE_SECONDS_MAX = 5.0


class PostgresRepositories:
    """What a unit of work on a connection reaches."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.told_lane = False

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
        return PostgresAccounts(self._connection, self._tell_lane)

    @property
    def holdings(self) -> PostgresHoldings:
        """What accounts hold."""
        return PostgresHoldings(self._connection)

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
        return PostgresConfigurations(self._connection)

    @property
    def portfolio_orders(self) -> PostgresPortfolioOrders:
        """Portfolio orders, for reading."""
        return PostgresPortfolioOrders(self._connection)

    @property
    def orders(self) -> PostgresOrders:
        """Individual orders and executions, for reading."""
        return PostgresOrders(self._connection)

    def _tell_lane(self) -> None:
        self.told_lane = True

    @property
    def subscriptions(self) -> PostgresSubscriptions:
        """Webhook subscriptions."""
        return PostgresSubscriptions(self._connection)


class PostgresStore:
    """Gives units of work, each on a connection of the pool. Who told a lane something wakes it by the commit."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._inbox_notification = DebouncedNotification(pool, NOTIFY_INBOX)

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
                repositories = PostgresRepositories(connection)
                yield repositories
            if repositories.told_lane:
                self._inbox_notification.send_soon()
