"""Connections to PostgreSQL, each counting the statements that it sends."""

from collections.abc import Callable
from dataclasses import dataclass

import asyncpg
from asyncpg.pool import PoolConnectionProxy

Connection = asyncpg.Connection | PoolConnectionProxy
Pool = asyncpg.Pool

NOTIFY_INBOX = "orderlane_inbox"
NOTIFY_OUTBOX = "orderlane_outbox"
NOTIFY_EVENTS = "orderlane_events"
NOTIFY_SUBSCRIPTIONS = "orderlane_subscriptions"


@dataclass(slots=True)
class StatementCount:
    """How many statements a process has sent; `observe` is told of each."""

    total: int = 0

    def observe(self, _: object) -> None:
        """Count one."""
        self.total += 1


async def connect(dsn: str, application_name: str, count: StatementCount | None = None) -> Connection:
    """One connection, named for whoever looks at the server's sessions."""
    connection = await asyncpg.connect(dsn, server_settings=_settings(application_name))
    if count is not None:
        connection.add_query_logger(count.observe)
    return connection


async def open_pool(dsn: str, application_name: str, *, size_max: int, count: StatementCount | None = None) -> Pool:
    """A pool whose connections are not reset between uses: nothing here changes a session's state."""

    async def count_statements(connection: Connection) -> None:
        if count is not None:
            connection.add_query_logger(count.observe)

    return await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size_max,
        init=count_statements,
        reset=_keep,
        server_settings=_settings(application_name),
    )


async def _keep(_: object) -> None:
    return None


def _settings(application_name: str) -> dict[str, str]:
    return {"application_name": application_name, "timezone": "UTC", "jit": "off"}


def ignore_payload(wake: Callable[[], None]) -> Callable[..., None]:
    """A listener that only wakes: notifications carry nothing."""

    def listener(*_: object) -> None:
        wake()

    return listener
