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
import sys

if not getattr(sys, "_is_gil_enabled", lambda: True)():
    raise ImportError(
        "cqueue_shm relies on the GIL, which this Python runs without: use the usual build, or set PYTHON_GIL=1"
    )

from . import _raw
from .batch import Batch
from .errors import (
    AccessError,
    BusyError,
    Cancelled,
    ClosedError,
    ConsumerError,
    CorruptError,
    CqueueError,
    DecodeError,
    DiskError,
    Empty,
    ExistsError,
    FeatureError,
    FileSizeError,
    FileSystemError,
    ForkError,
    Full,
    HeadersError,
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
    SourcesError,
    Stale,
    SystemFailedError,
    TimedOut,
    TooBigError,
    TooSmallError,
    VersionError,
)
from .facts import Participant, Recovery, Stats, Waiting
from .opened import after_fork, unlink
from .queue import Queue
from .settings import Flags
from .typed import TypedQueue

Message = _raw.Message
Reservation = _raw.Reservation

__version__ = _raw.cq_version()

__all__ = [
    "AccessError",
    "Batch",
    "BusyError",
    "Cancelled",
    "ClosedError",
    "ConsumerError",
    "CorruptError",
    "CqueueError",
    "DecodeError",
    "DiskError",
    "Empty",
    "ExistsError",
    "FeatureError",
    "FileSizeError",
    "FileSystemError",
    "Flags",
    "ForkError",
    "Full",
    "HeadersError",
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
    "SourcesError",
    "Stale",
    "Stats",
    "SystemFailedError",
    "TimedOut",
    "TooBigError",
    "TooSmallError",
    "TypedQueue",
    "VersionError",
    "Waiting",
    "unlink",
]

# A child's memory lacks the region: what leads there is cut before any of its code runs.
os.register_at_fork(after_in_child=after_fork)
