"""Opened: an open handle, whatever its messages are. handle.py adds what can be done with it.

It owns opening, in this process and again in a forked child; what pickling passes on; the end; and the errors.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from . import _raw
from .errors import ClosedError, DiskError, NotFoundError, TooBigError, counted, ended_in_vain, error
from .facts import Stats, read
from .settings import Flags, Path, Settings, number

if TYPE_CHECKING:
    from .aio import Line


class Opened(_raw.Handle):
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
        directory: Path | None = None,
        max_held: int = 0,
        max_memory: int = 0,
        reserve: int = 0,
        read_only: bool = False,
        trust: bool = False,
        keep_unlinked: bool = False,
        any_filesystem: bool = False,
        durable: bool = False,
        durable_directory: Path | None = None,
        sync: bool = False,
        max_headers: int = 0,
        exclusive_consumer: bool = False,
        max_deliveries: int = 0,
        dead_letter: str | None = None,
        time_to_live: float | None = None,
        enqueue_times: bool = False,
    ) -> None:
        self.name = name
        flags = number("flags", flags, 32)
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
        self._max_headers = facts.max_headers
        self._created = facts.created
        with _opening:
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

    def stats(self) -> Stats:
        """Everything that is known about the queue. It looks at each handle; qsize() does not."""
        struct = bytearray(_raw.sizeof_cq_stats)
        self._check(_raw.cq_stat(self, struct))
        return read(struct, Stats)

    def __repr__(self) -> str:
        size = f"{counted(self._capacity, 'message')} of {counted(self._max_message_size, 'byte')}"
        state = "closed" if self.closed else size
        return f"<{type(self).__name__} {self.name!r}: {state}>"

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

    def _fail_headers(self, result: int, size: int) -> NoReturn:
        """Called by native/headers.c, too: for what headers of `size` bytes led to."""
        if result == _raw.CQ_ETOOBIG:
            text = f"headers of {size} bytes, the queue takes {self._max_headers}: create it with a larger max_headers"
            raise TooBigError(f'"{self.name}": {text}, or send fewer', self.name, result)
        self._check(result, size)
        raise AssertionError("a call failed with CQ_OK")

    def _closed_error(self) -> ClosedError:
        """Called by native/handle.c."""
        return ClosedError(f'"{self.name}": the queue is closed: open it again', self.name)


def _attach(
    kind: type[Opened], name: str, flags: int, permissions: int, directory: str | None, more: dict[str, Any]
) -> Opened:
    return kind(name, flags=flags, permissions=permissions, directory=directory, **more)


def unlink(name: str, directory: Path | None = None, *, missing_ok: bool = False) -> None:
    """Remove the queue `name`. Whoever has it open keeps using it; its memory goes with the last of them."""
    settings = Settings(directory=directory)
    with settings.config() as config:
        result = _raw.cq_unlink(name, config)
        if result != _raw.CQ_OK:
            failure = error(result, name, config, filename=settings.file(name))
            if not (missing_ok and isinstance(failure, NotFoundError)):
                raise failure
    with _opening:
        opened = list(_opened)
    for queue in opened:  # whoever removes a queue himself need not be told
        if (queue.name, queue.directory) == (name, settings.directory):
            queue._keeps_on = True


_opened: weakref.WeakSet[Opened] = weakref.WeakSet()
_opening = threading.RLock()


def after_fork() -> None:
    """In the child: the regions are not there, and another thread may have held the lock."""
    global _opening
    _opening = threading.RLock()
    _raw.module_after_fork()
