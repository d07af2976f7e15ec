"""Queues in an asyncio event loop: the descriptor is watched and no thread waits.

    async with AsyncQueue(Queue("orders")) as q:
        await q.put(b"two apples")
        async for message in q.messages():
            with message:
                ...

Any number of tasks, and of AsyncQueues, may use a queue, in one event loop at a time; the first that waits is served
first. Time-outs are asyncio's (asyncio.timeout, wait_for), and cancelling a call never loses a message: it is taken
only in the step that returns it. (Queue.cancel() is for threads: it does not end tasks.)
"""

from __future__ import annotations

import asyncio
import os
import select
import types
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterable
from types import TracebackType
from typing import Any, Generic, TypeVar

from . import _raw
from ._raw import Message, Reservation
from .batch import Batch
from .errors import ClosedError, CqueueError, Empty, Full, NoSpaceError
from .handle import Handle, Headers
from .queue import put_all

__all__ = ["AsyncQueue"]

T = TypeVar("T")
Result = TypeVar("Result")

# What the descriptor does not tell (that the queue was removed, or closed behind our back) is looked for so often.
LOOK_SECONDS = 1.0


# The loop waits for a moment with whoever finds nothing (native/spin.c). When that was worth it so often, it turns.
SPINS = 8


# So many messages of a long batch are tried again at once: each try looks at all that it has.
CHUNK = 1024


@types.coroutine
def _turn() -> Generator[None]:
    """Let the loop turn once: asyncio.sleep(0), without looking at the time."""
    yield


class Place:
    """One task's in a line. It lasts until the task is served; what wakes the task does not."""

    __slots__ = ("_future",)

    def __init__(self) -> None:
        self._future: asyncio.Future[None] | None = None

    async def wait(self, loop: asyncio.AbstractEventLoop) -> None:
        self._future = loop.create_future()
        await self._future

    def is_awake(self) -> bool:
        """Or will be in this turn of the loop."""
        return self._future is None or self._future.done()

    def wake(self) -> None:
        if self._future is not None and not self._future.done():
            self._future.set_result(None)


