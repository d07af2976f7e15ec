"""Handle: an open queue, and all that does not depend on what its messages are. Queue and TypedQueue add that.

It owns opening, in this process and again in a forked child; messages in place; what can be learned; and the end.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Self, TypeVar

from . import _raw
from .errors import Cancelled, ClosedError, DiskError, NotFoundError, TimedOut, ended_in_vain, error
from .facts import Participant, Recovery, Stats, Waiting, read
from .settings import Flags, Settings, nanoseconds

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from .aio import Line

T = TypeVar("T")
Headers = Mapping[str, "str | Buffer"]


class Batch(list[_raw.Message]):
    """Messages that were taken at once. Made by take_many().

    In a `with` statement those that are held still are released at the end, or given back if an exception leaves the
    block.
    """

    def release(self) -> None:
        """Done with all that are held still."""
        for message in self:
            if message.held:
                message.release()

    def give_back(self) -> None:
        """Not done with those that are held still."""
        for message in self:
            if message.held:
                message.give_back()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for message in self:
            message.__exit__(kind, error, trace)


class Handle(_raw.Handle, Generic[T]):
    """An open handle on the queue `name`: created if there is none, attached to if there is (see `flags`).

    capacity and max_message_size: messages and bytes; 0 is whatever the queue has, or 65,536 and 4,096 when it is
    created. Up to 12 KiB each message takes a slot of max_message_size, however short it is; beyond, the pages that it
    needs.

    flags: Flags.CREATE (the default), EXCLUSIVE or ATTACH. permissions: the file's (0: 0o600). directory: where the
    file is (None: shared memory). max_held: messages that may be held at a time, beside `capacity` waiting ones, in a
    queue that is created. max_memory: bytes of memory or disk it may take then (0: any number); it is Full when it
    would need more. reserve: bytes for messages that it takes at once and keeps.

    read_only: attach; only walk() and stats() and what is made of them work. trust: accept a queue whoever owns it and
    whoever of its group may write to it, but never one that everybody may write to. keep_unlinked: waits go on when the
    queue was removed, instead of ending with Stale. any_filesystem: do not refuse a file system by its kind.

    durable: the queue survives power cuts as far as sync() was called; durable_directory: the directory on a disk that
    keeps it, for this queue alone (None: `cqueue.<name>.d` in `directory`, so then that must be on a disk). sync: calls
    on this handle sync by themselves, each before it returns.

    max_headers: bytes that the headers of a message may have (each message costs so many more). exclusive_consumer: one
    handle at a time takes or gets, until it is closed or dies. max_deliveries: a message that was delivered so often
    goes to the queue dead_letter (of the same directory) in place of the next delivery. time_to_live: seconds, after
    which a message goes there too, or is dropped. enqueue_times: messages know when they were put. These are
    properties of the queue, given when it is created; later ones may leave them out.

    Any number of threads may use it at once. It may be pickled, which passes on the name: whoever unpickles it attaches
    to the same queue. In a forked child it opens the queue again, at the first use.
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
        max_memory: int = 0,
        reserve: int = 0,
        read_only: bool = False,
        trust: bool = False,
        keep_unlinked: bool = False,
        any_filesystem: bool = False,
        durable: bool = False,
        durable_directory: str | os.PathLike[str] | None = None,
        sync: bool = False,
        max_headers: int = 0,
        exclusive_consumer: bool = False,
        max_deliveries: int = 0,
        dead_letter: str | None = None,
        time_to_live: float | None = None,
        enqueue_times: bool = False,
    ) -> None:
        self.name = name
        flags |= Flags.READ_ONLY if read_only else 0
        flags |= Flags.TRUST if trust else 0
        flags |= Flags.KEEP_UNLINKED if keep_unlinked else 0
        flags |= Flags.ANY_FILESYSTEM if any_filesystem else 0
        flags |= Flags.DURABLE if durable or durable_directory is not None else 0
        flags |= Flags.SYNC if sync else 0
        flags |= Flags.EXCLUSIVE_CONSUMER if exclusive_consumer else 0
        flags |= Flags.ENQUEUE_TIMES if enqueue_times else 0
        self._settings = Settings(
            capacity,
            max_message_size,
            flags,
            permissions,
            directory,
            max_held,
            max_memory,
            reserve,
            durable_directory,
            max_headers,
            max_deliveries,
            dead_letter,
            time_to_live,
        )
        self._keeps_on = bool(flags & Flags.KEEP_UNLINKED)
        self._lines: dict[bool, Line] = {}
        self._open(self._settings)
        facts = self.stats()
        self._capacity = facts.capacity
        self._max_message_size = facts.max_message_size
        self._created = facts.created
        _opened.add(self)

    def _open(self, settings: Settings) -> None:
        with settings.config() as config:
            result = _raw.cq_open(self.name, config, self)
            if result != _raw.CQ_OK:
                raise error(result, self.name, config, filename=settings.file(self.name))
        _raw.handle_set_syncs(self, bool(settings.flags & Flags.SYNC))

    def _open_in_child(self) -> None:
        """Called by native/handle.c at the first use after a fork."""
        with _opening:
            if not self.forked:  # another thread was faster
                return
            self._lines = {}
            self._open(self._settings.attaching())
            if self.stats().created != self._created:  # it was removed, and somebody made another
                self.close()
                self._check(_raw.CQ_STALE)

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

    @property
    def durable_directory(self) -> str | None:
        """Where what was synced is kept; None: the queue is not durable."""
        if not self.stats().durable:
            return None
        result, path = _raw.cq_durable_directory(self)
        self._check(result)
        return str(path)

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"{self._capacity} messages of {self._max_message_size} bytes"
        return f"<{type(self).__name__} {self.name!r}: {state}>"

    # ---- what Queue and TypedQueue add

    def put(self, item: T, block: bool = True, timeout: float | None = None, *, headers: Headers | None = None) -> None:
        """Append an item."""
        raise NotImplementedError

    def put_from(
        self,
        source: str,
        number: int,
        item: T,
        block: bool = True,
        timeout: float | None = None,
        *,
        headers: Headers | None = None,
    ) -> bool:
        """Append an item that comes from elsewhere, once."""
        raise NotImplementedError

    def put_nowait(self, item: T) -> None:
        """put(item, block=False)."""
        raise NotImplementedError

    def put_many(self, items: Any, block: bool = True, timeout: float | None = None) -> None:
        """Append messages in this order, as many at once as there is room for; others' may come in between."""
        raise NotImplementedError

    def get_nowait(self) -> T:
        """get(block=False)."""
        raise NotImplementedError

    def get(self, block: bool = True, timeout: float | None = None) -> T:
        """Remove the oldest message. While there is none wait for `timeout` seconds (None: for ever), then Empty."""
        raise NotImplementedError

    def get_many(self, count: int = 64, block: bool = True, timeout: float | None = None) -> list[T]:
        """Remove up to `count` of the oldest messages: what is waiting, or once one has come. Empty as for get()."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[T]:
        """The messages as they come, each removed as by get(). Ends when the queue is closed, or the wait cancelled."""
        try:
            while True:
                yield self.get()
        except (Cancelled, ClosedError):
            return

    # ---- messages, in place. take() is in native/take.c: it is called often

    def _patience(self, block: bool = True, timeout: float | None = None) -> int:
        """Called by native/take.c for take()."""
        return nanoseconds(block, timeout)

    def _fail_to_take(self, result: int, block: bool) -> NoReturn:
        """The same."""
        self._fail(result, _raw.CQ_EMPTY, block)

    def take_many(self, count: int = 64, block: bool = True, timeout: float | None = None) -> Batch:
        """Take up to `count` of the oldest: what is waiting, or once one has come. `with q.take_many() as batch:
        ...`."""
        if count < 1:
            raise ValueError("'count' must be positive")
        got = _raw.take_batch(self, count, nanoseconds(block, timeout))
        if isinstance(got, int):
            self._fail(got, _raw.CQ_EMPTY, block)
        return Batch(got)

    def messages(self) -> Iterator[_raw.Message]:
        """take() each as they come. One that is held still when the next is asked for is given back. Ends as iterating
        does."""
        try:
            while True:
                message = self.take()
                yield message
                if message.held:
                    message.give_back()
        except (Cancelled, ClosedError):
            return

    def reserve(self, size: int, block: bool = True, timeout: float | None = None) -> _raw.Reservation:
        """Room for a message of up to `size` bytes, written in place: `with q.reserve(4) as r: r.data[:] = b"abcd"`."""
        got = _raw.reserve(self, size, nanoseconds(block, timeout))
        if isinstance(got, int):
            self._fail(got, _raw.CQ_FULL, block, size)
        return got

    # ---- messages that come from elsewhere

    def source(self, name: str) -> int:
        """The number that a source has come to, see put_from(); 0: the queue does not know it."""
        result, number = _raw.cq_source(self, name)
        self._check(result)
        return number

    def sources(self) -> dict[str, int]:
        """All of them."""
        found: dict[str, int] = {}
        self._check(_raw.cq_sources(self, found.__setitem__))
        return found

    def raise_source(self, name: str, number: int) -> bool:
        """Raise a source's number without a message. False: it was as high already."""
        result = _raw.cq_raise_source(self, name, number)
        if result != _raw.CQ_DUPLICATE:
            self._check(result)
        return result != _raw.CQ_DUPLICATE

    def _put_more(
        self, data: Buffer, headers: Headers | None, source: str, number: int, block: bool, timeout: float | None
    ) -> bool:
        """put() of more than bytes. False: a source's message that was put before."""
        packed = _raw.pack_headers(self, headers) if headers else b""
        result = _raw.enqueue_message(self, data, packed, source, number, nanoseconds(block, timeout))
        if result not in (_raw.CQ_OK, _raw.CQ_DUPLICATE):
            size = memoryview(data).nbytes
            self._fail(result, _raw.CQ_FULL, block, size if size > self._max_message_size else len(packed))
        return result == _raw.CQ_OK

    # ---- looking on

    def qsize(self) -> int:
        """How many messages are waiting. It may be another number when you have it."""
        result, length = _raw.cq_length(self)
        self._check(result)
        return length

    def empty(self) -> bool:
        """Whether none is waiting."""
        return self.qsize() == 0

    def full(self) -> bool:
        """Whether there is no room. Messages that wait to be delivered again take none."""
        if self.qsize() < self._capacity:
            return False
        if self._settings.flags & Flags.READ_ONLY:
            stats = self.stats()
            return stats.length - stats.orphans >= stats.capacity
        return _raw.wait_for_room(self, 0) == _raw.CQ_TIMEOUT

    def __len__(self) -> int:
        """qsize()."""
        return self.qsize()

    def __bool__(self) -> bool:
        """A queue is true, however many messages are waiting."""
        return True

    def stats(self) -> Stats:
        """Everything that is known about the queue. It looks at each handle; qsize() does not."""
        struct = bytearray(_raw.sizeof_cq_stats)
        self._check(_raw.cq_stat(self, struct))
        return read(struct, Stats)

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

    def trim(self) -> int:
        """Give all memory that holds no message back to the file system now, unless it was reserved: how many bytes.

        It happens by itself too, within about a second.
        """
        result, given = _raw.cq_trim(self)
        self._check(result)
        return given

    def recover(self) -> Recovery:
        """Look for dead participants now and clean up after them, which happens by itself too."""
        struct = bytearray(_raw.sizeof_cq_recovery)
        self._check(_raw.cq_recover(self, struct))
        return read(struct, Recovery)

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

    # ---- surviving power cuts

    def sync(self, timeout: float | None = None) -> None:
        """Put a durable queue on the disk as it is now: all that any process had put survives a power cut from then on.

        Many threads and processes share one flush. `timeout` bounds the wait for the flushes of others (None: none
        does): then TimedOut. Signals and close() end that wait too. DiskError, NoSpaceError: everything is in the queue
        still, and the next sync() tries again.
        """
        result = _raw.sync_patiently(self, nanoseconds(True, timeout))
        if result == _raw.CQ_TIMEOUT:
            raise TimedOut(f'"{self.name}": the sync timed out: others\' flushes took that long', self.name, result)
        self._check(result)

    # ---- the end

    def cancel(self) -> None:
        """End every wait on this handle, now and until reset_cancel(): Cancelled, wherever it would have to sleep.

        What does not wait goes on as ever, and so do other handles. Any thread may call it, and a signal's handler.
        """
        self._check(_raw.handle_cancel(self, True))

    def reset_cancel(self) -> None:
        """Allow waits again, once those that were to end have ended."""
        self._check(_raw.handle_cancel(self, False))

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
        return _attach, (
            type(self),
            self.name,
            again.flags,
            again.permissions,
            again.directory,
            {"durable_directory": again.durable_directory, **self._more()},
        )

    def _more(self) -> dict[str, Any]:
        """Arguments of a subclass that its pickle has to keep."""
        return {}

    # ---- errors

    def _check(self, result: int, size: int = 0) -> None:
        """Called by native/handle.c, too."""
        if result != _raw.CQ_OK:
            with self._settings.config() as config:
                raise error(result, self.name, config, size, self._settings.file(self.name))

    def _fail(self, result: int, ordinary: int, block: bool, size: int = 0) -> NoReturn:
        """Raise for what a waiting call returned; `ordinary` is what CQ_TIMEOUT stands for."""
        if result in (_raw.CQ_TIMEOUT, ordinary):  # often caught unread
            raise ended_in_vain(self.name, ordinary, waited=block)
        self._check(result, size if result == _raw.CQ_ETOOBIG else 0)
        raise AssertionError("a call failed with CQ_OK")

    def _received(self, got: object, ordinary: int, block: bool) -> NoReturn:
        """Raise for what a call that removes messages returned in place of them."""
        if isinstance(got, int):
            self._fail(got, ordinary, block)
        assert isinstance(got, tuple)
        try:
            self._check(got[0])
        except DiskError as failure:
            failure.data = got[1]
            raise
        raise AssertionError("a call failed with CQ_OK")

    def _closed_error(self) -> ClosedError:
        """Called by native/handle.c."""
        return ClosedError(f'"{self.name}": the queue is closed: open it again', self.name)


def _attach(
    kind: type[Handle[Any]], name: str, flags: int, permissions: int, directory: str | None, more: dict[str, Any]
) -> Handle[Any]:
    return kind(name, flags=flags, permissions=permissions, directory=directory, **more)


def unlink(name: str, directory: str | os.PathLike[str] | None = None, *, missing_ok: bool = False) -> None:
    """Remove the queue `name`. Whoever has it open keeps using it; its memory goes with the last of them."""
    settings = Settings(directory=directory)
    with settings.config() as config:
        result = _raw.cq_unlink(name, config)
        if result != _raw.CQ_OK:
            failure = error(result, name, config, filename=settings.file(name))
            if not (missing_ok and isinstance(failure, NotFoundError)):
                raise failure
    for queue in list(_opened):  # whoever removes a queue himself need not be told
        if (queue.name, queue.directory) == (name, settings.directory):
            queue._keeps_on = True


_opened: weakref.WeakSet[Handle[Any]] = weakref.WeakSet()
_opening = threading.RLock()


def after_fork() -> None:
    """In the child: the regions are not there, and another thread may have held the lock."""
    global _opening
    _opening = threading.RLock()
    _raw.module_after_fork()
