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
    Cancelled,
    ClosedError,
    CorruptError,
    CqueueError,
    Empty,
    ExistsError,
    FileSizeError,
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
    ProcessLimitError,
    ReadOnlyError,
    Stale,
    SystemFailedError,
    TooBigError,
    TooSmallError,
    VersionError,
)
from .facts import Participant, Recovery, Stats, Waiting
from .loans import Message, Reservation
from .queue import Queue, unlink
from .settings import Flags

__version__ = _raw.cq_version()

__all__ = [
    "AccessError",
    "Cancelled",
    "ClosedError",
    "CorruptError",
    "CqueueError",
    "Empty",
    "ExistsError",
    "FileSizeError",
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
    "Participant",
    "ProcessLimitError",
    "Queue",
    "ReadOnlyError",
    "Recovery",
    "Reservation",
    "Stale",
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
