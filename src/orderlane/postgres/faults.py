"""Telling a lost database from a mistake."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from orderlane.ports.errors import StoreUnavailable

LOSSES = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    OSError,
)
"""What says that the server is gone, going, not there yet, out of room, or takes no writes for now (a standby, a disk
that is nearly full): trying again later may succeed."""


@contextmanager
def unavailable_on_loss() -> Iterator[None]:
    """Raises StoreUnavailable in place of any loss of the database."""
    try:
        yield
    except LOSSES as loss:
        raise StoreUnavailable(str(loss)) from loss
    except asyncpg.InterfaceError as misuse:
        if isinstance(misuse, ValueError):  # a parameter that does not fit its column: a mistake, not a loss
            raise
        raise StoreUnavailable(str(misuse)) from misuse
    except asyncpg.InternalClientError as confusion:  # the server ended the session while nothing was asked of it
        raise StoreUnavailable(str(confusion)) from confusion
