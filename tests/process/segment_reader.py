"""A second implementation of c/FORMAT.md for durable directories: no library, only the bytes of the files.

segment_reader.py DIRECTORY prints "name value" for what a recovery makes the region with, and then
"message position deliveries hex" for each message that it finds, in the order of delivery, as it is delivered then.
"""

import os
import re
import struct
import sys

from format_document import CONSTANTS, RECORD, SEGMENT, STATE
from format_reader import Corrupt, check, up

MAGIC, VERSION, HEAD, MESSAGE, TRUTH, FED = b"cqueueS\n", 1, 512, 1, 2, 3
TIMES = 4  # of the features
FEED = struct.Struct("<QQ")  # entry in bits 0..23, number
NAME = re.compile(r"segment\.([0-9a-f]{16})\.([0-9a-f]{32})")
SHAPE = ("capacity", "max_message_size", "hole_slots", "spare_nodes", "max_memory", "reserve", "created", "slots_per_node",
         "permissions", "features", "max_headers", "max_deliveries", "time_to_live", "dead_letter")
RUN = struct.Struct("<QII")  # position, count, deliveries
SOURCE = struct.Struct("<QII")  # number, entry, bytes of the name


def crc32c(data, table=[]):
    if not table:
        for byte in range(256):
            for _ in range(8):
                byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
            table.append(byte)
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ table[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def load(data, field, start=0):
    return int.from_bytes(data[start + field.offset : start + field.offset + field.size], "little")


class Segment:
    """The facts of one file: messages are (ticket, position, deliveries, feed, bytes), feed (entry, number) or None; states
    (ticket, D, reserve, runs, {entry: number}, whole)."""

    def __init__(self, directory, name):
        with open(os.path.join(directory, name), "rb") as file:
            self.data = file.read()
        generation, salt = NAME.fullmatch(name).groups()
        self.generation, self.salt = int(generation, 16), bytes.fromhex(salt)
        self.head = self.read_head()
        self.messages, self.states = [], []
        at = HEAD
        while at + RECORD["crc"].size + 28 <= len(self.data):
            size = self.read_record(at) if any(self.data[at : at + 16]) else None  # no ticket is 0
            at += up(32 + size, 8) if size is not None else 8

    def read_head(self):
        """None: it was not finished; what is there may be of a removed file."""
        head = bytearray(self.data[:HEAD])
        if len(head) < HEAD or head[:8] != MAGIC:
            return None
        crc = load(head, SEGMENT["crc"])
        head[SEGMENT["crc"].offset : SEGMENT["crc"].offset + 4] = bytes(4)
        if crc32c(head) != crc or self.data[SEGMENT["segment_id"].offset :][: len(self.salt)] != self.salt:
            return None
        check(load(head, SEGMENT["version"]) == VERSION, "version")
        return {name: load(head, field) for name, field in SEGMENT.items() if name not in ("magic", "crc")}

    def read_record(self, at):
        """The bytes of its body. None: there is no record."""
        size, kind = load(self.data, RECORD["size"], at), load(self.data, RECORD["kind"], at)
        end = at + 32 + size
        if kind not in (MESSAGE, TRUTH, FED) or end > len(self.data):
            return None
        if crc32c(self.salt + struct.pack("<Q", at) + self.data[at + 4 : end]) != load(self.data, RECORD["crc"], at):
            return None
        ticket, position = load(self.data, RECORD["ticket"], at), load(self.data, RECORD["position"], at)
        if kind == TRUTH:
            self.states.append((ticket, position, *self.read_state(at + 32, end, ticket)))
        else:
            feed, data = self.read_body(kind, self.data[at + 32 : end])
            self.messages.append((ticket, position, load(self.data, RECORD["deliveries"], at), feed, data))
        return size

    def read_body(self, kind, body):
        """What goes before the payload, as far as it is looked at here, and the payload."""
        feed, at = None, 0
        if kind == FED:
            source, number = FEED.unpack_from(body)
            feed, at = (source & 0xFFFFFF, number), FEED.size
        if self.head["features"] & TIMES:
            at += 8
        if self.head["max_headers"]:
            at += 4 + int.from_bytes(body[at : at + 4], "little")
        return feed, body[at:]

    def read_state(self, at, end, ticket):
        first = at + STATE["run"].offset
        runs = [RUN.unpack_from(self.data, first + i * RUN.size) for i in range(load(self.data, STATE["runs"], at))]
        first += len(runs) * RUN.size
        sources = {}
        for _ in range(load(self.data, STATE["sources"], at)):
            number, entry, length = SOURCE.unpack_from(self.data, first)
            sources[entry] = number
            first += SOURCE.size + up(length, 8)
        check(first == end, "the body of a STATE")
        before = sum(message[0] == ticket for message in self.messages)
        return load(self.data, STATE["reserve"], at), runs, sources, before == load(self.data, STATE["messages"], at)


class Kept:
    """What a recovery of the directory finds."""

    def __init__(self, directory):
        segments = [Segment(directory, name) for name in sorted(os.listdir(directory)) if NAME.fullmatch(name)]
        heads = [segment.head for segment in sorted(segments, key=lambda segment: segment.generation) if segment.head]
        check(heads, "no queue")
        self.shape = {name: heads[-1][name] for name in SHAPE}
        for head in heads:
            check(head["id"] == heads[0]["id"], "files of different queues")
            check(all(head[name] == self.shape[name] for name in SHAPE if name != "permissions"), "queues of different kinds")
        self.slots = self.shape["slots_per_node"]
        states = [state for segment in segments for state in segment.states]
        messages = [message for segment in segments for message in segment.messages]
        self.truth = max(states, key=lambda state: state[0], default=None)
        self.sources = max((state for state in states if state[5]), key=lambda state: state[0], default=self.truth)
        found = {}
        for _, position, deliveries, feed, data in messages if self.truth else ():
            run = self.run_of(position)
            if (run or self.from_d(position) >= 0) and self.is_decided(feed):
                found[position] = (self.redelivered(run[2] if run else deliveries), data)
        self.messages = [(position, *found[position]) for position in sorted(found, key=self.from_d)]

    def is_decided(self, feed):
        return feed is None or feed[1] <= self.sources[4].get(feed[0], 0)

    def redelivered(self, deliveries):
        limit = self.shape["max_deliveries"]
        return deliveries if limit > 1 and deliveries + 1 >= limit else deliveries + 1

    def run_of(self, position):
        return next((run for run in self.truth[3] if run[0] <= position < run[0] + run[1]), None)

    def from_d(self, position):
        """How far a position is ahead of D on the ring of sequences; less than 0: behind it."""
        ring = CONSTANTS["SEQUENCE_MAX"]
        away = (position // self.slots - self.truth[1] // self.slots) % ring
        return (away - ring if away > ring // 2 else away) * self.slots + position % self.slots - self.truth[1] % self.slots


def main():
    try:
        kept = Kept(sys.argv[1])
    except Corrupt as problem:
        sys.exit(f"{sys.argv[1]}: {problem}")
    for name, value in kept.shape.items():
        print(name, value.to_bytes(SEGMENT[name].size, "little").rstrip(b"\0").decode() or "-" if name == "dead_letter" else value)
    for position, deliveries, data in kept.messages:
        print("message", position, min(deliveries + 1, 255), data.hex() or "-")


if __name__ == "__main__":
    main()
