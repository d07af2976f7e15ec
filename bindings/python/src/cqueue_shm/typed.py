"""TypedQueue: items in, items out, by a codec. What cannot be decoded is neither lost nor in the way of the others."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from . import _raw
from .batch import Batch
from .codecs import JSON, Codec
from .errors import CqueueError, DecodeError, DiskError, FeatureError, TooBigError, counted
from .handle import Handle, Headers
from .queue import Queue, put_all
from .settings import check_count, nanoseconds

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["TypedQueue"]

T = TypeVar("T")


class TypedQueue(Handle[T]):
    """As Queue, with items in place of bytes. `codec` makes the one of the other: JSON() unless you say otherwise.

    Other arguments as Queue's; max_message_size limits what the codec makes. A message is removed once it is decoded.
    One that cannot be is given back, and get() raises DecodeError, which has its bytes. get_many() returns what it
    could decode; if that is nothing it raises, else the next call does.

    With `dead_letter`, the name of a queue, the queue itself moves what was delivered `max_deliveries` times there.

    So that such a message does not come for ever: with `dead_letters`, it is put there (as it is) at its delivery
    number `max_deliveries`, and the next one comes. Its headers go along, and why it is there (cq-dead-letter:
    undecodable, cq-queue, cq-deliveries), if that queue takes them (max_headers). undecodable(error): called first; if
    it returns true the message is done with.

    take() gives messages in place; decode(message) the item of one.
    """

    def __init__(
        self,
        name: str,
        capacity: int = 0,
        max_message_size: int = 0,
        *,
        codec: Codec[T] | None = None,
        undecodable: Callable[[DecodeError], object] | None = None,
        dead_letters: Queue | None = None,
        max_deliveries: int = 3,
        **more: Any,
    ) -> None:
        if max_deliveries < 1:
            raise ValueError("'max_deliveries' must be positive")
        self._codec: Codec[T] = JSON() if codec is None else codec
        if not hasattr(self._codec, "encode") or not hasattr(self._codec, "decode"):
            raise TypeError(f"'codec' must have encode() and decode(), and is {codec!r}")
        self._undecodable = undecodable
        self._dead_letters = dead_letters
        self._max_deliveries = max_deliveries
        self._failures: deque[Exception] = deque()
        if more.get("dead_letter") is not None:
            more["max_deliveries"] = max_deliveries  # what the queue does by itself, for all its messages
        super().__init__(name, capacity, max_message_size, **more)

    def _more(self) -> dict[str, Any]:
        return {
            "codec": self._codec,
            "undecodable": self._undecodable,
            "dead_letters": self._dead_letters,
            "max_deliveries": self._max_deliveries,
        }

    # ---- in

    def put(
        self,
        item: T,
        block: bool = True,
        timeout: float | None = None,
        *,
        headers: Headers | None = None,
    ) -> None:
        """Append an item. While the queue is full wait for `timeout` seconds (None: for ever), then raise Full."""
        data = self._codec.encode(item)
        if headers:
            self._put_more(data, headers, "", 0, block, timeout)
            return
        result = _raw.enqueue_patiently(self, data, nanoseconds(block, timeout))
        if result != _raw.CQ_OK:
            self._fail(result, _raw.CQ_FULL, block, memoryview(data).nbytes)

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
        """As Queue.put_from()."""
        return self._put_from(source, number, self._codec.encode(item), headers, block, timeout)

    def put_nowait(self, item: T) -> None:
        """put(item, block=False)."""
        self.put(item, block=False)

    def put_many(self, items: Iterable[T], block: bool = True, timeout: float | None = None) -> None:
        """As Queue.put_many(). All are encoded first: one that cannot be keeps all out."""
        put_all(self, self._encode(items), block, timeout)

    def _encode(self, items: Iterable[T]) -> tuple[Buffer, ...]:
        return tuple(self._codec.encode(item) for item in items)

    # ---- out

    def decode(self, message: _raw.Message) -> T:
        """The item of a message that was taken. DecodeError, if it is none: the message stays as it is."""
        data = message.tobytes()
        try:
            return self._codec.decode(data)
        except Exception as cause:
            size = counted(len(data), "byte")
            text = f'"{self.name}": a message of {size} could not be decoded: {type(cause).__name__}: {cause}'
            error = DecodeError(text, self.name)
            error.data, error.deliveries = data, message.deliveries
            raise error from cause

    def get(self, block: bool = True, timeout: float | None = None) -> T:
        """Remove the oldest item. While there is none wait for `timeout` seconds (None: for ever), then Empty."""
        found, unsynced = self._receive(1, block, timeout)
        if unsynced is not None:
            unsynced.data = found[0]
            raise unsynced
        return found[0]

    def get_nowait(self) -> T:
        """get(block=False)."""
        return self.get(block=False)

    def get_many(self, count: int = 64, block: bool = True, timeout: float | None = None) -> list[T]:
        """Remove up to `count` of the oldest items: what is waiting, or once one has come. Empty as for get()."""
        found, unsynced = self._receive(check_count(count), block, timeout)
        if unsynced is not None:
            unsynced.data = found
            raise unsynced
        return found

    def _receive(self, count: int, block: bool, timeout: float | None) -> tuple[list[T], DiskError | None]:
        """Some items, and what is to be raised with them: they were removed, but not on the disk."""
        self._raise_failure()
        deadline = _raw.wait_deadline(nanoseconds(block, timeout))
        while True:
            got = _raw.take_batch(self, count, _raw.wait_left(deadline))
            if isinstance(got, int):
                self._fail(got, _raw.CQ_EMPTY, block)
            with Batch(got) as batch:  # so that whatever happens gives back what was not released
                found, unsynced = self._release(self._decode_all(batch))
            if found:
                return found, unsynced
            self._raise_failure()

    def _decode_all(self, batch: Batch) -> list[tuple[_raw.Message, T]]:
        """Before the first is released: whatever ends this, as a signal may, costs no item."""
        decoded = []
        for message in batch:
            try:
                decoded.append((message, self.decode(message)))
            except DecodeError as error:
                self._reject(message, error)
        return decoded

    def _release(self, decoded: list[tuple[_raw.Message, T]]) -> tuple[list[T], DiskError | None]:
        found: list[T] = []
        unsynced = None
        for message, item in decoded:
            try:
                message.release()
            except DiskError as error:
                unsynced = unsynced or error
            except CqueueError:
                if not found:
                    raise
                break  # another thread closed the queue: the rest is delivered again
            found.append(item)
        return found, unsynced

    def _reject(self, message: _raw.Message, error: DecodeError) -> None:
        """Do with it what was asked for. What fails in that is raised later, as the error is if it is kept."""
        try:
            is_done = self._dispose(message, error)
        except Exception as failure:
            self._failures.append(failure)
            is_done = False
        else:
            if not is_done:
                self._failures.append(error)
        try:
            message.release() if is_done else message.give_back()
        except DiskError as failure:
            self._failures.append(failure)

    def _dispose(self, message: _raw.Message, error: DecodeError) -> bool:
        if self._undecodable is not None and self._undecodable(error):
            return True
        if self._dead_letters is None or message.deliveries < self._max_deliveries:
            return False
        self._bury(self._dead_letters, message, error.data)
        return True

    def _bury(self, dead: Queue, message: _raw.Message, data: bytes) -> None:
        why: dict[str, str | Buffer] = {
            "cq-dead-letter": "undecodable",
            "cq-queue": self.name,
            "cq-deliveries": str(message.deliveries),
        }
        for headers in ({**why, **message.headers}, why):
            try:
                return dead.put(data, block=False, headers=headers)
            except (FeatureError, TooBigError):
                continue
        dead.put_nowait(data)

    def _raise_failure(self) -> None:
        if self._failures:
            raise self._failures.popleft()
