"""What can be learned about a queue without changing it: plain values, read from the C structs of these names."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple, TypeVar

from . import _raw


@dataclass(frozen=True)
class Stats:
    """What cq_stat reports. Counts are since creation."""

    format_version: int
    capacity: int
    max_message_size: int
    length: int  # messages waiting, those to be redelivered included
    orphans: int  # messages waiting to be redelivered, not counted against capacity
    enqueued: int
    dequeued: int  # delivered for the first time
    redelivered: int  # deliveries after the first
    returned: int  # given back by a live consumer
    voided: int  # slots that consumers gave up waiting for
    reaped: int  # dead participants that were cleaned up after
    participants: int  # handles open and alive now
    waiting_producers: int
    waiting_consumers: int
    slots_per_node: int
    nodes: int
    nodes_touched: int  # that have memory
    nodes_linked: int
    memory: int  # bytes the region has
    file_size: int
    created: int  # nanoseconds since 1970-01-01 UTC
    unlinked: int  # 1: the name no longer leads to this region


@dataclass(frozen=True)
class Recovery:
    """What recover() found and finished or undid."""

    participants: int  # dead ones
    slots: int  # freed: unfinished messages of dead producers
    messages: int  # put back: held by dead consumers
    nodes: int  # freed


class Waiting(NamedTuple):
    """A message that walk() came by; it is still in the queue."""

    position: int
    deliveries: int
    data: bytes


Facts = TypeVar("Facts", Stats, Recovery)


def read(struct: object, kind: type[Facts]) -> Facts:
    """The fields of a C struct, by its accessors."""
    name = {Stats: "cq_stats", Recovery: "cq_recovery"}[kind]
    return kind(**{field.name: getattr(_raw, f"{name}_{field.name}_get")(struct) for field in fields(kind)})
