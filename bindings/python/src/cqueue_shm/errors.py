"""The exceptions: one for each error code of cqueue.h and for what ends a wait, and what the texts are made of.

Each is a CqueueError and, where Python has a fitting exception, that too: who looks for a missing queue may catch
FileNotFoundError.
"""

from __future__ import annotations

import errno
import io
import os
import queue as standard
import re
from typing import Any

from . import _raw


class CqueueError(Exception):
    """The base of all. `code` is the result in cqueue.h (None: it did not get that far), `queue` the queue's name.

    `done`: how many of put_many()'s messages went in before.
    """

    code: int | None
    queue: str
    done: int = 0

    def __init__(self, text: str = "", queue: str = "", code: int | None = None, filename: str | None = None) -> None:
        super().__init__(text)
        self.queue = queue
        self.code = code
        _say_to_oserror(self, code, filename)

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.queue, self.code, getattr(self, "filename", None)), dict(self.__dict__)

    @property
    def symbol(self) -> str:
        """The name of `code` in cqueue.h, such as CQ_ENOENT; empty if there is none."""
        return SYMBOLS.get(self.code, "")


def _say_to_oserror(error: BaseException, code: int | None, filename: str | None) -> None:
    if isinstance(error, OSError) and code in ERRNOS:
        error.errno = ERRNOS[code]
        error.strerror = os.strerror(ERRNOS[code])
        error.filename = filename


class Empty(CqueueError, standard.Empty):
    """No message is waiting, or none came in time."""


class Full(CqueueError, standard.Full):
    """There is no room, or none was made in time."""


class Cancelled(CqueueError):
    """cancel() ended the wait."""


class Stale(CqueueError, OSError):
    """The queue was removed, so that nobody who opens it by name is met here any more; a wait would have had to sleep.

    Open it again; or go on with the other handles that have it open (Flags.KEEP_UNLINKED). What is in it can still
    be taken out.
    """


class ClosedError(CqueueError, ValueError):
    """The queue was closed on this side, here or in another thread."""


class InvalidError(CqueueError, ValueError):
    """An argument is out of range."""


class InvalidNameError(CqueueError, ValueError):
    """No queue can have this name."""


class NotFoundError(CqueueError, FileNotFoundError):
    """There is no queue of that name."""


class ExistsError(CqueueError, FileExistsError):
    """There is a queue of that name already."""


class MismatchError(CqueueError, ValueError):
    """The queue exists with another capacity or message size."""


class VersionError(CqueueError, ValueError):
    """The queue was made by a version of cqueue with another format."""


class CorruptError(CqueueError):
    """The region's bytes contradict each other."""


class AccessError(CqueueError, PermissionError):
    """The system refuses access."""


class OwnerError(CqueueError, PermissionError):
    """The file is somebody else's and nobody said to trust it, or everybody may write to it."""


class NoSpaceError(CqueueError, OSError):
    """The file system is full. Nothing was lost."""


class NoMemoryError(CqueueError, MemoryError):
    """This process has no memory or address space left."""


class LimitError(CqueueError, OSError):
    """4,094 handles are open on the queue."""


class TooSmallError(CqueueError, ValueError):
    """The message is larger than the buffer, and still queued. `needed`: its size."""

    needed: int = 0


class TooBigError(CqueueError, ValueError):
    """The message is larger than the queue takes, or than was reserved."""


class ReadOnlyError(CqueueError, io.UnsupportedOperation):
    """The queue was opened with Flags.READ_ONLY."""


class ForkError(CqueueError, RuntimeError):
    """The queue was opened before a fork: the child opens its own."""


class NotHeldError(CqueueError, ValueError):
    """The message was released, given back, committed or aborted before."""


class DecodeError(CqueueError, ValueError):
    """A message is not what its codec makes. `data`: its bytes. `deliveries`: how often it was delivered. `__cause__`:
    why.

    It was given back and will be delivered again, unless the queue was told to do something else with it.
    """

    data: bytes = b""
    deliveries: int = 0


class FileSystemError(CqueueError, OSError):
    """This kind of file system cannot hold a queue."""


class SystemFailedError(CqueueError, OSError):
    """The operating system failed in a way that has no code of its own."""


class ProcessLimitError(CqueueError, OSError):
    """This process, or the system, may have no more descriptors or threads."""


class FileSizeError(CqueueError, OSError):
    """The queue's file would be larger than this process or the file system may make one."""


class TimedOut(CqueueError, TimeoutError):
    """sync() did not come to its turn in time. What was put is in the queue, and may not survive a power cut yet."""


class DiskError(CqueueError, OSError):
    """The disk failed. What the call was to do is done, but may not survive a power cut: sync() tries again.

    `data`: what a get() or get_many() of a queue opened with sync=True removed: it is yours, and nowhere else now. Of
    get_into(), how many bytes of the buffer that is.
    """

    data: Any = None


class BusyError(CqueueError, OSError):
    """The durable directory serves another region, or another process is recovering it right now."""


class ConsumerError(CqueueError, RuntimeError):
    """The queue has one consumer at a time (exclusive_consumer=True), and another handle is it."""


class SourcesError(CqueueError, ValueError):
    """The queue knows 64 sources, and this is none of them."""


class HeadersError(CqueueError, ValueError):
    """The headers are not well formed."""


class FeatureError(CqueueError, ValueError):
    """The queue was not created for this: with max_headers, or with enqueue_times."""


