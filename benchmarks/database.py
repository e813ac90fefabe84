"""The database under measurement: a role for each kind of process, what each of them asked, and how large it is.

Every kind of process logs in under a role of its own, which inherits the service's: so the server counts its
statements apart. Commit timestamps are switched on, to know when an event was there for others to see.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import asyncpg
import psutil
from msgspec import Struct

from orderlane.postgres.connection import connect
from orderlane.postgres.embedded import EmbeddedPostgres
from orderlane.postgres.embedded.running import read_pid_file
from orderlane.postgres.embedded.supervisor import SUPERUSER

ROLES = ("api", "worker", "gateway", "sender")
STATEMENT_CHARACTERS_MAX = 70


class Statement(Struct, frozen=True):
    """One statement as the server counted it: by whom, how it begins, how often, how long in all."""

    role: str
    text: str
    calls: int
    total_ms: float


class MeasuredDatabase:
    """An embedded PostgreSQL with a role for each kind of process."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._server = EmbeddedPostgres(data_dir)

    async def __aenter__(self) -> Self:
        await self._server.start()
        administration = await asyncpg.connect(self._dsn_as(SUPERUSER))
        await administration.execute("ALTER SYSTEM SET track_commit_timestamp = on")
        for role in ROLES:
            await administration.execute(f"CREATE ROLE measured_{role} LOGIN IN ROLE orderlane")
        await administration.close()
        await self._server.stop()
        await self._server.start()
        self.connection = await connect(self._server.dsn, "benchmark")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.connection.close()
        await self._server.stop()

    @property
    def dsn(self) -> str:
        """The database as the service's own role."""
        return self._server.dsn

    def dsn_of(self, role: str) -> str:
        """The database as one kind of process."""
        return self._dsn_as(f"measured_{role}")

    def dsn_of_database(self, name: str) -> str:
        """Another database of the server."""
        return urlsplit(self._server.dsn)._replace(path=f"/{name}").geturl()

    def _dsn_as(self, role: str) -> str:
        return urlsplit(self._server.dsn)._replace(netloc=f"{role}@").geturl()

    @property
    def postmaster(self) -> psutil.Process:
        """The server's first process."""
        pid_file = read_pid_file(self._data_dir / "postgresql")
        assert pid_file is not None
        return psutil.Process(pid_file.pid)

    async def forget_statements(self) -> None:
        """Count statements anew."""
        await self.connection.fetch("SELECT pg_stat_statements_reset()")

    async def statements(self) -> list[Statement]:
        """What each kind of process has asked, the most time first."""
        rows = await self.connection.fetch(
            "SELECT replace(rolname, 'measured_', '') AS role, query, sum(calls)::bigint AS calls, "
            "sum(total_exec_time) AS total_ms FROM pg_stat_statements JOIN pg_roles ON pg_roles.oid = userid "
            "WHERE rolname LIKE 'measured%' GROUP BY 1, 2 ORDER BY total_ms DESC"
        )
        return [Statement(row["role"], beginning_of(row["query"]), row["calls"], row["total_ms"]) for row in rows]

    async def has_no_open_portfolio_order(self) -> bool:
        """Whether every portfolio order has come to its end at the venue."""
        query = "SELECT NOT EXISTS (SELECT FROM parent_orders WHERE status IN ('NEW', 'PROCESSING'))"
        return bool(await self.connection.fetchval(query))

    async def size_bytes(self) -> int:
        """How large the database is."""
        return int(await self.connection.fetchval("SELECT pg_database_size(current_database())"))

    async def version(self) -> str:
        """The server's version."""
        return str(await self.connection.fetchval("SHOW server_version"))

    async def committed_at(self, portfolio_order_ids: Sequence[str]) -> dict[str, datetime]:
        """When each event of these portfolio orders was committed, by its id."""
        rows = await self.connection.fetch(
            "SELECT unnest(ids) AS id, pg_xact_commit_timestamp(xmin) AS at FROM events "
            "WHERE parent_id = ANY ($1::uuid[])",
            portfolio_order_ids,
        )
        return {str(row["id"]): row["at"] for row in rows}


def beginning_of(query: str) -> str:
    """Enough of a statement to tell which it is."""
    return " ".join(query.split())[:STATEMENT_CHARACTERS_MAX]
