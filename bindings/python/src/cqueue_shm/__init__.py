"""A crash-safe multi-producer multi-consumer queue in shared memory.

    >>> from cqueue_shm import Queue
    >>> with Queue("orders", capacity=1000, max_message_size=256) as q:
    ...     q.put(b"two apples")
    ...     q.get()
    b'two apples'

Every process that knows the name, in any language, uses the same queue. README.md is the tour; the C header cqueue.h
has the guarantees.
"""

import os

from . import _raw
from .errors import (
    AccessError,
    ClosedError,
    CorruptError,
    CqueueError,
    Empty,
    ExistsError,
    FileSystemError,
    ForkError,
    Full,
    InvalidError,
    InvalidNameError,
    LimitError,
    MismatchError,
    NoMemoryError,
    NoSpaceError,
    NotFoundError,
    NotHeldError,
    OwnerError,
    ReadOnlyError,
    SystemFailedError,
    TooBigError,
    TooSmallError,
    VersionError,
)
from .facts import Recovery, Stats, Waiting
from .loans import Message, Reservation
from .queue import Queue, unlink
from .settings import Flags

__version__ = _raw.cq_version()

__all__ = [
    "AccessError",
    "ClosedError",
    "CorruptError",
    "CqueueError",
    "Empty",
    "ExistsError",
    "FileSystemError",
    "Flags",
    "ForkError",
    "Full",
    "InvalidError",
    "InvalidNameError",
    "LimitError",
    "Message",
    "MismatchError",
    "NoMemoryError",
    "NoSpaceError",
    "NotFoundError",
    "NotHeldError",
    "OwnerError",
    "Queue",
    "ReadOnlyError",
    "Recovery",
    "Reservation",
    "Stats",
    "SystemFailedError",
    "TooBigError",
    "TooSmallError",
    "VersionError",
    "Waiting",
    "unlink",
]

# A child's memory lacks the region: what leads there is cut before any of its code runs.
os.register_at_fork(after_in_child=_raw.handle_after_fork)
