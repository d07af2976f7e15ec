"""Queue: the vocabulary of the standard library's queue.Queue, for bytes and between processes."""

from __future__ import annotations

import os
import select
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from . import _raw
from .errors import Cancelled, ClosedError, CqueueError, NotFoundError, TooSmallError, ended_in_vain, error
from .facts import Participant, Recovery, Stats, Waiting, read
from .loans import Message, Reservation
from .settings import Flags, Settings, nanoseconds

if TYPE_CHECKING:
    from typing_extensions import Buffer


# How often a wait on a descriptor looks whether the queue was removed. The C interface's own waits do by themselves.
LOOK_SECONDS = 1.0


class Queue(_raw.Handle):
    """An open handle on the queue `name`: created if there is none, attached to if there is (see `flags`).

    capacity and max_message_size: messages and bytes; 0 is whatever the queue has, or 65,536 and 4,096 when it is
    created. permissions: the file's (0: 0o600). directory: where the file is (None: shared memory). max_held: messages
    that may be held at a time, beside `capacity` waiting ones, in a queue that is created. trust: accept a queue
    whoever owns it and whoever of its group may write to it, but never one that everybody may write to.

    Any number of threads may use it at once. Where a wait would have to sleep it ends with Cancelled after cancel(),
    and with Stale when another process removed the queue (unless Flags.KEEP_UNLINKED is set).

    It may be pickled, which passes on the name: whoever unpickles it attaches to the same queue. A forked child opens
    its own.
    """

    name: str

    def __init__(
        self,
        name: str,
        capacity: int = 0,
        max_message_size: int = 0,
        *,
        flags: int = Flags.CREATE,
        permissions: int = 0,
        directory: str | os.PathLike[str] | None = None,
        max_held: int = 0,
        trust: bool = False,
    ) -> None:
        self.name = name
        flags |= Flags.TRUST if trust else 0
        self._settings = Settings(capacity, max_message_size, flags, permissions, directory, max_held)
        self._cancelled = False
        self._keeps_on = bool(flags & Flags.KEEP_UNLINKED)
        with self._settings.config() as config:
            result = _raw.cq_open(name, config, self)
            if result != _raw.CQ_OK:
                raise error(result, name, config)
        facts = self.stats()
        self._capacity = facts.capacity
        self._max_message_size = facts.max_message_size
        _opened.add(self)

    # ---- what it is

    @property
    def capacity(self) -> int:
        """Messages it holds at most."""
        return self._capacity

    @property
    def maxsize(self) -> int:
        """The same, as queue.Queue calls it."""
        return self._capacity

    @property
    def max_message_size(self) -> int:
        """Bytes a message has at most."""
        return self._max_message_size

    @property
    def directory(self) -> str | None:
        """Where its file is; None is the platform's shared memory."""
        return self._settings.directory

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"{self._capacity} messages of {self._max_message_size} bytes"
        return f"<{type(self).__name__} {self.name!r}: {state}>"

    # ---- messages, copied

    def put(self, item: Buffer, block: bool = True, timeout: float | None = None) -> None:
        """Append a message. While the queue is full wait for `timeout` seconds (None: for ever), then raise Full."""
        result = _raw.enqueue_patiently(self, item, nanoseconds(block, timeout))
        if result != _raw.CQ_OK:
            self._fail(result, _raw.CQ_FULL, block, item)

    def put_nowait(self, item: Buffer) -> None:
        """put(item, block=False)."""
        result = _raw.enqueue_patiently(self, item, 0)
        if result != _raw.CQ_OK:
            self._fail(result, _raw.CQ_FULL, False, item)

    def get(self, block: bool = True, timeout: float | None = None) -> bytes:
        """Remove the oldest message. While there is none wait for `timeout` seconds (None: for ever), then Empty."""
        got = _raw.dequeue_bytes(self, nanoseconds(block, timeout))
        if not isinstance(got, bytes):
            self._fail(got, _raw.CQ_EMPTY, block)
        return got

    def get_nowait(self) -> bytes:
        """get(block=False)."""
        got = _raw.dequeue_bytes(self, 0)
        if not isinstance(got, bytes):
            self._fail(got, _raw.CQ_EMPTY, False)
        return got

    def get_into(self, buffer: Buffer, block: bool = True, timeout: float | None = None) -> int:
        """As get(), into a writable buffer; how many bytes it was. One too small: TooSmallError, the message stays."""
        result, size = _raw.dequeue_patiently(self, buffer, nanoseconds(block, timeout))
        if result == _raw.CQ_ETOOSMALL:
            with self._settings.config() as config:
                failure = error(result, self.name, config, size)
            assert isinstance(failure, TooSmallError)
            failure.needed = size
            raise failure
        if result != _raw.CQ_OK:
            self._fail(result, _raw.CQ_EMPTY, block)
        return size

    def put_many(self, items: Iterable[Buffer], block: bool = True, timeout: float | None = None) -> None:
        """Append messages in this order, as many at once as there is room for; others' may come in between.

        When there is no room for all, or the time is over: Full. Its `done`, as any other error's, is how many went in.
        """
        rest = tuple(items)
        count = len(rest)
        deadline = _Deadline(nanoseconds(block, timeout))
        try:
            while True:
                result, done = _raw.enqueue_batch(self, rest)
                rest = rest[done:]
                if not rest and result == _raw.CQ_OK:
                    return
                if result == _raw.CQ_FULL and deadline.left() != 0:
                    # The next one waits, the others follow it.
                    result = _raw.enqueue_patiently(self, rest[0], deadline.left())
                    if result == _raw.CQ_OK:
                        rest = rest[1:]
                        continue
                self._fail(result, _raw.CQ_FULL, block, *rest)
        except CqueueError as failure:
            failure.done = count - len(rest)
            raise

    def get_many(self, count: int = 64, block: bool = True, timeout: float | None = None) -> list[bytes]:
        """Remove up to `count` of the oldest messages: what is waiting, or once one has come. Empty as for get()."""
        return self._get_bytes(count, block, timeout)

    def _get_bytes(self, count: int, block: bool, timeout: float | None) -> list[bytes]:
        if count < 1:
            raise ValueError("'count' must be positive")
        got = _raw.dequeue_batch(self, count)
        if isinstance(got, list):
            return got
        if got != _raw.CQ_EMPTY or not block:
            self._fail(got, _raw.CQ_EMPTY, block)
        first = Queue.get(self, block, timeout)
        more = _raw.dequeue_batch(self, count - 1) if count > 1 else []
        return [first, *more] if isinstance(more, list) else [first]

    def __iter__(self) -> Iterator[bytes]:
        """The messages as they come. Waits for the next; ends when the queue is closed, or the wait cancelled."""
        try:
            while True:
                yield self.get()
        except (Cancelled, ClosedError):
            return

    # ---- messages, in place

    def take(self, block: bool = True, timeout: float | None = None) -> Message:
        """Take the oldest message in place, ours until it is released: `with q.take() as m: use(m.data)`."""
        message = Message(self, False)
        result = _raw.take_patiently(self, message, nanoseconds(block, timeout))
        if result != _raw.CQ_OK:
            self._fail(result, _raw.CQ_EMPTY, block)
        return message

    def reserve(self, size: int, block: bool = True, timeout: float | None = None) -> Reservation:
        """Room for a message of up to `size` bytes, written in place: `with q.reserve(4) as r: r.data[:] = b"abcd"`."""
        reservation = Reservation(self, True)
        result = _raw.cq_reserve(self, size, reservation)
        if result == _raw.CQ_FULL and block:
            deadline, look = _Deadline(nanoseconds(block, timeout)), 0.0
            while result == _raw.CQ_FULL and deadline.left() != 0:
                if self._cancelled:
                    self._check(_raw.CQ_CANCELLED)
                if time.monotonic() >= look:
                    if self._is_stale():
                        self._check(_raw.CQ_STALE)
                    look = time.monotonic() + LOOK_SECONDS
                _wait_readable(self.room_fileno(), deadline.left())
                result = _raw.cq_reserve(self, size, reservation)
        if result == _raw.CQ_FULL:
            raise ended_in_vain(self.name, result, waited=block)
        self._check(result, size)
        return reservation

    # ---- looking on

    def qsize(self) -> int:
        """How many messages are waiting. It may be another number when you have it."""
        return self.stats().length

    def empty(self) -> bool:
        """Whether none is waiting."""
        return self.qsize() == 0

    def full(self) -> bool:
        """Whether `capacity` are waiting; those that are waiting to be delivered again do not count."""
        facts = self.stats()
        return facts.length - facts.orphans >= facts.capacity

    def stats(self) -> Stats:
        """Everything that is known about the queue."""
        struct = _raw.new_cq_stats()
        try:
            self._check(_raw.cq_stat(self, struct))
            return read(struct, Stats)
        finally:
            _raw.delete_cq_stats(struct)

    def walk(self, count: int | None = None) -> list[Waiting]:
        """The first `count` (None: all) of the waiting messages, without taking any; best effort while others work."""
        found: list[Waiting] = []
        if count == 0:
            return found

        def visit(position: int, deliveries: int, data: bytes) -> bool:
            found.append(Waiting(position, deliveries, data))
            return len(found) == count

        self._check(_raw.cq_walk(self, visit))
        return found

    def participants(self) -> list[Participant]:
        """Who has the queue open, what each holds and whether it waits; best effort while others work."""
        found: list[Participant] = []
        self._check(_raw.cq_participants(self, lambda struct: found.append(read(struct, Participant))))
        return found

    def recover(self) -> Recovery:
        """Look for dead participants now and clean up after them, which happens by itself too."""
        struct = _raw.new_cq_recovery()
        try:
            self._check(_raw.cq_recover(self, struct))
            return read(struct, Recovery)
        finally:
            _raw.delete_cq_recovery(struct)

    def fileno(self) -> int:
        """A descriptor that is readable while a message may be waiting: get until Empty. Not to be read or closed."""
        result, descriptor = _raw.cq_fd(self)
        self._check(result)
        return descriptor

    def room_fileno(self) -> int:
        """The same for room: readable while there may be some, put until Full."""
        result, descriptor = _raw.cq_room_fd(self)
        self._check(result)
        return descriptor

    # ---- the end

    def cancel(self) -> None:
        """End every wait on this handle, now and until reset_cancel(): Cancelled, wherever it would have to sleep.

        What does not wait goes on as ever, and so do other handles. Any thread may call it, and a signal's handler.
        """
        self._cancelled = True
        self._check(_raw.cq_cancel(self))

    def reset_cancel(self) -> None:
        """Allow waits again, once those that were to end have ended."""
        self._check(_raw.cq_cancel_reset(self))
        self._cancelled = False

    def _is_stale(self) -> bool:
        """Whether waits have to end because the queue was removed, by another process and unexpectedly."""
        return not self._keeps_on and self.stats().unlinked

    def close(self) -> None:
        """Close this handle; once is enough. Taken messages are delivered again, reservations dropped.

        Calls that wait in other threads end with ClosedError. The queue itself stays, see unlink().
        """
        _raw.handle_close(self)

    def unlink(self) -> None:
        """Remove the name. Whoever has the queue open keeps using it."""
        unlink(self.name, self._settings.directory)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        again = self._settings.attaching()
        return _attach, (type(self), self.name, again.flags, again.permissions, again.directory)

    # ---- errors

    def _check(self, result: int, size: int = 0) -> None:
        if result != _raw.CQ_OK:
            with self._settings.config() as config:
                raise error(result, self.name, config, size)

    def _fail(self, result: int, ordinary: int, block: bool, *items: Buffer) -> NoReturn:
        """Raise for what a waiting call returned; `ordinary` is what CQ_TIMEOUT stands for."""
        if result == _raw.CQ_TIMEOUT:
            raise ended_in_vain(self.name, ordinary, waited=block)
        size = max((memoryview(item).nbytes for item in items), default=0) if result == _raw.CQ_ETOOBIG else 0
        self._check(result, size)
        raise AssertionError("a call failed with CQ_OK")


