"""What can be learned about a queue without changing it: plain values, read from the C structs of these names."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple, TypeVar

from . import _raw


@dataclass(frozen=True, slots=True)
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
    unlinked: bool  # the name no longer leads to this region
    held: int  # messages taken, and neither released nor given back yet
    writing: int  # slots reserved, or being written
    max_held: int  # messages that may be held for sure while `capacity` wait; beyond it Full may come early
    max_memory: int  # bytes the region may have; 0: any number
    reserve: int  # bytes for messages that it had from the beginning
    trimmed: int  # bytes given back to the file system
    id: bytes  # the region's, random: with a message's position it names that message for ever
    durable: bool  # created with durable=True; what follows is 0 of others
    disk_error: int  # the code of the last write or flush if it failed, such as that of DiskError; 0: it did not
    flushes_begun: int  # number of the flush that began last, by any process
    flushes_done: int  # all flushes up to this number are on the disk
    unsynced: int  # messages in the queue that are not on the disk yet
    segments: int  # files that hold messages
    disk_bytes: int  # that they occupy
    recovered: int  # messages that it was made with, after a power cut or removal
    max_headers: int  # bytes that the headers of a message may have; 0: it has none
    max_deliveries: int  # a message that was delivered so often goes to dead_letter; 0: no limit
    time_to_live: int  # nanoseconds; 0: no limit
    enqueue_times: bool  # messages have the times at which they were put
    exclusive_consumer: bool  # one consumer at a time
    consumer: int  # the handle (Participant.id) that is it now; 0: none is
    sources: int  # that the queue knows, see put_from(); 64 at most
    delayed: int  # of the orphans, those whose time has not come
    oldest_age: int  # nanoseconds since the oldest waiting message was put; 0: none waits, or there are no times
    expired: int  # messages that outlived time_to_live
    dead_lettered: int  # messages that went to dead_letter
    spent: int  # of the orphans, those that are to go there
    dead_letter_result: int  # what the last try of that came to: 0, or the code of why it stays
    dead_letter: str  # the name of that queue; empty: none


@dataclass(frozen=True, slots=True)
class Recovery:
    """What recover() found and finished or undid."""

    participants: int  # dead ones
    slots: int  # freed: unfinished messages of dead producers
    messages: int  # put back: held by dead consumers
    nodes: int  # freed


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody who has the queue open, by one handle."""

    id: int  # 1 to 4,094; used again after it was closed or reaped
    pid: int  # its process, by that one's own count
    alive: bool  # False: it is dead, or about to be reaped
    held: int  # messages it has taken and not released yet
    writing: int  # slots it has reserved or is writing
    waiting_producers: int  # threads of it
    waiting_consumers: int
    waiting_since: int  # nanoseconds since 1970-01-01 UTC from when on some thread of it has been waiting; 0: none is
    command: str  # the program's name, cut to 15 bytes


class Waiting(NamedTuple):
    """A message that walk() came by; it is still in the queue."""

    position: int
    deliveries: int
    data: bytes


Facts = TypeVar("Facts", Stats, Recovery, Participant)

STRUCTS: dict[type, str] = {Stats: "cq_stats", Recovery: "cq_recovery", Participant: "cq_participant"}


def read(struct: bytearray, kind: type[Facts]) -> Facts:
    """The fields of a C struct, by its accessors."""
    found = {field.name: getattr(_raw, f"{STRUCTS[kind]}_{field.name}_get")(struct) for field in fields(kind)}
    truths = {field.name: bool(found[field.name]) for field in fields(kind) if field.type == "bool"}
    return kind(**found | truths)
