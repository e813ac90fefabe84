"""The lane worker: takes the messages of its lanes in batches, decides them, and writes what follows."""

import asyncio
import traceback
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from time import perf_counter

import structlog
from msgspec import Struct

from orderlane.ports.errors import StoreUnavailable
from orderlane.ports.lanes import Changes, InboxMessage, LaneBatch, LaneLost, LaneStore
from orderlane.workers.batch import decide_batch

_log = structlog.get_logger("orderlane.worker")


class LaneWorkerLimits(Struct, frozen=True, kw_only=True):
    """How much a worker takes at once, and how long it waits, in seconds."""

    batch_messages_max: int = 400
    redistribute_seconds: float = 1.0
    poll_seconds: float = 0.25


class LaneWorker:
    """One writer of a fair share of the lanes. `new_id` gives UUIDs of version 7."""

    def __init__(self, store: LaneStore, new_id: Callable[[], str], limits: LaneWorkerLimits | None = None) -> None:
        self._store = store
        self._new_id = new_id
        self._limits = limits or LaneWorkerLimits()
        self._turn: list[int] = []
        self.lanes: frozenset[int] = frozenset()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set.

        Raises:
            StoreUnavailable: the session, and with it the lanes, are lost.
        """
        try:
            await self._work(stop)
        finally:
            await self._store.close()

    async def _work(self, stop: asyncio.Event) -> None:
        redistributed_at = float("-inf")
        while not stop.is_set():
            if self._store.is_hinted or perf_counter() - redistributed_at >= self._limits.redistribute_seconds:
                self._own(await self._store.redistribute())
                redistributed_at = perf_counter()
            if not await self._work_off():
                await self._store.wait_for_message(self._limits.poll_seconds)

    def _own(self, lanes: frozenset[int]) -> None:
        if lanes != self.lanes:
            _log.info("lanes_redistributed", owned=len(lanes), gained=len(lanes - self.lanes))
            self.lanes, self._turn = lanes, sorted(lanes)

    async def _work_off(self) -> int:
        """Apply one batch; how many messages it had."""
        limit = self._limits.batch_messages_max
        try:
            return await self._apply(self._store.batch(self._turn, limit))
        except (StoreUnavailable, asyncio.CancelledError):
            raise
        except LaneLost as loss:
            return await self._give_up(loss)
        except Exception as error:  # noqa: BLE001 - one bad message must not stop the others
            _log.warning("batch_failed", error=repr(error), outcome="retried_singly")
            return await self._work_off_singly(await self._store.waiting(self._turn, limit))

    async def _work_off_singly(self, places: Collection[tuple[int, int]]) -> int:
        for lane, message_id in places:
            try:
                await self._apply(self._store.single(lane, message_id))
            except (StoreUnavailable, asyncio.CancelledError):
                raise
            except LaneLost as loss:
                return await self._give_up(loss)
            except Exception as error:  # noqa: BLE001 - whatever it is, an operator has to see it
                await self._quarantine(lane, message_id, error)
        return len(places)

    async def _give_up(self, loss: LaneLost) -> int:
        """Leave lanes to whoever wrote to them; nothing of this batch was kept."""
        _log.error("lanes_lost", lanes=sorted(loss.lanes))
        await self._store.give_up(loss.lanes)
        self._own(self.lanes - loss.lanes)
        return 0

    async def _quarantine(self, lane: int, message_id: int, error: Exception) -> None:
        text = "".join(traceback.format_exception(error))
        await self._store.quarantine(lane, message_id, text)
        _log.error("message_quarantined", lane=lane, message_id=message_id, error=repr(error))

    async def _apply(self, transaction: AbstractAsyncContextManager[LaneBatch]) -> int:
        began = perf_counter()
        async with transaction as batch:
            loaded = batch.loaded
            if loaded is None:
                return 0
            changes = await decide_batch(loaded, self._new_id)
            await batch.write(changes)
        _log.info("batch_applied", **_counts(changes), latency_ms=round((perf_counter() - began) * 1000, 2))
        self._next_turn(loaded.messages)
        return len(changes.applied) or len(loaded.heads)

    def _next_turn(self, messages: Sequence[InboxMessage]) -> None:
        """Begin the next batch behind the lanes that this one served, so that each lane has its turn."""
        served = {message.lane for message in messages}
        self._turn = [lane for lane in self._turn if lane not in served] + [
            lane for lane in self._turn if lane in served
        ]


def _counts(changes: Changes) -> dict[str, int]:
    return {
        "messages": len(changes.applied),
        "accounts": len(changes.states),
        "parent_orders": len(changes.parents),
        "segments": len(changes.segments),
        "events": sum(len(segment.ids) for segment in changes.segments),
        "sends": sum(len(sends.orders) for sends in changes.sends),
    }
