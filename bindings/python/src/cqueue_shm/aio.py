"""Queues in an asyncio event loop: the descriptor is watched, nothing polls and no thread waits.

    async with AsyncQueue(Queue("orders")) as q:
        await q.put(b"two apples")
        async for message in q:
            ...

One event loop uses an AsyncQueue, with any number of tasks. Time-outs are asyncio's (asyncio.timeout, wait_for), and
cancelling a call never loses a message: it is taken only in the step that returns it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from .errors import ClosedError, Empty, Full
from .loans import Message, Reservation
from .queue import Queue

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["AsyncQueue"]

Result = TypeVar("Result")


class _Waiters:
    """The tasks that wait for one descriptor, which is watched only while there are any."""

    def __init__(self, descriptor: Callable[[], int]) -> None:
        self._descriptor = descriptor
        self._futures: deque[asyncio.Future[None]] = deque()
        self._watched: tuple[asyncio.AbstractEventLoop, int] | None = None

    async def wait(self) -> None:
        loop = asyncio.get_running_loop()
        if self._watched is None:
            self._watched = loop, self._descriptor()
            loop.add_reader(self._watched[1], self._wake_one)
        future = loop.create_future()
        self._futures.append(future)
        try:
            await future
        finally:
            if future.cancelled() and future in self._futures:
                self._futures.remove(future)
            if not self._futures:
                self.stop()

    def _wake_one(self) -> None:
        """One a turn of the loop: what is left keeps the descriptor readable and wakes the next."""
        while self._futures and (future := self._futures.popleft()):
            if not future.cancelled():
                future.set_result(None)
                break
        if not self._futures:
            self.stop()

    def wake_all(self) -> None:
        while self._futures:
            self._wake_one()

    def stop(self) -> None:
        if self._watched is not None:
            loop, descriptor = self._watched
            self._watched = None
            if not loop.is_closed():
                loop.remove_reader(descriptor)


class AsyncQueue:
    """A Queue whose calls are awaited. It owns the queue: close it through this, so that waiting tasks learn of it."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self._consumers = _Waiters(queue.fileno)
        self._producers = _Waiters(queue.room_fileno)

    async def get(self) -> bytes:
        """As Queue.get()."""
        return await self._once_there(self.queue.get_nowait)

    async def get_many(self, count: int = 64) -> list[bytes]:
        """As Queue.get_many()."""
        return await self._once_there(lambda: self.queue.get_many(count, block=False))

    async def take(self) -> Message:
        """As Queue.take()."""
        return await self._once_there(lambda: self.queue.take(block=False))

    async def put(self, item: Buffer) -> None:
        """As Queue.put()."""
        await self._once_room(lambda: self.queue.put_nowait(item))

    async def put_many(self, items: Iterable[Buffer]) -> None:
        """As Queue.put_many(). Cancelled, it has put those that there was room for."""
        rest = tuple(items)
        while True:
            try:
                return self.queue.put_many(rest, block=False)
            except Full as full:
                rest = rest[full.done :]
            await self._producers.wait()

    async def reserve(self, size: int) -> Reservation:
        """As Queue.reserve()."""
        return await self._once_room(lambda: self.queue.reserve(size, block=False))

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

    async def _once_there(self, attempt: Callable[[], Result]) -> Result:
        while True:
            try:
                return attempt()
            except Empty:
                await self._consumers.wait()

    async def _once_room(self, attempt: Callable[[], Result]) -> Result:
        while True:
            try:
                return attempt()
            except Full:
                await self._producers.wait()
