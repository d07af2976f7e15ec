"""How a queue is opened: flags, the C struct that carries them, and times."""

from __future__ import annotations

import enum
import operator
import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import NoneType

from . import _raw

Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]


class Flags(enum.IntFlag):
    """How Queue() goes about it."""

    CREATE = _raw.CQ_CREATE  # create the queue, or attach to it if it exists
    EXCLUSIVE = _raw.CQ_EXCLUSIVE  # create the queue, or fail with ExistsError
    ATTACH = _raw.CQ_ATTACH  # attach to the queue, or fail with NotFoundError
    # The same as the arguments of these names.
    READ_ONLY = _raw.CQ_READ_ONLY
    ANY_FILESYSTEM = _raw.CQ_ANY_FILESYSTEM
    KEEP_UNLINKED = _raw.CQ_KEEP_UNLINKED
    TRUST = _raw.CQ_TRUST
    DURABLE = _raw.CQ_DURABLE
    SYNC = _raw.CQ_SYNC
    EXCLUSIVE_CONSUMER = _raw.CQ_EXCLUSIVE_CONSUMER
    ENQUEUE_TIMES = _raw.CQ_ENQUEUE_TIMES


def number(name: str, value: int, bits: int) -> int:
    """What C's number of so many bits can hold. Whether it makes sense, the queue says."""
    try:
        value = operator.index(value)
    except TypeError:
        raise TypeError(f"{name!r} must be an integer, and is {value!r}") from None
    if value < 0:
        raise ValueError(f"{name!r} must not be negative, and is {value}")
    if value >= 1 << bits:
        raise ValueError(f"{name!r} is too large: {value}")
    return value


def check_count(count: int) -> int:
    """Of messages that are asked for."""
    count = number("count", count, 64)
    if count == 0:
        raise ValueError("'count' must be positive")
    return count


class Settings:
    """What a queue was asked for, so that it can be asked for again (in another process, or in an error's text)."""

    __slots__ = (
        "capacity",
        "dead_letter",
        "directory",
        "durable_directory",
        "flags",
        "max_deliveries",
        "max_headers",
        "max_held",
        "max_memory",
        "max_message_size",
        "permissions",
        "reserve",
        "time_to_live",
    )

    def __init__(
        self,
        capacity: int = 0,
        max_message_size: int = 0,
        flags: int = 0,
        permissions: int = 0,
        directory: Path | None = None,
        max_held: int = 0,
        max_memory: int = 0,
        reserve: int = 0,
        durable_directory: Path | None = None,
        max_headers: int = 0,
        max_deliveries: int = 0,
        dead_letter: str | None = None,
        time_to_live: float | None = None,
    ) -> None:
        self.max_headers = number("max_headers", max_headers, 64)
        self.max_deliveries = number("max_deliveries", max_deliveries, 64)
        if not isinstance(dead_letter, (str, NoneType)):
            raise TypeError(f"'dead_letter' must be a str, the name of a queue, and is {dead_letter!r}")
        self.dead_letter = dead_letter
        self.time_to_live = 0 if time_to_live is None else lifetime("time_to_live", time_to_live)
        self.capacity = number("capacity", capacity, 64)
        self.max_message_size = number("max_message_size", max_message_size, 64)
        self.flags = number("flags", flags, 32)
        self.permissions = number("permissions", permissions, 32)
        self.max_held = number("max_held", max_held, 64)
        self.max_memory = number("max_memory", max_memory, 64)
        self.reserve = number("reserve", reserve, 64)
        # Absolute, because another process, or this one later, may be elsewhere.
        self.directory = None if directory is None else os.fsdecode(os.path.abspath(directory))
        self.durable_directory = None if durable_directory is None else os.fsdecode(os.path.abspath(durable_directory))

    def attaching(self) -> Settings:
        """For another handle on the queue that these opened."""
        kept = self.flags & (
            Flags.READ_ONLY | Flags.ANY_FILESYSTEM | Flags.KEEP_UNLINKED | Flags.TRUST | Flags.DURABLE | Flags.SYNC
        )
        return Settings(
            flags=kept if kept & Flags.READ_ONLY else kept | Flags.ATTACH,
            permissions=self.permissions,
            directory=self.directory,
            durable_directory=self.durable_directory,
        )

    @contextmanager
    def config(self) -> Iterator[bytearray]:
        """As the C interface takes it."""
        # The struct borrows them.
        directory = None if self.directory is None else os.fsencode(self.directory)
        dead_letter = None if self.dead_letter is None else self.dead_letter.replace("\0", "?").encode()
        durable = None if self.durable_directory is None else os.fsencode(self.durable_directory)
        config = bytearray(_raw.sizeof_cq_config)
        _raw.cq_config_capacity_set(config, self.capacity)
        _raw.cq_config_max_message_size_set(config, self.max_message_size)
        _raw.cq_config_flags_set(config, self.flags)
        _raw.cq_config_permissions_set(config, self.permissions)
        _raw.cq_config_max_held_set(config, self.max_held)
        _raw.cq_config_max_memory_set(config, self.max_memory)
        _raw.cq_config_reserve_set(config, self.reserve)
        if directory is not None:
            _raw.cq_config_directory_set(config, directory)
        _raw.cq_config_max_headers_set(config, self.max_headers)
        _raw.cq_config_max_deliveries_set(config, self.max_deliveries)
        _raw.cq_config_time_to_live_set(config, self.time_to_live)
        if dead_letter is not None:
            _raw.cq_config_dead_letter_set(config, dead_letter)
        if durable is not None:
            _raw.cq_config_durable_directory_set(config, durable)
        yield config

    def file(self, name: str) -> str:
        """Where the queue's file is."""
        return os.path.join(self.directory or _raw.CQ_DIRECTORY, f"cqueue.{name}")


LONGEST = 9e9  # seconds: what fits into 64 bits of nanoseconds, 285 years


def _to_nanoseconds(name: str, seconds: float) -> int:
    """-1: it is negative, or no number at all."""
    if isinstance(seconds, (str, bytes)) or not hasattr(seconds, "__float__"):
        raise TypeError(f"{name!r} must be a number of seconds, and is {seconds!r}")
    return int(float(min(seconds, LONGEST)) * 1e9) if seconds >= 0 else -1


def lifetime(name: str, seconds: float) -> int:
    """In nanoseconds."""
    nanoseconds = _to_nanoseconds(name, seconds)
    if not seconds > 0:
        raise ValueError(f"{name!r} must be a positive number of seconds, and is {seconds}")
    return max(1, nanoseconds)


def nanoseconds(block: bool, timeout: float | None) -> int:
    """What the C interface calls the queue module's block and timeout."""
    if not block:
        return 0
    if timeout is None:
        return -1
    nanoseconds = _to_nanoseconds("timeout", timeout)
    if nanoseconds < 0:
        raise ValueError(f"'timeout' must be a non-negative number, and is {timeout}")
    return nanoseconds
