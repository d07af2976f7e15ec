"""The tables of c/FORMAT.md, as the reader and the test of the offsets use them: what the document says, nothing else."""

import collections
import os
import re

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "c", "FORMAT.md")

Field = collections.namedtuple("Field", "offset size")
Bits = collections.namedtuple("Bits", "lowest count")


def tables(section):
    """The rows of the tables in a section, without their heads."""
    with open(PATH, encoding="utf-8") as file:
        text = file.read()
    body = re.search(r"^## %s\n(.*?)(?=^## |\Z)" % section, text, re.S | re.M).group(1)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines() if line.startswith("|")]
    return [row for i, row in enumerate(rows) if not (set(row[0]) == {"-"} or i + 1 < len(rows) and set(rows[i + 1][0]) == {"-"})]


def fields(section):
    return {row[2]: Field(int(row[0]), int(row[1])) for row in tables(section)}


CONSTANTS = {row[0]: int(row[1], 0) for row in tables("Constants")}
HEADER = fields("Header")
PARTICIPANT = fields("Participant")
NODE = fields("Node")
PHASES = {row[0]: int(row[1]) for row in tables("Words") if len(row) == 3}
PARTS = {row[1]: row[0] for row in tables("Parts")}
WORDS = collections.defaultdict(dict)
for name, field, lowest, count in (row for row in tables("Words") if len(row) == 4):
    WORDS[name][field] = Bits(int(lowest), int(count))
