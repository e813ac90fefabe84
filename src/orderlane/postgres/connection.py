"""Connections to PostgreSQL, each counting the statements that it sends."""

from dataclasses import dataclass

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from orderlane.postgres.queries import queries

Connection = asyncpg.Connection | PoolConnectionProxy
Pool = asyncpg.Pool

_SQL = queries("connection")

STATEMENT_SECONDS_MAX = 30.0

_GONE_HOST = {
    "tcp_keepalives_idle": "4",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "2",
    "tcp_user_timeout": "10000",
}
"""Has the server end, within about 10 seconds, the session of a host that lost power or its network without a word. By
default that takes two hours, in which its advisory locks, and with them its lanes, are nobody else's."""

NOTIFY_INBOX = "orderlane_inbox"
NOTIFY_OUTBOX = "orderlane_outbox"
NOTIFY_EVENTS = "orderlane_events"
NOTIFY_SUBSCRIPTIONS = "orderlane_subscriptions"
NOTIFY_SHARES = "orderlane_shares"


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
    await _prepare(connection, count)
    return connection


async def open_pool(
    dsn: str, application_name: str, *, size_max: int, size_min: int = 1, count: StatementCount | None = None
) -> Pool:
    """A pool whose connections stay open, and are not reset between uses: nothing here changes a session's state.

    A statement that gets no answer within `STATEMENT_SECONDS_MAX` is given up, so that no caller waits for ever.
    """

    async def prepare(connection: Connection) -> None:
        await _prepare(connection, count)

    return await asyncpg.create_pool(
        dsn,
        min_size=size_min,
        max_size=size_max,
        max_inactive_connection_lifetime=0,
        init=prepare,
        command_timeout=STATEMENT_SECONDS_MAX,
        reset=_keep,
        server_settings=_settings(application_name),
    )


async def _prepare(connection: Connection, count: StatementCount | None) -> None:
    """Have the driver learn the array types now, 10 to 20 ms, and not in front of the first caller who waits."""
    await connection.prepare(_SQL["array_types"])
    if count is not None:
        connection.add_query_logger(count.observe)


async def _keep(_: object) -> None:
    return None


def _settings(application_name: str) -> dict[str, str]:
    """Every statement has its index: one that is planned while a table is empty must not scan it when it is large."""
    return {
        "application_name": application_name,
        "timezone": "UTC",
        "jit": "off",
        "enable_seqscan": "off",
        **_GONE_HOST,
    }
