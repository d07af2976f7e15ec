"""Queues in an asyncio event loop: the descriptor is watched and no thread waits.

    async with AsyncQueue(Queue("orders")) as q:
        await q.put(b"two apples")
        async for message in q:
            ...

One event loop uses an AsyncQueue, with any number of tasks. Time-outs are asyncio's (asyncio.timeout, wait_for), and
cancelling a call never loses a message: it is taken only in the step that returns it. (Queue.cancel()
is for threads: it does not end tasks.)
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from . import _raw
from .errors import ClosedError, Empty, Full
from .loans import Message, Reservation
from .queue import LOOK_SECONDS, Queue

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["AsyncQueue"]

Result = TypeVar("Result")


class _Waiters:
    """The tasks that wait for one descriptor, which is watched only while there are any."""

    def __init__(self, queue: Queue, descriptor: Callable[[], int]) -> None:
        self._queue = queue
        self._descriptor = descriptor
        self._futures: deque[asyncio.Future[bool]] = deque()
        self._watched: tuple[asyncio.AbstractEventLoop, int, asyncio.TimerHandle] | None = None

    async def wait(self) -> bool:
        """Until it is worth trying again. True: for the last time, the queue was removed."""
        loop = asyncio.get_running_loop()
        if self._watched is None:
            descriptor = self._descriptor()
            loop.add_reader(descriptor, self._wake_one)
            self._watched = loop, descriptor, loop.call_later(LOOK_SECONDS, self._look)
        future: asyncio.Future[bool] = loop.create_future()
        self._futures.append(future)
        try:
            return await future
        finally:
            if future.cancelled() and future in self._futures:
                self._futures.remove(future)
            if not self._futures:
                self.stop()

    def _wake_one(self, stale: bool = False) -> None:
        """One a turn of the loop: what is left keeps the descriptor readable and wakes the next."""
        while self._futures and (future := self._futures.popleft()):
            if not future.cancelled():
                future.set_result(stale)
                break
        if not self._futures:
            self.stop()

    def wake_all(self, stale: bool = False) -> None:
        while self._futures:
            self._wake_one(stale)

    def _look(self) -> None:
        """What the descriptor does not tell: that the queue was removed, or closed without AsyncQueue.close()."""
        assert self._watched is not None
        loop, descriptor, _ = self._watched
        self._watched = loop, descriptor, loop.call_later(LOOK_SECONDS, self._look)
        if self._queue.closed or self._queue._is_stale():
            self.wake_all(True)

    def stop(self) -> None:
        if self._watched is not None:
            loop, descriptor, timer = self._watched
            self._watched = None
            timer.cancel()
            if not loop.is_closed():
                loop.remove_reader(descriptor)


class AsyncQueue:
    """A Queue whose calls are awaited. It owns the queue: close it through this, so that waiting tasks learn of it."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self._consumers = _Waiters(queue, queue.fileno)
        self._producers = _Waiters(queue, queue.room_fileno)

    async def get(self) -> bytes:
        """As Queue.get()."""
        return await self._once(self._consumers, self.queue.get_nowait)

    async def get_many(self, count: int = 64) -> list[bytes]:
        """As Queue.get_many()."""
        return await self._once(self._consumers, lambda: self.queue.get_many(count, block=False))

    async def take(self) -> Message:
        """As Queue.take()."""
        return await self._once(self._consumers, lambda: self.queue.take(block=False))

    async def put(self, item: Buffer) -> None:
        """As Queue.put()."""
        await self._once(self._producers, lambda: self.queue.put_nowait(item))

    async def put_many(self, items: Iterable[Buffer]) -> None:
        """As Queue.put_many(). Cancelled, it has put those that there was room for."""
        rest = tuple(items)

        def attempt() -> None:
            nonlocal rest
            try:
                self.queue.put_many(rest, block=False)
            except Full as full:
                rest = rest[full.done :]
                raise

        await self._once(self._producers, attempt)

    async def reserve(self, size: int) -> Reservation:
        """As Queue.reserve()."""
        return await self._once(self._producers, lambda: self.queue.reserve(size, block=False))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The messages as they come; ends when the queue is closed."""
        try:
            while True:
                yield await self.get()
        except ClosedError:
            return

    def close(self) -> None:
        """As Queue.close(). Tasks that wait get ClosedError."""
        for waiters in (self._consumers, self._producers):
            waiters.stop()
        self.queue.close()
        for waiters in (self._consumers, self._producers):
            waiters.wake_all()

    async def __aenter__(self) -> AsyncQueue:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _once(self, waiters: _Waiters, attempt: Callable[[], Result]) -> Result:
        stale = False
        while True:
            try:
                return attempt()
            except (Empty, Full):
                if stale:
                    self.queue._check(_raw.CQ_STALE)
                stale = await waiters.wait()
