"""The lane worker: takes the messages of its lanes in batches, decides them, and writes what follows."""

import asyncio
import traceback
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from time import perf_counter

import structlog

from orderlane.ports.errors import StoreUnavailable
from orderlane.ports.lanes import Changes, LaneBatch, LaneStore
from orderlane.sources import Sources
from orderlane.workers.batch import decide_batch

_log = structlog.get_logger("orderlane.worker")


@dataclass(frozen=True, slots=True)
class LaneWorkerLimits:
    """How much a worker takes at once, and how long it waits, in seconds."""

    batch_messages_max: int = 400
    rebalance_seconds: float = 1.0
    poll_seconds: float = 0.25


class LaneWorker:
    """One writer of a fair share of the lanes."""

    def __init__(self, store: LaneStore, sources: Sources, limits: LaneWorkerLimits | None = None) -> None:
        self._store = store
        self._sources = sources
        self._limits = limits or LaneWorkerLimits()
        self.lanes: frozenset[int] = frozenset()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set. Raises StoreUnavailable when the session, and with it the lanes, are lost."""
        try:
            await self._work(stop)
        finally:
            await self._store.close()

    async def _work(self, stop: asyncio.Event) -> None:
        rebalanced_at = float("-inf")
        while not stop.is_set():
            if self._store.is_rebalance_hinted or perf_counter() - rebalanced_at >= self._limits.rebalance_seconds:
                await self._rebalance()
                rebalanced_at = perf_counter()
            if not await self._work_off():
                await self._store.wait_for_message(self._limits.poll_seconds)

    async def _rebalance(self) -> None:
        before, self.lanes = self.lanes, await self._store.rebalance()
        if self.lanes != before:
            _log.info("lanes rebalanced", owned=len(self.lanes), gained=len(self.lanes - before))

    async def _work_off(self) -> int:
        """Apply one batch; how many messages it had."""
        limit = self._limits.batch_messages_max
        try:
            return await self._apply(self._store.batch(self.lanes, limit))
        except (StoreUnavailable, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - one bad message must not stop the others
            _log.warning("batch failed, its messages are retried one by one", error=repr(error))
            return await self._work_off_singly(await self._store.waiting(self.lanes, limit))

    async def _work_off_singly(self, message_ids: Collection[int]) -> int:
        for message_id in message_ids:
            try:
                await self._apply(self._store.single(message_id))
            except (StoreUnavailable, asyncio.CancelledError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, an operator has to see it
                await self._quarantine(message_id, error)
        return len(message_ids)

    async def _quarantine(self, message_id: int, error: Exception) -> None:
        told = "".join(traceback.format_exception(error))
        await self._store.quarantine(message_id, told, self._sources.clock.now())
        _log.error("message quarantined, its account is held", message_id=message_id, error=repr(error))

    async def _apply(self, transaction: AbstractAsyncContextManager[LaneBatch]) -> int:
        began = perf_counter()
        async with transaction as batch:
            loaded = batch.loaded
            if not loaded.messages:
                return 0
            changes = await decide_batch(loaded, self._sources.clock.now(), self._sources.ids.new_id)
            await batch.write(changes)
        _log.info("batch applied", **_figures(changes), latency_ms=round((perf_counter() - began) * 1000, 2))
        return len(loaded.messages)


def _figures(changes: Changes) -> dict[str, int]:
    return {
        "messages": len(changes.applied),
        "accounts": len(changes.lanes),
        "events": len(changes.events),
        "orders": len(changes.new_orders),
        "executions": len(changes.new_executions),
    }
