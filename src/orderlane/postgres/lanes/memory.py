"""What a lane worker remembers between batches: the accounts whose parent orders are at the venue.

A lane has one writer, so what that writer committed last is what is there: nothing has to be read again while the lane
is owned and its head stands at the version that this writer left. Memory lives with the session that owns the lanes and
is forgotten with it, lane by lane when one is given back, and when somebody else has written to a lane. It is bounded
by what it holds, as an account may have hundreds of individual orders; what it has forgotten is read from the tables.
"""

from collections.abc import Collection, Mapping

from orderlane.domain.decision import AccountState
from orderlane.domain.ids import AccountId, lane_of
from orderlane.ports.lanes import LaneHead


class LaneMemory:
    """Accounts by id as they were committed, each with its open parent orders and all that it holds."""

    def __init__(self, entries_max: int, lane_count: int) -> None:
        self._entries_max = entries_max
        self._lane_count = lane_count
        self._entries = 0
        self._versions: dict[int, int] = {}
        self._states: dict[AccountId, AccountState] = {}
        self._sizes: dict[AccountId, int] = {}

    def recall(self, account_id: AccountId) -> AccountState | None:
        """The account as it was committed; never to be changed, only copied."""
        return self._states.get(account_id)

    def keep_versions(self, heads: Mapping[int, LaneHead]) -> None:
        """Forget the accounts of those lanes that somebody else has written to since this worker did."""
        others = {lane for lane, head in heads.items() if self._versions.get(lane, head.version) != head.version}
        if others:
            self._forget_lanes(others)

    def remember(self, states: Mapping[AccountId, AccountState], heads: Mapping[int, LaneHead]) -> None:
        """Keep what a batch has committed on `heads`, without what is at its end.

        What was longest without a message is forgotten when there is too much.
        """
        self._versions.update((lane, head.version + 1) for lane, head in heads.items())
        for account_id, state in states.items():
            self._forget(account_id)
            if still_open := _open_part(state):
                self._states[account_id] = still_open
                self._sizes[account_id] = _entries_of(still_open)
                self._entries += self._sizes[account_id]
        while self._entries > self._entries_max:
            self._forget(next(iter(self._states)))

    def keep_lanes(self, lanes: Collection[int]) -> None:
        """Forget the accounts of all other lanes."""
        self._forget_lanes(set(range(self._lane_count)).difference(lanes))

    def _forget_lanes(self, lanes: Collection[int]) -> None:
        for account_id in [known for known in self._states if lane_of(known, self._lane_count) in lanes]:
            self._forget(account_id)
        for lane in lanes:
            self._versions.pop(lane, None)

    def _forget(self, account_id: AccountId) -> None:
        if self._states.pop(account_id, None) is not None:
            self._entries -= self._sizes.pop(account_id)


def _open_part(state: AccountState) -> AccountState | None:
    still_open = {parent_id: parent for parent_id, parent in state.parents.items() if not parent.is_final}
    return AccountState(state.account, state.holdings, still_open) if still_open else None


def _entries_of(state: AccountState) -> int:
    """What an account takes in memory: its individual orders and holdings."""
    return sum(len(parent.orders) for parent in state.parents.values()) + len(state.holdings)
