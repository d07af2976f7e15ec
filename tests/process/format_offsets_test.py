"""The tables of c/FORMAT.md against c/src: every field, its offset and size, every constant and phase, in both directions; and
against themselves: they say of each byte and bit what it is, and of none twice."""

import os
import re
import unittest

import format_document as document

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "c", "src")
SIZES = {"uint64_t": 8, "int64_t": 8, "uint32_t": 4, "struct layout_side": 128, "uint8_t": 1, "int32_t": 4, "char": 1}


def source(name):
    with open(os.path.join(SOURCES, name), encoding="utf-8") as file:
        return re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)


def number(expression):
    """The value of a constant expression of C."""
    plain = re.sub(r"U?INT64_C\((\w+)\)", r"\1", re.sub(r"/\*.*?\*/", "", expression))
    plain = re.sub(r"\b(0x[0-9a-f]+|\d+)u\b", r"\1", plain)
    plain = re.sub(r"\b(LAYOUT_\w+|LIVE_BYTES)\b", lambda name: str(number(defines()[name.group(1)])), plain)
    return eval(plain, {"__builtins__": {}})  # of this repository's own sources


def defines():
    text = source("layout.h") + source("participant.c")
    return dict(re.findall(r"^#define (\w+) (.+?)\s*$", text, re.M))


def fields(struct):
    """The members of a struct of layout.h, laid out as a C compiler does."""
    body = re.search(r"^struct %s \{(.*?)^\};" % struct, source("layout.h"), re.S | re.M).group(1)
    offset, found = 0, {}
    for aligned, kind, name, rows, columns in re.findall(
            r"(alignas\(LAYOUT_LINE\) )?(?:_Atomic )?((?:struct )?\w+) (\w+)(?:\[(\w+)\])?(?:\[(\d+)\])?;", body):
        size, count = SIZES[kind], number(rows or "1") * int(columns or 1)
        alignment = 128 if aligned or kind.startswith("struct") else size
        offset = (offset + alignment - 1) // alignment * alignment
        # A side is its word, and nothing in the rest of its lines.
        found[name] = document.Field(offset, 4 if kind.startswith("struct") else size * count)
        offset += size * count
    return found


def byte_faults(text):
    totals = {"Header": document.CONSTANTS["PAGE"], "Participant": 256, "Node": document.CONSTANTS["NODE_HEADER"]}
    return [fault for section, total in totals.items() for fault in document.faults_of(document.ranges(section, text), total)]


def bit_faults(text):
    bits = {word: [(name, *where) for name, where in fields.items()] for word, fields in document.words(text).items()}
    return ["%s: %s" % (word, fault) for word, parts in bits.items()
            for fault in document.faults_of(parts, 32 if word == "wake" else 64)]


def facts(struct):
    """The members of a struct of facts.h: several of a type may be in one declaration."""
    text = source("facts.h")
    sizes = {**SIZES, "struct facts_shape": 0}
    body = re.search(r"^struct %s \{(.*?)^\};" % struct, text, re.S | re.M).group(1).replace("FACTS_ID", "16")
    offset, found = 0, {}
    for kind, names in re.findall(r"^\s*((?:struct )?\w+) ([^;]+);", body, re.M):
        for name, count in re.findall(r"(\w+)(?:\[(\d+)\])?", names):
            if kind == "struct facts_shape":
                found.update({inner: document.Field(offset + field.offset, field.size) for inner, field in facts("facts_shape").items()})
                offset += sum(field.size for field in facts("facts_shape").values())
                continue
            if name not in ("reserved", "zeros"):
                found[name] = document.Field(offset, sizes[kind] * int(count or 1))
            offset += sizes[kind] * int(count or 1)
    return found


class OffsetsTest(unittest.TestCase):
    def test_the_files_of_a_durable_directory(self):
        self.assertEqual(document.LOCK, facts("facts_lock"))
        self.assertEqual(document.SEGMENT, facts("facts_head"))
        self.assertEqual(document.RECORD, facts("fact"))
        state = dict(document.STATE)
        self.assertEqual(state.pop("run"), document.Field(48, 16))
        self.assertEqual(state, facts("fact_state"))

    def test_header(self):
        self.assertEqual(document.HEADER, fields("layout_header"))

    def test_participant(self):
        self.assertEqual(document.PARTICIPANT, fields("layout_participant"))

    def test_node(self):
        self.assertEqual(document.NODE, fields("layout_node"))

    def test_constants(self):
        known = {}
        for name, value in defines().items():
            plain = name[len("LAYOUT_"):] if name.startswith("LAYOUT_") else name
            if plain in document.CONSTANTS:
                known[plain] = number(value)
        self.assertEqual(document.CONSTANTS, known)

    def test_every_limit_is_named(self):
        limits = {name[len("LAYOUT_"):] for name in defines() if re.match(r"LAYOUT_(MAX|MAGIC|FORMAT|BYTE|SMALL|NODE)", name)}
        self.assertEqual(limits - set(document.CONSTANTS), set())

    def test_every_byte_is_named_once(self):
        self.assertEqual(byte_faults(document.TEXT), [])

    def test_every_bit_of_a_word_is_named_once(self):
        self.assertEqual(bit_faults(document.TEXT), [])

    def test_a_document_that_is_wrong_is_found_out(self):
        for line, instead, faults in (
            # A reserved range that begins in a live counter, as it once did.
            ("| 936 | 88 | reserved |", "| 932 | 92 | reserved |", ["reserved at 932 overlaps reaped, which ends at 936"]),
            ("| 936 | 88 | reserved |", "| 936 | 80 | reserved |",
             ["nothing is said of 1016 to 1023, between reserved and turn"]),
            ("| 3208 | 888 | reserved |", "| 3208 | 844 | reserved |",
             ["the last is reserved, which ends at 4052 and not at 4096"]),
            ("| 912 | 8 | redelivered |", "| 904 | 8 | redelivered |",
             ["redelivered at 904 overlaps voided, which ends at 912", "nothing is said of 912 to 919, between voided and returned"]),
            ("| 40 | 4 | pid |", "| 40 | 8 | pid |", ["active at 44 overlaps pid, which ends at 48"]),
            ("| 264 | 8 | holed |", "| 264 | 4 | holed |", ["nothing is said of 268 to 271, between holed and pinned"]),
            ("| slot | short | 15 | 1 |", "| slot | short | 14 | 1 |",
             ["slot: short at 14 overlaps phase, which ends at 15",
              "slot: nothing is said of 15 to 15, between phase and deliveries"]),
        ):
            with self.subTest(instead=instead):
                self.assertEqual(document.TEXT.count(line), 1)
                broken = document.TEXT.replace(line, instead)
                self.assertEqual(byte_faults(broken) + bit_faults(broken), faults)

    def test_phases(self):
        enums = re.findall(r"\b((?:SLOT|NODE)_[A-Z]+) = (\d+)", source("layout.h"))
        self.assertEqual(document.PHASES, {name: int(value) for name, value in enums})

    def test_parts_begin_where_the_library_says(self):
        participants = number(defines()["LAYOUT_PARTICIPANTS_OFFSET"])
        self.assertEqual(int(document.PARTS["participants"]), participants)
        sources = participants + document.CONSTANTS["PARTICIPANTS"] * 256
        self.assertEqual(int(document.PARTS["sources"]), sources)
        summary = sources + document.CONSTANTS["SOURCE_SLOTS"] * 256
        self.assertEqual(int(document.PARTS["summary of the free bitmap"]), summary)


if __name__ == "__main__":
    unittest.main()
