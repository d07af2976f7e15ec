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


class Queue(Handle[bytes]):
    __doc__ = Handle.__doc__

    def put(
        self,
        item: Buffer,
        block: bool = True,
        timeout: float | None = None,
        *,
        headers: Headers | None = None,
    ) -> None:
        """Append a message. While the queue is full wait for `timeout` seconds (None: for ever), then raise Full.

        headers: a mapping of str to str or bytes, of a queue with max_headers.
        """
        if headers:
            self._put_more(item, headers, "", 0, block, timeout)
            return
        wait = -1 if block and timeout is None else nanoseconds(block, timeout)
        result = _raw.enqueue_patiently(self, item, wait)
        if result:
            self._fail(result, _raw.CQ_FULL, block, _size(item))

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

    def put_nowait(self, item: Buffer) -> None:
        """put(item, block=False)."""
        result = _raw.enqueue_patiently(self, item, 0)
        if result:
            self._fail(result, _raw.CQ_FULL, False, _size(item))

    def get(self, block: bool = True, timeout: float | None = None) -> bytes:
        """Remove the oldest message. While there is none wait for `timeout` seconds (None: for ever), then Empty."""
        got = _raw.dequeue_bytes(self, -1 if block and timeout is None else nanoseconds(block, timeout))
        if not isinstance(got, bytes):
            self._received(got, _raw.CQ_EMPTY, block)
        return got

    def get_nowait(self) -> bytes:
        """get(block=False)."""
        got = _raw.dequeue_bytes(self, 0)
        if not isinstance(got, bytes):
            self._received(got, _raw.CQ_EMPTY, False)
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