class Line:
    """The tasks that wait on one side of a queue, in order. It belongs to the handle: all its AsyncQueues share it.

    The descriptor is watched from the first wait until it is readable and nobody waits, so that a task that waits again
    soon costs nothing.
    """

    def __init__(self, queue: Handle[Any], is_room: bool) -> None:
        self._queue = queue
        self._is_room = is_room
        self._spin, self._look_once = (
            (_raw.spin_for_room, _raw.wait_for_room) if is_room else (_raw.spin_for_message, _raw.wait_for_message)
        )
        self._spun = 0
        self._waiting: deque[Place] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watched: tuple[int, asyncio.TimerHandle] | None = None
        self._file: int | None = None
        self._is_stale = False
        self.is_in_vain = False  # the last try was: a look, which costs less, comes before the next

    def has_chances(self) -> bool:
        """Whether somebody who comes now may try at once."""
        if self._waiting:
            return False
        if self.is_in_vain:
            self.is_in_vain = self._look_once(self._queue, 0) == _raw.CQ_TIMEOUT
        return not self.is_in_vain

    def tell(self) -> None:
        """A task of this loop, it may be, has done what the first one waits for: sooner than the descriptor tells."""
        if self._waiting and self._loop is asyncio._get_running_loop():
            self._waiting[0].wake()

    async def wait_for(self, attempt: Callable[[], Result]) -> Result:
        """Until it is our turn and `attempt` raises neither Empty nor Full, and there is memory."""
        loop = asyncio.get_running_loop()
        self._bind(loop)
        place = Place()
        self._waiting.append(place)
        try:
            if self._waiting[0] is not place or not await self._comes_soon():
                self._watch()
                await place.wait(loop)
            while True:
                if self._waiting[0] is place or self._queue.closed or self._is_stale:
                    try:
                        return attempt()
                    except (Empty, Full, NoSpaceError):
                        if self._is_stale:
                            self._queue._check(_raw.CQ_STALE)
                self._watch()
                await place.wait(loop)
        finally:
            if place in self._waiting:  # else its loop was closed, and another took over
                self._waiting.remove(place)

    async def _comes_soon(self) -> bool:
        """An answer of another process, or of a task of this loop, may be there sooner than the descriptor tells."""
        if self._spin(self._queue) == _raw.CQ_OK:
            self._spun += 1
            if self._spun % SPINS == 0:
                await _turn()
            return True
        await _turn()
        return self._look_once(self._queue, 0) == _raw.CQ_OK

    def _bind(self, loop: asyncio.AbstractEventLoop) -> None:
        before = self._loop
        if before is loop:
            return
        if before is not None and not before.is_closed() and (self._waiting or before.is_running()):
            raise RuntimeError(
                f'"{self._queue.name}": the queue is bound to a different event loop, which is not closed: '
                "open the queue again for this one"
            )
        self.stop()
        self._waiting.clear()  # of a loop that is gone
        self._loop = loop

    def _watch(self) -> None:
        if self._watched is None:
            assert self._loop is not None
            descriptor = self._queue.room_fileno() if self._is_room else self._queue.fileno()
            self._is_stale = False
            self._loop.add_reader(descriptor, self._wake_first)
            self._watched = descriptor, self._loop.call_later(LOOK_SECONDS, self._look)
            self._poll = select.poll()
            self._poll.register(descriptor, select.POLLIN)

    def _wake_first(self) -> None:
        """One a turn of the loop. What is left keeps the descriptor readable, and so wakes the next one."""
        if self._waiting and self._waiting[0].is_awake():
            return
        # A task that was served in this turn of the loop, and found nothing since, has made it unreadable again.
        if self._poll.poll(0):
            if self._waiting:
                self._waiting[0].wake()
            else:
                self.stop()

    def wake_all(self) -> None:
        self.stop()
        for place in list(self._waiting):
            place.wake()

    def _look(self) -> None:
        assert self._watched is not None
        assert self._loop is not None
        self._watched = self._watched[0], self._loop.call_later(LOOK_SECONDS, self._look)
        if not self._waiting:
            self.stop()
        elif self._queue.closed or self._was_removed():
            self._is_stale = not self._queue.closed
            self.wake_all()

    def _was_removed(self) -> bool:
        """Stats cost as much as there are handles: only when the file is another than before."""
        if self._queue._keeps_on:
            return False
        try:
            file = os.stat(self._queue._settings.file(self._queue.name)).st_ino
        except OSError:
            file = 0
        if file == self._file:
            return False
        self._file = file
        return self._queue.stats().unlinked

    def stop(self) -> None:
        if self._watched is not None and self._loop is not None:
            descriptor, timer = self._watched
            self._watched = None
            timer.cancel()
            if not self._loop.is_closed():
                self._loop.remove_reader(descriptor)