CLASSES: dict[int, type[CqueueError]] = {
    _raw.CQ_EMPTY: Empty,
    _raw.CQ_FULL: Full,
    _raw.CQ_CANCELLED: Cancelled,
    _raw.CQ_STALE: Stale,
    _raw.CQ_EINVAL: InvalidError,
    _raw.CQ_ENAME: InvalidNameError,
    _raw.CQ_ENOENT: NotFoundError,
    _raw.CQ_EEXIST: ExistsError,
    _raw.CQ_EMISMATCH: MismatchError,
    _raw.CQ_EVERSION: VersionError,
    _raw.CQ_ECORRUPT: CorruptError,
    _raw.CQ_EACCESS: AccessError,
    _raw.CQ_EOWNER: OwnerError,
    _raw.CQ_ENOSPACE: NoSpaceError,
    _raw.CQ_ENOMEM: NoMemoryError,
    _raw.CQ_ELIMIT: LimitError,
    _raw.CQ_ETOOSMALL: TooSmallError,
    _raw.CQ_ETOOBIG: TooBigError,
    _raw.CQ_EREADONLY: ReadOnlyError,
    _raw.CQ_EFORK: ForkError,
    _raw.CQ_ENOTHELD: NotHeldError,
    _raw.CQ_EFILESYSTEM: FileSystemError,
    _raw.CQ_ESYSTEM: SystemFailedError,
    _raw.CQ_EPROCESS: ProcessLimitError,
    _raw.CQ_EFILESIZE: FileSizeError,
    _raw.CQ_EIO: DiskError,
    _raw.CQ_EBUSY: BusyError,
    _raw.CQ_ECONSUMER: ConsumerError,
    _raw.CQ_ESOURCES: SourcesError,
    _raw.CQ_EHEADERS: HeadersError,
    _raw.CQ_EFEATURE: FeatureError,
}

SYMBOLS: dict[int | None, str] = {
    value: name
    for name, value in vars(_raw).items()
    if name in ("CQ_EMPTY", "CQ_FULL", "CQ_TIMEOUT", "CQ_CANCELLED", "CQ_STALE", "CQ_DUPLICATE")
    or (name.startswith("CQ_E") and value in CLASSES and value < 0)
}

# Of those that are an OSError.
ERRNOS: dict[int | None, int] = {
    _raw.CQ_ENOENT: errno.ENOENT,
    _raw.CQ_EEXIST: errno.EEXIST,
    _raw.CQ_EACCESS: errno.EACCES,
    _raw.CQ_EOWNER: errno.EPERM,
    _raw.CQ_ENOSPACE: errno.ENOSPC,
    _raw.CQ_ELIMIT: errno.ENFILE,
    _raw.CQ_EREADONLY: errno.EROFS,
    _raw.CQ_EFILESYSTEM: errno.EOPNOTSUPP,
    _raw.CQ_ESYSTEM: errno.EIO,
    _raw.CQ_EPROCESS: errno.EMFILE,
    _raw.CQ_EFILESIZE: errno.EFBIG,
    _raw.CQ_EIO: errno.EIO,
    _raw.CQ_EBUSY: errno.EBUSY,
    _raw.CQ_STALE: errno.ESTALE,
    _raw.CQ_TIMEOUT: errno.ETIMEDOUT,
}

# What the C interface's texts call by its own names, and what it is here.
WORDS = {
    "an argument is NULL or 0 and must not be, or a struct_size is not set; cq_open's config": (
        "an argument is invalid; what the queue was opened with"
    ),
    "CQ_TRUST; cq: --trust": "trust=True",
    "CQ_TRUST": "trust=True",
    "CQ_READ_ONLY": "read_only=True",
    "CQ_ANY_FILESYSTEM": "any_filesystem=True",
    "CQ_KEEP_UNLINKED": "keep_unlinked=True",
    "CQ_EXCLUSIVE": "Flags.EXCLUSIVE",
    "CQ_DURABLE": "durable=True",
    "CQ_EXCLUSIVE_CONSUMER": "exclusive_consumer=True",
    "CQ_ENQUEUE_TIMES": "enqueue_times=True",
    "as cq_header_add makes them": "as they have to be",
    "cq_source": "source()",
    "CQ_SYNC": "sync=True",
    "cq_sync": "sync()",
    "CQ_ATTACH": "Flags.ATTACH",
    "cq_cancel_reset": "reset_cancel()",
    "cq_cancel": "cancel()",
    "cq_participants": "participants()",
    "cq_config.max_held": "max_held",
    "cq_config.max_memory": "max_memory",
    "cq_config.reserve": "reserve",
    "cq_stats.max_held": "stats().max_held",
    "cq_close": "close()",
    "cq_unlink": "unlink()",
    "cq_release": "release()",
}
_IN_TEXTS = re.compile("|".join(map(re.escape, sorted(WORDS, key=len, reverse=True))))


def counted(count: int, noun: str) -> str:
    """'1 byte', '2 bytes'."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def error(code: int, name: str, config: bytearray, size: int = 0, filename: str | None = None) -> CqueueError:
    """The exception for a result of a call on the queue `name`; `size` is the size that was asked for."""
    text = _IN_TEXTS.sub(lambda found: WORDS[found[0]], _raw.cq_explain(code, name, config, size))
    return CLASSES[code](text, name, code, filename)


def ended_in_vain(name: str, ordinary: int, waited: bool) -> CqueueError:
    """The exception for CQ_EMPTY or CQ_FULL. These are ordinary, often caught unread: no time goes into their text."""
    text = f'"{name}": {IN_VAIN[ordinary]}'
    if waited:
        return CLASSES[ordinary](f"{text}: timed out", name, _raw.CQ_TIMEOUT)
    return CLASSES[ordinary](text, name, ordinary)


IN_VAIN = {code: _raw.cq_strerror(code) for code in (_raw.CQ_EMPTY, _raw.CQ_FULL)}
