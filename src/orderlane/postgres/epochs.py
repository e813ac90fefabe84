"""Noticing that the database's history may have changed: a promoted standby or a restored backup begins an epoch.

A database is known by its system identifier, and by the timeline in the name of its current WAL file: PostgreSQL begins
a timeline at each promotion. (The checkpoint's timeline in `pg_control_checkpoint()` lags behind.) A copy of the data
files that is started in the same place has the same identity: whoever restores one must call `begin_epoch`.
"""

from dataclasses import dataclass
from typing import Final

import asyncpg
import structlog

from orderlane.domain.epochs import Epoch
from orderlane.ports.errors import StoreUnavailable
from orderlane.postgres.connection import Connection, committed
from orderlane.postgres.queries import queries

_SQL = queries("epochs")
_LOCK_NUMBER: Final = 0x65706F636873  # "epochs": one session looks at a time
_TIMELINE_DIGITS: Final = 8
_log = structlog.get_logger("orderlane.epochs")

INSTALLED: Final = "the database was created"


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells one history of a database from another."""

    system_identifier: int
    timeline: int


async def identity(connection: Connection) -> Identity:
    """Ask a database for its identity.

    Raises:
        StoreUnavailable: it is a standby, which has no history of its own.
        asyncpg.PostgresError: the server refuses.
    """
    row = await connection.fetchrow(_SQL["identity"])
    assert row is not None, "the identity is one row"
    if row["wal_file"] is None:
        raise StoreUnavailable("the database is a standby: it takes no writes")
    return Identity(row["system_identifier"], int(row["wal_file"][:_TIMELINE_DIGITS], 16))


async def ensure_epoch(connection: Connection) -> Epoch:
    """Return the epoch that the database is in; begin it when its identity is not that of the last one.

    To be called by each session before it owns lanes or moves a cursor.

    Raises:
        StoreUnavailable: it is a standby.
        asyncpg.PostgresError: the server refuses, or the epoch is not committed.
    """
    async with committed(connection):
        await connection.execute(_SQL["one_at_a_time"], _LOCK_NUMBER)
        current, last = await identity(connection), await _last_epoch(connection)
        if last is not None and last.is_of(current.system_identifier, current.timeline):
            return last
        return await _append(connection, last, current, _reason(last, current))


async def begin_epoch(connection: Connection, reason: str) -> Epoch:
    """Begin an epoch whatever the identity is: for a restore, which may have kept it.

    Raises:
        StoreUnavailable: it is a standby.
        asyncpg.PostgresError: the server refuses, or the epoch is not committed.
    """
    async with committed(connection):
        await connection.execute(_SQL["one_at_a_time"], _LOCK_NUMBER)
        return await _append(connection, await _last_epoch(connection), await identity(connection), reason)


async def all_epochs(connection: Connection) -> list[Epoch]:
    """Every epoch of the database, in the sequence in which they began.

    Raises:
        asyncpg.PostgresError: the server refuses.
    """
    return [_epoch_from(row) for row in await connection.fetch(_SQL["all_epochs"])]


async def _last_epoch(connection: Connection) -> Epoch | None:
    row = await connection.fetchrow(_SQL["last_epoch"])
    return None if row is None else _epoch_from(row)


async def _append(connection: Connection, last: Epoch | None, current: Identity, reason: str) -> Epoch:
    number = 1 if last is None else last.number + 1
    row = await connection.fetchrow(_SQL["append"], number, current.system_identifier, current.timeline, reason)
    assert row is not None, "an appended epoch is returned"
    epoch = _epoch_from(row)
    if last is not None:
        _log.warning("epoch_began", number=number, timeline=epoch.timeline, reason=reason, heads=epoch.heads)
    return epoch


def _reason(last: Epoch | None, current: Identity) -> str:
    if last is None:
        return INSTALLED
    if last.system_identifier != current.system_identifier:
        return f"the database is another one: system identifier {current.system_identifier}"
    return f"timeline {last.timeline} became {current.timeline}: a standby was promoted, or a backup restored"


def _epoch_from(row: asyncpg.Record) -> Epoch:
    return Epoch(
        number=row["number"],
        system_identifier=row["system_identifier"],
        timeline=row["timeline"],
        heads=tuple(row["heads"]),
        reason=row["reason"],
        began_at=row["began_at"],
    )