class AsyncQueue(Generic[T]):
    """A Queue or TypedQueue whose calls are awaited. Close it through this, so that waiting tasks learn of it."""

    def __init__(self, queue: Handle[T]) -> None:
        if not isinstance(queue, Handle):
            raise TypeError(f"an AsyncQueue is made of a Queue or TypedQueue, and not of {queue!r}")
        self.queue = queue

    def _line(self, is_room: bool) -> Line:
        lines = self.queue._lines
        return lines.get(is_room) or lines.setdefault(is_room, Line(self.queue, is_room))

    async def _once(self, is_room: bool, attempt: Callable[[], Result]) -> Result:
        """Take turns: who comes while others wait waits behind them."""
        lines = self.queue._lines
        line = lines.get(is_room)
        if line is not None and not line.has_chances():
            result = await line.wait_for(attempt)
        else:
            try:
                result = attempt()
            except (Empty, Full, NoSpaceError):
                line = self._line(is_room)
                line.is_in_vain = True
                result = await line.wait_for(attempt)
        other = lines.get(not is_room)
        if other is not None:
            other.tell()
        return result

    # ---- as of the queue

    def qsize(self) -> int:
        """As Queue.qsize()."""
        return self.queue.qsize()

    def empty(self) -> bool:
        """As Queue.empty()."""
        return self.queue.empty()

    def full(self) -> bool:
        """As Queue.full()."""
        return self.queue.full()

    @property
    def maxsize(self) -> int:
        """As Queue.maxsize."""
        return self.queue.maxsize

    def get_nowait(self) -> T:
        """As Queue.get_nowait()."""
        return self.queue.get_nowait()

    def put_nowait(self, item: T) -> None:
        """As Queue.put_nowait()."""
        self.queue.put_nowait(item)

    # ---- messages, in place

    async def take(self) -> Message:
        """As Queue.take()."""
        return await self._once(False, lambda: self.queue.take(block=False))

    async def take_many(self, count: int = 64) -> Batch:
        """As Queue.take_many()."""
        return await self._once(False, lambda: self.queue.take_many(count, block=False))

    async def messages(self) -> AsyncIterator[Message]:
        """As Queue.messages(): take() each as they come. Ends when the queue is closed."""
        try:
            while True:
                message = await self.take()
                yield message
                if message.held:
                    message.give_back()
        except ClosedError:
            return

    async def reserve(self, size: int) -> Reservation:
        """As Queue.reserve()."""
        return await self._once(True, lambda: self.queue.reserve(size, block=False))

    # ---- messages, copied

    async def get(self) -> T:
        """As Queue.get()."""
        return await self._once(False, self.queue.get_nowait)

    async def get_many(self, count: int = 64) -> list[T]:
        """As Queue.get_many()."""
        return await self._once(False, lambda: self.queue.get_many(count, block=False))

    async def put(self, item: T, *, headers: Headers | None = None) -> None:
        """As Queue.put()."""
        if headers:
            await self._once(True, lambda: self.queue.put(item, block=False, headers=headers))
        else:
            await self._once(True, lambda: self.queue.put_nowait(item))

    async def put_from(self, source: str, number: int, item: T, *, headers: Headers | None = None) -> bool:
        """As Queue.put_from()."""
        return await self._once(True, lambda: self.queue.put_from(source, number, item, block=False, headers=headers))

    async def put_many(self, items: Iterable[T]) -> None:
        """As Queue.put_many(). Cancelled, it has put those that there was room for."""
        messages = self.queue._encode(items)
        step, done = len(messages), 0  # all at first, so that one that is too large keeps all out

        def attempt() -> None:
            nonlocal step, done
            try:
                while done < len(messages):
                    put_all(self.queue, messages[done : done + step], block=False, timeout=None)
                    done += step
            except CqueueError as error:
                done += error.done
                error.done = done
                raise
            finally:
                step = min(CHUNK, self.maxsize)

        await self._once(True, attempt)

    async def __aiter__(self) -> AsyncIterator[T]:
        """The messages as they come, each removed as by get(). Ends when the queue is closed."""
        try:
            while True:
                yield await self.get()
        except ClosedError:
            return

    # ---- surviving power cuts

    async def sync(self) -> None:
        """As Queue.sync(): a thread waits for the disk, the loop goes on. Cancelled, the sync goes on by itself.

        (Calls of a queue that was opened with sync=True let the loop wait: open it with durable=True for this.)
        """
        await asyncio.to_thread(self.queue.sync)

    # ---- the end

    def close(self) -> None:
        """As Queue.close(). Tasks that wait get ClosedError."""
        lines = list(self.queue._lines.values())
        for line in lines:
            line.stop()
        self.queue.close()
        for line in lines:
            line.wake_all()

    async def __aenter__(self) -> AsyncQueue[T]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
