"""How processes share keys (lanes, subscriptions): each key has one owner, by a session-level advisory lock.

The lock lives in the session on which the owner writes, so when the session dies, lock and open transaction die with
it. Each session also holds a shared lock that counts it; a fair share is the number of keys over that count. Who joins
and who gives back says so by a notification: a hint to rebalance now, not only at the next turn.
"""

from collections.abc import Callable, Collection, Sequence
from enum import IntEnum

from orderlane.postgres.connection import NOTIFY_SHARES, Connection
from orderlane.postgres.queries import queries
from orderlane.postgres.wakeups import notify

_SESSIONS = 7000
"""The lock class in which every session of a role holds the role's number, shared."""

_SQL = queries("shares")


class ShareRole(IntEnum):
    """What is shared; the number is the class of the advisory locks."""

    LANES = 7001
    GATEWAY_LANES = 7002
    SUBSCRIPTIONS = 7003
    TIMERS = 7004


class Share:
    """One session's part of the keys of a role."""

    def __init__(self, connection: Connection, role: ShareRole, on_hint: Callable[[], None] | None = None) -> None:
        self._connection = connection
        self._role = role
        self._on_hint = on_hint
        self._joined = False
        self.is_hinted = False
        self.owned: frozenset[int] = frozenset()

    async def rebalance(self, keys: Sequence[int], busy: Collection[int] = ()) -> frozenset[int]:
        """Take free keys up to a fair share of `keys`, give back what is too much or no key any more; those owned now.

        A session that has less than its share takes over what a dead one left as soon as its locks are gone. What is
        `busy` is not given back yet.
        """
        self.is_hinted = False
        share = await self._fair_share(len(keys))
        kept = self._kept(keys, share)
        await self._give_back(self.owned - set(kept) - set(busy))
        if len(kept) < share:
            await self._take(sorted(set(keys) - set(kept)), share - len(kept))
        return self.owned

    async def surplus(self, keys: Sequence[int]) -> frozenset[int]:
        """Those that a rebalance gives back, so that their owner can bring its work on them to an end."""
        return self.owned - set(self._kept(keys, await self._fair_share(len(keys))))

    def _kept(self, keys: Sequence[int], share: int) -> list[int]:
        return sorted(self.owned & set(keys))[:share]

    async def _fair_share(self, key_count: int) -> int:
        if not self._joined:
            await self._connection.add_listener(NOTIFY_SHARES, self._hint)
            await self._connection.execute(_SQL["join_role"], _SESSIONS, self._role)
            await notify(self._connection, [NOTIFY_SHARES])
            self._joined = True
        sessions: int = await self._connection.fetchval(_SQL["count_sessions"], _SESSIONS, self._role)
        return -(-key_count // max(sessions, 1))

    async def _give_back(self, keys: frozenset[int]) -> None:
        if keys:
            await self._connection.fetch(_SQL["give_back"], self._role, sorted(keys))
            self.owned -= keys
            await notify(self._connection, [NOTIFY_SHARES])

    def _hint(self, *_: object) -> None:
        """Some keys may have come free, or somebody wants some: a rebalance now would not be in vain."""
        self.is_hinted = True
        if self._on_hint is not None:
            self._on_hint()

    async def _take(self, keys: Sequence[int], count: int) -> None:
        free = await self._connection.fetch(_SQL["free_keys"], self._role, keys)
        wanted = [row["key"] for row in free][:count]
        if wanted:
            taken = await self._connection.fetch(_SQL["try_keys"], self._role, wanted)
            self.owned |= {row["key"] for row in taken}


async def owned_keys(connection: Connection, role: ShareRole) -> frozenset[int]:
    """The keys of a role that some session owns: what is missing has no worker."""
    return frozenset(row["key"] for row in await connection.fetch(_SQL["owned_keys"], role))
