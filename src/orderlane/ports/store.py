"""The unit of work: repositories that read and write together."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from orderlane.ports.accounts import Accounts, Holdings
from orderlane.ports.clients import ClientRegister
from orderlane.ports.idempotency import IdempotencyRecords
from orderlane.ports.instruments import Instruments
from orderlane.ports.orders import Orders, PortfolioOrders
from orderlane.ports.portfolios import Allocations, Configurations
from orderlane.ports.users import AccountGroups, Users
from orderlane.ports.webhooks import Subscriptions


class Repositories(Protocol):
    """What a unit of work reaches; each attribute is one kind of resource."""

    @property
    def currency(self) -> str:
        """The currency of the installation, which is that of every account."""
        ...

    @property
    def clients(self) -> ClientRegister:
        """The clients of the API."""
        ...

    @property
    def idempotency(self) -> IdempotencyRecords:
        """The idempotency keys and the answers kept for them."""
        ...

    @property
    def users(self) -> Users:
        """Users."""
        ...

    @property
    def account_groups(self) -> AccountGroups:
        """Account groups."""
        ...

    @property
    def accounts(self) -> Accounts:
        """Accounts."""
        ...

    @property
    def holdings(self) -> Holdings:
        """What accounts hold."""
        ...

    @property
    def instruments(self) -> Instruments:
        """Instruments."""
        ...

    @property
    def allocations(self) -> Allocations:
        """Allocations."""
        ...

    @property
    def configurations(self) -> Configurations:
        """Portfolio configurations."""
        ...

    @property
    def portfolio_orders(self) -> PortfolioOrders:
        """Portfolio orders, for reading."""
        ...

    @property
    def orders(self) -> Orders:
        """Individual orders and executions, for reading."""
        ...

    @property
    def subscriptions(self) -> Subscriptions:
        """Webhook subscriptions."""
        ...


class Store(Protocol):
    """Gives units of work."""

    def reading(self) -> AbstractAsyncContextManager[Repositories]:
        """Repositories for reading; every statement sees what is committed when it runs.

        Raises:
            StoreUnavailable: the database is lost, at any point inside.
        """
        ...

    def snapshot(self) -> AbstractAsyncContextManager[Repositories]:
        """Repositories for reading; all statements see what was committed before the first. Lists are read in one.

        Raises:
            StoreUnavailable: the database is lost, at any point inside.
        """
        ...

    def transaction(self) -> AbstractAsyncContextManager[Repositories]:
        """Repositories in one transaction: committed at the end, rolled back by any exception.

        Raises:
            StoreUnavailable: the database is lost, at any point inside.
        """
        ...
