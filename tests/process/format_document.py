"""The tables of c/FORMAT.md, as the reader and the test of the offsets use them: what the document says, nothing else."""

import collections
import os
import re

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "c", "FORMAT.md")

Field = collections.namedtuple("Field", "offset size")
Bits = collections.namedtuple("Bits", "lowest count")
RESERVED = "reserved"

with open(PATH, encoding="utf-8") as document:
    TEXT = document.read()


def tables(section, text=TEXT):
    """The rows of the tables in a section, without their heads."""
    body = re.search(r"^## %s\n(.*?)(?=^## |\Z)" % section, text, re.S | re.M).group(1)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines() if line.startswith("|")]
    return [row for i, row in enumerate(rows) if not (set(row[0]) == {"-"} or i + 1 < len(rows) and set(rows[i + 1][0]) == {"-"})]


def parts_of(heading, text=TEXT):
    """The fields of each table under a smaller heading, in the document's order: {name: Field}, reserved ones left out."""
    body = re.search(r"^### %s\n(.*?)(?=^##|\Z)" % heading, text, re.S | re.M).group(1)
    found = []
    for table in re.findall(r"^\|[^\n]*\n\|[-|]+\n((?:\|[^\n]*\n)+)", body, re.M):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
        found.append({row[2]: Field(int(row[0]), int(row[1].split()[0])) for row in rows if row[2] != RESERVED})
    return found


def ranges(section, text=TEXT):
    """(name, offset, size) of each row, reserved ones included, in the document's order."""
    return [(row[2], int(row[0]), int(row[1])) for row in tables(section, text)]


def fields(section):
    return {name: Field(offset, size) for name, offset, size in ranges(section) if name != RESERVED}


def words(text=TEXT):
    """{word: {field: Bits}}"""
    found = collections.defaultdict(dict)
    for name, field, lowest, count in (row for row in tables("Words", text) if len(row) == 4):
        found[name][field] = Bits(int(lowest), int(count))
    return found


def faults_of(parts, total):
    """What is wrong with (name, start, size) that should cover 0 to `total` without overlap or gap."""
    faults, end, last = [], 0, "the beginning"
    for name, start, size in sorted(parts, key=lambda part: part[1:]):
        if start < end:
            faults.append("%s at %d overlaps %s, which ends at %d" % (name, start, last, end))
        elif start > end:
            faults.append("nothing is said of %d to %d, between %s and %s" % (end, start - 1, last, name))
        if start + size > end:
            end, last = start + size, name
    if end != total:
        faults.append("the last is %s, which ends at %d and not at %d" % (last, end, total))
    return faults


CONSTANTS = {row[0]: int(row[1], 0) for row in tables("Constants")}
HEADER = fields("Header")
PARTICIPANT = fields("Participant")
NODE = fields("Node")
PHASES = {row[0]: int(row[1]) for row in tables("Words") if len(row) == 3}
PARTS = {row[1]: row[0] for row in tables("Parts")}
WORDS = words()
LOCK = parts_of("lock")[0]
SEGMENT, RECORD, STATE = parts_of("segments")
