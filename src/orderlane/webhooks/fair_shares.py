"""Fair shares of a bounded number of connections: whatever one client takes, some are left for the others.

A client gets another connection while it holds fewer than are free (Choudhury and Hahne's dynamic threshold). So one
that wants all gets half of them, and of n that want all each gets one of n + 1 equal parts: the last part stays free
for whoever comes next, and is found free at once.
"""

import asyncio
from typing import Final

import structlog

from orderlane.domain.ids import ClientId

TOLD_SECONDS: Final = 60.0
"""How often it is logged that a client waits for its share."""

_log = structlog.get_logger("orderlane.webhooks")


class FairShares:
    """Connections that clients hold, and those of their deliveries that wait, each client's in order.

    Args:
        total: how many there are, at least 1.
        of: what is shared, for the log.
    """

    def __init__(self, total: int, of: str = "requests") -> None:
        self._of = of
        self._free = total
        self._held: dict[ClientId, int] = {}
        self._waiting: dict[ClientId, dict[asyncio.Future[None], None]] = {}
        self._told_at: dict[ClientId, float] = {}

    @property
    def free(self) -> int:
        """How many nobody holds."""
        return self._free

    def held(self, client_id: ClientId) -> int:
        """How many a client holds."""
        return self._held.get(client_id, 0)

    async def acquire(self, client_id: ClientId, stop: asyncio.Event) -> bool:
        """Take a connection, as soon as there is one in the client's share; False without one, once `stop` is set."""
        if client_id not in self._waiting and self._has_room(client_id):
            self._take(client_id)
            return True
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client_id, {})[turn] = None
        self._tell(client_id)
        return await self._waited(client_id, turn, stop)

    def release(self, client_id: ClientId) -> None:
        """Give a connection back: whoever waits and holds the fewest gets it, if it is in its share."""
        self._free += 1
        self._held[client_id] -= 1
        if not self._held[client_id]:
            del self._held[client_id]
        self._serve_waiting()

    async def _waited(self, client_id: ClientId, turn: asyncio.Future[None], stop: asyncio.Event) -> bool:
        stopping = asyncio.create_task(stop.wait())
        is_taken = False
        try:
            await asyncio.wait((turn, stopping), return_when=asyncio.FIRST_COMPLETED)
            is_taken = turn.done() and not stop.is_set()
        finally:
            stopping.cancel()
            if not is_taken:
                self._leave(client_id, turn)
        return is_taken

    def _leave(self, client_id: ClientId, turn: asyncio.Future[None]) -> None:
        """Wait no more; what came meanwhile is given back."""
        if turn.done():
            self.release(client_id)
            return
        turns = self._waiting[client_id]
        del turns[turn]
        if not turns:
            del self._waiting[client_id]

    def _serve_waiting(self) -> None:
        while self._waiting:
            client_id = min(self._waiting, key=self.held)
            if not self._has_room(client_id):
                return
            turns = self._waiting.pop(client_id)
            turn = next(iter(turns))
            del turns[turn]
            if turns:
                self._waiting[client_id] = turns  # behind the others that hold as many
            self._take(client_id)
            turn.set_result(None)

    def _has_room(self, client_id: ClientId) -> bool:
        return self.held(client_id) < self._free

    def _take(self, client_id: ClientId) -> None:
        self._free -= 1
        self._held[client_id] = self.held(client_id) + 1

    def _tell(self, client_id: ClientId) -> None:
        now = asyncio.get_running_loop().time()
        self._told_at = {told: at for told, at in self._told_at.items() if now < at + TOLD_SECONDS}
        if client_id not in self._told_at:
            self._told_at[client_id] = now
            held = self.held(client_id)
            _log.warning("client_share_full", of=self._of, client_id=client_id, held=held, free=self._free)
