"""What a lane worker remembers between batches: the accounts whose portfolio orders are at the venue.

A lane has one writer, so what that writer committed last is what is there: nothing has to be read again while the lane
is owned. Memory lives with the session that owns the lanes and is forgotten with it, or lane by lane when one is given
back. It is bounded by what it holds, as an account may have hundreds of individual orders; what it has forgotten is
read from the tables.
"""

from collections.abc import Collection, Mapping
from uuid import UUID

from orderlane.domain.decision import AccountState


class LaneMemory:
    """Accounts by id as they were committed, each with its open portfolio orders and all that it holds."""

    def __init__(self, entries_max: int) -> None:
        self._entries_max = entries_max
        self._entries = 0
        self._states: dict[UUID, AccountState] = {}

    def recall(self, account_id: UUID) -> AccountState | None:
        """The account as it was committed; never to be changed, only copied."""
        return self._states.get(account_id)

    def remember(self, states: Mapping[UUID, AccountState]) -> None:
        """Keep what a batch has committed, without what is at its end; forget what was longest without a message."""
        for account_id, state in states.items():
            self._forget(account_id)
            if still_open := _open_part(state):
                self._states[account_id] = still_open
                self._entries += _entries_of(still_open)
        while self._entries > self._entries_max:
            self._forget(next(iter(self._states)))

    def keep_lanes(self, lanes: Collection[int]) -> None:
        """Forget the accounts of all other lanes."""
        for account_id in [one for one, state in self._states.items() if state.account.lane not in lanes]:
            self._forget(account_id)

    def _forget(self, account_id: UUID) -> None:
        if forgotten := self._states.pop(account_id, None):
            self._entries -= _entries_of(forgotten)


def _open_part(state: AccountState) -> AccountState | None:
    still_open = {one: order for one, order in state.portfolio_orders.items() if not order.is_final}
    if not still_open:
        return None
    orders = {one: order for one, order in state.orders.items() if order.portfolio_order_id in still_open}
    return AccountState(state.account, state.holdings, still_open, orders)


def _entries_of(state: AccountState) -> int:
    """What an account takes in memory: its individual orders and holdings."""
    return len(state.orders) + len(state.holdings)
