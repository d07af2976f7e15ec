"""Handle: what can be done with an open queue, whatever its messages are. Queue and TypedQueue add the rest.

It owns messages in place, those that come from elsewhere, looking on, and syncing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from . import _raw
from .batch import Batch
from .errors import Cancelled, ClosedError, TimedOut
from .facts import Participant, Recovery, Waiting, read
from .opened import Opened
from .settings import Flags, check_count, nanoseconds, number

if TYPE_CHECKING:
    from typing_extensions import Buffer

T = TypeVar("T")
Headers = Mapping[str, "str | Buffer"]


class Handle(Opened, Generic[T]):
    __doc__ = Opened.__doc__

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

    def _encode(self, items: Any) -> tuple[Buffer, ...]:
        """What put_many() puts."""
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

    # ---- messages, in place. take() is in native/quick.c: it is called often

    def _take(self, block: bool = True, timeout: float | None = None) -> _raw.Message:
        """Called by native/quick.c for take(), where that has more to do than to take what waits."""
        got = _raw.take(self, nanoseconds(block, timeout))
        if isinstance(got, int):
            self._fail(got, _raw.CQ_EMPTY, block)
        return got

    _take.__qualname__ = "Queue.take"  # what errors call it

    def take_many(self, count: int = 64, block: bool = True, timeout: float | None = None) -> Batch:
        """Take up to `count` of the oldest: what is waiting, or once one has come. `with q.take_many() as batch:
        ...`."""
        got = _raw.take_batch(self, check_count(count), nanoseconds(block, timeout))
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
        got = _raw.reserve(self, number("size", size, 64), nanoseconds(block, timeout))
        if isinstance(got, int):
            self._fail(got, _raw.CQ_FULL, block, size)
        return got

    # ---- messages that come from elsewhere

    def source(self, name: str) -> int:
        """The number that a source has come to, see put_from(); 0: the queue does not know it."""
        result, reached = _raw.cq_source(self, _source(name))
        self._check(result)
        return reached

    def sources(self) -> dict[str, int]:
        """All of them."""
        found: dict[str, int] = {}
        self._check(_raw.cq_sources(self, found.__setitem__))
        return found

    def raise_source(self, name: str, number: int) -> bool:
        """Raise a source's number without a message. False: it was as high already."""
        result = _raw.cq_raise_source(self, _source(name), _source_number(number))
        if result != _raw.CQ_DUPLICATE:
            self._check(result)
        return result != _raw.CQ_DUPLICATE

    def _put_from(
        self, source: str, number: int, data: Buffer, headers: Headers | None, block: bool, timeout: float | None
    ) -> bool:
        """False: it was put before."""
        return self._put_more(data, headers, _source(source), _source_number(number), block, timeout)

    def _put_more(
        self, data: Buffer, headers: Headers | None, source: str, number: int, block: bool, timeout: float | None
    ) -> bool:
        """put() of more than bytes. `source` may be empty. False: a source's message that was put before."""
        packed = _raw.pack_headers(self, headers) if headers else b""
        result = _raw.enqueue_message(self, data, packed, source, number, nanoseconds(block, timeout))
        if result not in (_raw.CQ_OK, _raw.CQ_DUPLICATE):
            size = memoryview(data).nbytes
            if result == _raw.CQ_ETOOBIG and size <= self._max_message_size:
                self._fail_headers(result, len(packed))
            self._fail(result, _raw.CQ_FULL, block, size)
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

    def walk(self, count: int | None = None) -> list[Waiting]:
        """The first `count` (None: all) of the waiting messages, without taking any; best effort while others work."""
        found: list[Waiting] = []
        if count is not None and number("count", count, 64) == 0:
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


def _source(name: str) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a source's name is a str, and not {name!r}")
    if not 0 < len(name.encode()) <= 200:
        raise ValueError(f"a source's name has 1 to 200 bytes in UTF-8, and not {len(name.encode())}")
    return name


def _source_number(value: int) -> int:
    if number("number", value, 64) == 0:
        raise ValueError("'number' must be positive: the numbers of a source begin at 1")
    return value
