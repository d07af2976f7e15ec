"""Queue: the vocabulary of the standard library's queue.Queue, for bytes and between processes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from . import _raw
from .errors import CqueueError, TooSmallError, error
from .handle import Handle, Headers
from .settings import check_count, nanoseconds

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Queue(_raw.Single, Handle[bytes]):
    __doc__ = Handle.__doc__

    # put(), put_nowait(), get() and get_nowait() are in native/quick.c: they are called often

    def _put(
        self,
        item: Buffer,
        block: bool = True,
        timeout: float | None = None,
        *,
        headers: Headers | None = None,
    ) -> None:
        """Called by native/quick.c for put(), where that has more to do than to put bytes where there is room."""
        if headers:
            self._put_more(item, headers, "", 0, block, timeout)
            return
        wait = -1 if block and timeout is None else nanoseconds(block, timeout)
        result = _raw.enqueue_patiently(self, item, wait)
        if result:
            self._fail(result, _raw.CQ_FULL, block, _size(item))

    def _get(self, block: bool = True, timeout: float | None = None) -> bytes:
        """The same for get()."""
        got = _raw.dequeue_bytes(self, -1 if block and timeout is None else nanoseconds(block, timeout))
        if not isinstance(got, bytes):
            self._received(got, _raw.CQ_EMPTY, block)
        return got

    # What errors call them.
    _put.__qualname__ = "Queue.put"
    _get.__qualname__ = "Queue.get"

    def put_from(
        self,
        source: str,
        number: int,
        item: Buffer,
        block: bool = True,
        timeout: float | None = None,
        *,
        headers: Headers | None = None,
    ) -> bool:
        """Append a message that comes from elsewhere, exactly once: it is put and its source's number is raised to
        `number` in one step. False: the source has come to this number before, so it was put then."""
        return self._put_from(source, number, item, headers, block, timeout)

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
            self._received((result, size) if result == _raw.CQ_EIO else result, _raw.CQ_EMPTY, block)
        return size

    def put_many(self, items: Iterable[Buffer], block: bool = True, timeout: float | None = None) -> None:
        """Append messages in this order, as many at once as there is room for; others' may come in between.

        When there is no room for all, or it timed out: Full. Its `done`, as any other error's, is how many went in.
        """
        put_all(self, self._encode(items), block, timeout)

    def _encode(self, items: Iterable[Buffer]) -> tuple[Buffer, ...]:
        return tuple(items)

    def get_many(self, count: int = 64, block: bool = True, timeout: float | None = None) -> list[bytes]:
        """Remove up to `count` of the oldest messages: what is waiting, or once one has come. Empty as for get()."""
        got = _raw.dequeue_batch(self, check_count(count), nanoseconds(block, timeout))
        if not isinstance(got, list):
            self._received(got, _raw.CQ_EMPTY, block)
        return got


def put_all(queue: Handle[Any], items: tuple[Buffer, ...], block: bool, timeout: float | None) -> None:
    """put_many(), for all kinds of queues."""
    result, done = _raw.enqueue_batch(queue, items, nanoseconds(block, timeout))
    if result != _raw.CQ_OK:
        largest = max(map(_size, items)) if result == _raw.CQ_ETOOBIG else 0
        try:
            queue._fail(result, _raw.CQ_FULL, block, largest)
        except CqueueError as failure:
            failure.done = done
            raise


def _size(item: Buffer) -> int:
    return memoryview(item).nbytes