def _attach(kind: type[Queue], name: str, flags: int, permissions: int, directory: str | None) -> Queue:
    return kind(name, flags=flags, permissions=permissions, directory=directory)


def unlink(name: str, directory: str | os.PathLike[str] | None = None, *, missing_ok: bool = False) -> None:
    """Remove the queue `name`. Whoever has it open keeps using it; its memory goes with the last of them."""
    settings = Settings(directory=directory)
    with settings.config() as config:
        result = _raw.cq_unlink(name, config)
        if result != _raw.CQ_OK:
            failure = error(result, name, config)
            if not (missing_ok and isinstance(failure, NotFoundError)):
                raise failure
    for queue in list(_opened):  # whoever removes a queue himself need not be told
        if (queue.name, queue.directory) == (name, settings.directory):
            queue._keeps_on = True


_opened: weakref.WeakSet[Queue] = weakref.WeakSet()


class _Deadline:
    """A time-out that is shared by several calls. Nanoseconds; negative: never."""

    def __init__(self, timeout: int) -> None:
        self._end = time.monotonic_ns() + timeout if timeout > 0 else None
        self._timeout = timeout

    def left(self) -> int:
        return self._timeout if self._end is None else max(0, self._end - time.monotonic_ns())


def _wait_readable(descriptor: int, nanoseconds_left: int) -> None:
    """Wait, but not for long: the caller looks whether the queue was closed meanwhile."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    poll.poll(50 if nanoseconds_left < 0 else min(50, nanoseconds_left / 1e6 + 1))
