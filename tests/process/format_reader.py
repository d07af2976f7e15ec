"""A second implementation of c/FORMAT.md, as far as reading goes: no library, only the bytes of the file.

format_reader.py FILE prints "name value" for every field of the header and what follows from the rest, and then
"message position deliveries hex" for each message that waits, in the order of delivery.
"""

import fcntl
import mmap
import struct
import sys

from format_document import CONSTANTS, HEADER, NODE, PARTICIPANT, PARTS, PHASES, WORDS


class Corrupt(Exception):
    pass


def check(holds, otherwise):
    if not holds:
        raise Corrupt(otherwise)


def up(value, multiple):
    return (value + multiple - 1) // multiple * multiple


def unpack(kind, word):
    """A word as its fields."""
    return {name: word >> bits.lowest & (1 << bits.count) - 1 for name, bits in WORDS[kind].items()}


def following(sequence):
    return 1 if sequence == CONSTANTS["SEQUENCE_MAX"] else sequence + 1


def distance(to, start):
    return to - start if to >= start else CONSTANTS["SEQUENCE_MAX"] - (start - to)


class Region:
    def __init__(self, path):
        self.file = open(path, "rb")
        self.bytes = mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_READ)
        self.header = {name: self.load(field.offset, field.size) for name, field in HEADER.items() if field.size <= 8}
        self.check_header()
        self.slots = self.header["slots_per_node"]
        self.small = self.header["max_message_size"] <= CONSTANTS["SMALL_MESSAGE"]

    def load(self, offset, size=8):
        return struct.unpack_from({4: "<I", 8: "<Q"}[size], self.bytes, offset)[0]

    def field(self, name):
        """A field of the header as it is now."""
        return self.load(HEADER[name].offset, HEADER[name].size)

    def check_header(self):
        header = self.header
        check(header["magic"] == CONSTANTS["MAGIC"], "magic")
        check(header["byte_order"] == CONSTANTS["BYTE_ORDER"], "byte order")
        check(header["format_version"] == CONSTANTS["FORMAT_VERSION"], "format version")
        check(header["word_bits"] == 64 and header["features"] & ~6 == 0, "word size, features")
        capacity, size, slots = header["capacity"], header["max_message_size"], header["slots_per_node"]
        check(1 <= capacity <= CONSTANTS["MAX_CAPACITY"] and 1 <= size <= CONSTANTS["MAX_MESSAGE"], "capacity, size")
        check(1 <= slots <= CONSTANTS["MAX_SLOTS"] and header["hole_slots"] <= CONSTANTS["MAX_CAPACITY"], "slots, holes")
        page = CONSTANTS["PAGE"]
        small = size <= CONSTANTS["SMALL_MESSAGE"]
        paged = size > CONSTANTS["PAGED_MESSAGE"]
        prefix = (16 if header["features"] & 1 else 0) + (8 if header["features"] & 4 else 0) + (up(4 + header["max_headers"], 8) if header["max_headers"] else 0)
        self.payload_offset = 8 + prefix if small else up(16 + prefix, 64)
        expected = {"slot_stride": up(self.payload_offset + size, 8 if small else page if paged else 64)}
        expected["node_stride"] = up(CONSTANTS["NODE_HEADER"] + slots * expected["slot_stride"],
                                     page if paged else CONSTANTS["LINE"])
        count = (capacity + header["hole_slots"] + slots - 1) // slots + 2 + header["spare_nodes"]
        words = up(count, 64) // 64
        expected["node_count"] = count
        expected["summary_offset"] = int(PARTS["summary of the free bitmap"])
        expected["bitmap_offset"] = expected["summary_offset"] + up(up(words, 64) // 64 * 8, page)
        marks = expected["bitmap_offset"] + up(words * 8, page)
        dues = marks + up(up(count, 16) // 16 * 8, page)
        expected["states_offset"] = dues + up(count * slots * 8, page)
        expected["nodes_offset"] = expected["states_offset"] + up(count * 8, page)
        expected["file_size"] = up(expected["nodes_offset"] + count * expected["node_stride"], page)
        for name, value in expected.items():
            check(header[name] == value, "%s is %d, not %d" % (name, header[name], value))
        check(count <= CONSTANTS["MAX_NODES"], "node count")
        check(count * expected["node_stride"] <= CONSTANTS["MAX_FILE"] and len(self.bytes) >= expected["file_size"], "file size")

    # ---- nodes and slots

    def touched(self):
        return min(self.field("touched"), self.header["node_count"])

    def state(self, node):
        return unpack("node", self.load(self.header["states_offset"] + 8 * node))

    def node(self, number):
        return self.header["nodes_offset"] + number * self.header["node_stride"]

    def word(self, number, name, kind):
        return unpack(kind, self.load(self.node(number) + NODE[name].offset))

    def slot(self, number, index):
        return self.node(number) + CONSTANTS["NODE_HEADER"] + index * self.header["slot_stride"]

    def slot_state(self, number, index):
        return unpack("slot", self.load(self.slot(number, index)))

    def linked(self):
        """The nodes of the list or behind it: (number, sequence)."""
        for number in range(self.touched()):
            state = self.state(number)
            if state["phase"] in (PHASES["NODE_LINKED"], PHASES["NODE_SETTLED"]):
                yield number, state["sequence"]

    def listed(self, link):
        """The nodes from a link on: (number, sequence)."""
        number, sequence = link["node"], link["sequence"]
        for _ in range(self.header["node_count"] + 1):
            check(sequence != 0 and number < self.header["node_count"], "link")
            yield number, sequence
            following_link = self.word(number, "next", "link")
            check(following_link["sequence"] == sequence, "next has another sequence")
            if following_link["node"] == CONSTANTS["NODE_NIL"]:
                return
            number, sequence = following_link["node"], following(sequence)
        raise Corrupt("a list without an end")

    def payload(self, number, index, short):
        """The message in a slot."""
        slot, size = self.slot(number, index), self.header["max_message_size"]
        start = slot + self.payload_offset
        if not self.small:
            size = self.load(slot + 8, 4)
        elif short:
            size = self.bytes[start + size - 1]
        check(size <= self.header["max_message_size"], "message size")
        return self.bytes[start : start + size]

    # ---- messages

    def ends(self):
        """(head, its deq, tail, its enq)"""
        head, tail = unpack("link", self.field("head")), unpack("link", self.field("tail"))
        deq, enq = self.word(head["node"], "deq", "ticket"), self.word(tail["node"], "enq", "ticket")
        check(deq["sequence"] == head["sequence"] and deq["index"] <= self.slots, "deq")
        check(enq["sequence"] == tail["sequence"] and enq["index"] <= self.slots, "enq")
        return head, deq, tail, enq

    def positions(self, to, start):
        nodes = distance(to["sequence"], start["sequence"])
        if nodes > CONSTANTS["SEQUENCE_MAX"] // 2:
            nodes -= CONSTANTS["SEQUENCE_MAX"]
        return nodes * self.slots + to["index"] - start["index"]

    def orphans(self):
        """Those furthest behind head first: (number, sequence, index)."""
        head, _, _, _ = self.ends()
        found = []
        for number, sequence in self.linked() if self.field("orphans") & 1 else ():
            for index in range(self.slots):
                state = self.slot_state(number, index)
                if state["sequence"] == sequence and state["phase"] == PHASES["SLOT_ORPHAN"]:
                    behind = self.positions({"sequence": head["sequence"], "index": self.slots},
                                            {"sequence": sequence, "index": index})
                    found.append((-behind, number, sequence, index))
        return [where for _, *where in sorted(found)]

    def waiting(self):
        """FULL slots from head's deq on: (number, sequence, index)."""
        head, deq, _, _ = self.ends()
        for number, sequence in self.listed(head):
            for index in range(deq["index"] if sequence == head["sequence"] else 0, self.slots):
                state = self.slot_state(number, index)
                if state["sequence"] != sequence:
                    return
                if state["phase"] == PHASES["SLOT_FULL"]:
                    yield number, sequence, index

    def messages(self):
        for number, sequence, index in [*self.orphans(), *self.waiting()]:
            state = self.slot_state(number, index)
            text = self.payload(number, index, state["short"])
            if self.slot_state(number, index) == state:
                yield sequence * self.slots + index, min(state["deliveries"] + 1, 255), text

    # ---- numbers

    def alive(self):
        """Participants whose record is USED and whose byte is locked."""
        count = 0
        offset = int(PARTS["participants"])
        for owner in range(1, min(self.field("highest_id"), CONSTANTS["MAX_OWNER"]) + 1):
            record = self.load(offset + owner * 256 + PARTICIPANT["record"].offset)
            if record & 1:
                lock = struct.pack("hhqqi4x", fcntl.F_WRLCK if record & 2 else fcntl.F_RDLCK, 0, CONSTANTS["LIVE_BYTES"] + owner, 1, 0)
                lock = fcntl.fcntl(self.file, 36, lock)  # F_OFD_GETLK
                count += struct.unpack("hhqqi4x", lock)[0] != fcntl.F_UNLCK
        return count

    def hinted(self):
        """Nodes that the bitmap and its summary say are free."""
        for node in range(self.touched()):
            word = node // 64
            summary = self.load(self.header["summary_offset"] + word // 64 * 8)
            if summary >> word % 64 & 1 and self.load(self.header["bitmap_offset"] + word * 8) >> node % 64 & 1:
                yield node

    def derived(self):
        _, _, _, enq = self.ends()
        orphans, waiting = len(self.orphans()), len(list(self.waiting()))
        free = [n for n in range(self.touched()) if self.state(n)["phase"] == PHASES["NODE_FREE"]
                or self.state(n)["phase"] == PHASES["NODE_BARE"] and self.state(n)["owner"] == 0]
        return {
            "length": orphans + waiting,
            "orphans_waiting": orphans,
            "enqueued": self.positions(enq, unpack("ticket", self.header["first_position"])) - self.field("holes"),
            "nodes_linked": len(list(self.linked())),
            "nodes_free": len(free),
            "nodes_hinted": len(set(free) & set(self.hinted())),
            "participants": self.alive(),
        }


def main():
    region = Region(sys.argv[1])
    for name, value in {**region.header, **region.derived()}.items():
        print(name, value)
    for position, deliveries, text in region.messages():
        print("message", position, deliveries, text.hex() or "-")


if __name__ == "__main__":
    main()
