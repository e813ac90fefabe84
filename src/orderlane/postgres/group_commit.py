"""Group commit: whoever comes while a write is under way shares the next one.

A thousand concurrent callers so cost a few transactions, and a lone one waits for nobody: there is no timer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from orderlane.ports.errors import StoreUnavailable

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class GroupCommit(Generic[ItemT, ResultT]):
    """Writes items in groups of up to `size_max`, at most `writers` groups at a time.

    `write` gets the items of a group in the order in which they came, and gives one result for each: what the caller
    of `submit` gets, or an exception instance, which it gets raised. When `write` itself raises, it must have written
    nothing: after StoreUnavailable the whole group gets that raised, after anything else each item is written alone,
    so that none fails for another's sake.
    """

    def __init__(
        self,
        write: Callable[[Sequence[ItemT]], Awaitable[Sequence[ResultT | Exception]]],
        *,
        size_max: int = 256,
        writers: int = 1,
        waiting_max: int = 10_000,
    ) -> None:
        self._write = write
        self._size_max = size_max
        self._writers = writers
        self._waiting_max = waiting_max
        self._waiting: list[tuple[ItemT, asyncio.Future[ResultT]]] = []
        self._running: set[asyncio.Task[None]] = set()

    async def submit(self, item: ItemT) -> ResultT:
        """Have the item written; its result. A caller that gives up takes a written item not back.

        Raises StoreUnavailable when too many wait already.
        """
        if len(self._waiting) >= self._waiting_max:
            raise StoreUnavailable(f"{self._waiting_max} writes wait already")
        future: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if len(self._running) < self._writers:
            self._running.add(asyncio.create_task(self._write_all()))
        return await future

    async def close(self) -> None:
        """Return when everything that was submitted is written."""
        while self._running:
            await asyncio.wait(self._running)

    async def _write_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[: self._size_max], self._waiting[self._size_max :]
            await self._write_group(group)
        # In the same step that found nothing waiting: whoever submits next starts a new task.
        self._running.discard(_current_task())

    async def _write_group(self, group: Sequence[tuple[ItemT, asyncio.Future[ResultT]]]) -> None:
        results = await self._results([item for item, _ in group])
        for (_, future), result in zip(group, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

    async def _results(self, items: Sequence[ItemT]) -> Sequence[ResultT | Exception]:
        try:
            return await self._write(items)
        except StoreUnavailable as loss:
            return [loss] * len(items)
        except Exception as error:  # noqa: BLE001 - not swallowed: the caller whose item it is gets it raised
            if len(items) == 1:
                return [error]
        return [result for item in items for result in await self._results([item])]


def _current_task() -> asyncio.Task[None]:
    task = asyncio.current_task()
    assert task is not None
    return task
