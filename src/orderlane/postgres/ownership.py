"""How processes own keys (lanes, subscriptions): each key has one owner, by a session-level advisory lock.

The lock lives in the session on which the owner writes, so when the session ends, lock and open transaction end with
it. Each session of a role also holds a shared lock that counts it; a fair share is the number of keys over that count.
A session that joins or releases keys notifies the others: a hint to redistribute now, not only at the next turn.

In `pg_locks` an owner of a key has `classid` = role + 65536 * venue number, and `objid` = the key; a session of a role
has `classid` 7000, and the other's `classid` as its `objid`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from enum import IntEnum
from time import monotonic

from orderlane.postgres.connection import (
    DIRECT,
    NOTIFY_OWNERSHIP,
    Connection,
    SessionsRefused,
    connect,
    poolers_refused,
)
from orderlane.postgres.queries import queries
from orderlane.postgres.wakeups import notify

_SESSIONS = 7000
_PROOF = 7009
_VENUE_BITS = 16
FREED_SECONDS_MAX = 5.0
_POLL_SECONDS = 0.02

_SQL = queries("ownership")


class ClaimRole(IntEnum):
    """What is owned; the number is the class of the advisory locks."""

    LANES = 7001
    GATEWAY_LANES = 7002
    SUBSCRIPTIONS = 7003
    TIMERS = 7004


class Claims:
    """One session's part of the keys of a role; a gateway's role is that of its venue."""

    def __init__(
        self,
        connection: Connection,
        role: ClaimRole,
        on_hint: Callable[[], None] | None = None,
        *,
        venue_number: int = 0,
    ) -> None:
        self._connection = connection
        self._class = lock_class(role, venue_number)
        self._on_hint = on_hint
        self._joined = False
        self.is_hinted = False
        self.owned: frozenset[int] = frozenset()

    async def redistribute(self, keys: Sequence[int], busy: Collection[int] = ()) -> frozenset[int]:
        """Claim free keys up to a fair share of `keys`, release what exceeds it or is no key any more; those owned now.

        A session below its share claims what a dead one left as soon as its locks are gone. Keys in `busy` are not
        released yet.
        """
        self.is_hinted = False
        share = await self._fair_share(len(keys))
        kept = self._kept(keys, share)
        await self.release(self.owned - set(kept) - set(busy))
        if len(kept) < share:
            await self._claim(sorted(set(keys) - set(kept)), share - len(kept))
        return self.owned

    async def surplus(self, keys: Sequence[int]) -> frozenset[int]:
        """Those that `redistribute` is going to release, so that their owner can finish its work on them."""
        return self.owned - set(self._kept(keys, await self._fair_share(len(keys))))

    async def release(self, keys: Collection[int]) -> None:
        """Give owned keys up: another session may claim them at once."""
        released = self.owned & set(keys)
        if released:
            await self._connection.fetch(_SQL["release"], self._class, sorted(released))
            self.owned -= released
            await notify(self._connection, [NOTIFY_OWNERSHIP])

    def _kept(self, keys: Sequence[int], share: int) -> list[int]:
        return sorted(self.owned & set(keys))[:share]

    async def _fair_share(self, key_count: int) -> int:
        if not self._joined:
            await self._connection.add_listener(NOTIFY_OWNERSHIP, self._hint)
            await self._connection.execute(_SQL["join_role"], _SESSIONS, self._class)
            await notify(self._connection, [NOTIFY_OWNERSHIP])
            self._joined = True
        sessions: int = await self._connection.fetchval(_SQL["count_sessions"], _SESSIONS, self._class)
        return -(-key_count // max(sessions, 1))

    def _hint(self, *_: object) -> None:
        """Some keys may have come free, or another session wants some."""
        self.is_hinted = True
        if self._on_hint is not None:
            self._on_hint()

    async def _claim(self, keys: Sequence[int], count: int) -> None:
        free = await self._connection.fetch(_SQL["free_keys"], self._class, keys)
        chosen = [row["key"] for row in free][:count]
        if chosen:
            claimed = await self._connection.fetch(_SQL["claim"], self._class, chosen)
            self.owned |= {row["key"] for row in claimed}


def lock_class(role: ClaimRole, venue_number: int = 0) -> int:
    """The class of the advisory locks of a role, for one venue where the role has one."""
    return role | venue_number << _VENUE_BITS


async def owned_keys(connection: Connection, role: ClaimRole, *, venue_number: int = 0) -> frozenset[int]:
    """The keys of a role that some session owns: what is missing has no owner."""
    rows = await connection.fetch(_SQL["owned_keys"], lock_class(role, venue_number))
    return frozenset(row["key"] for row in rows)


async def prove_advisory_locks(dsn: str) -> None:
    """See that a database has sessions of its own, and that their advisory locks exclude each other.

    A pooler in transaction mode serves many clients by one session, which then holds a lock for all of them; some
    engines accept the statements and lock nothing. With either, every process would own every lane.

    Raises:
        SessionsRefused: a lock is no lock there, and why.
        asyncpg.PostgresError: the server refuses.
        OSError: nobody answers.
    """
    with poolers_refused():
        async with _opened(dsn) as first:
            async with _opened(dsn) as second:
                await _prove_sessions(first, second)
                await _prove_exclusion(first, second)
            await _prove_end(first)


@asynccontextmanager
async def _opened(dsn: str) -> AsyncIterator[Connection]:
    session = await connect(dsn, "orderlane lock proof")
    try:
        yield session
    finally:
        session.terminate()


async def _prove_sessions(first: Connection, second: Connection) -> None:
    """See that each connection has one server process to itself, and the settings that it asked for."""
    firsts = {await _backend(first) for _ in range(3)}
    async with second.transaction():
        seconds = {await _backend(second)}
        if firsts & seconds or len(firsts) > 1:
            raise SessionsRefused(_POOLED)
        firsts.add(await _backend(first))
    seconds.add(await _backend(second))
    if firsts & seconds or len(firsts) > 1 or len(seconds) > 1:
        raise SessionsRefused(_POOLED)
    if not await first.fetchval(_SQL["has_settings"]):
        raise SessionsRefused(f"it drops the settings of a session: {DIRECT}")


_POOLED = f"two connections share one session, so its locks are no locks (a pooler in transaction mode?): {DIRECT}"


async def _backend(session: Connection) -> int:
    pid: int = await session.fetchval(_SQL["backend"])
    return pid


async def _prove_exclusion(first: Connection, second: Connection) -> None:
    """See that a lock of the first session excludes the second, which gets it when it is released."""
    key = await _backend(first)
    if not await first.fetchval(_SQL["try_lock"], _PROOF, key):
        raise SessionsRefused("it refuses an advisory lock that nobody has")
    if await second.fetchval(_SQL["try_lock"], _PROOF, key):
        raise SessionsRefused("it gives two sessions the same advisory lock, so that each lane would have many owners")
    await first.fetch(_SQL["release"], _PROOF, [key])
    if not await second.fetchval(_SQL["try_lock"], _PROOF, key):
        raise SessionsRefused("it does not release an advisory lock, so that lanes could not change their owner")


async def _prove_end(first: Connection) -> None:
    """See that the end of a session, which had the lock of `_prove_exclusion`, releases its locks."""
    deadline, key = monotonic() + FREED_SECONDS_MAX, await _backend(first)
    while not await first.fetchval(_SQL["try_lock"], _PROOF, key):
        if monotonic() > deadline:
            raise SessionsRefused("it keeps the advisory locks of a session that has ended")
        await asyncio.sleep(_POLL_SECONDS)
