"""c/DESIGN.md against itself, c/FORMAT.md and the sources: words in figures mean what is written beside them, every label has
one row in the tables of orders and begins a comment in the sources, and every source is described."""

import glob
import os
import re
import unittest

from format_document import PHASES, WORDS

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FIGURE = re.compile(r"`(0x[0-9a-f]+)`\s+\(([^)]*)\)")
LABEL = r"[a-z_]+:[A-Z]\b"


def text(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def packed(kind, **fields):
    assert set(fields) <= set(WORDS[kind])
    return sum(value << WORDS[kind][name].lowest for name, value in fields.items())


def meaning(parts):
    """The word that "1, 1 delivery, READING SHORT, 2" and its like stand for."""
    if len(parts) == 2:  # (1, node 1), (1, NIL): a link
        node = 0xFFFFFF if parts[1] == "NIL" else int(parts[1].split()[1])
        return packed("link", sequence=int(parts[0]), node=node)
    if len(parts) == 4:  # (1, 2 deliveries, READING SHORT, 3): a slot
        phase = parts[2].split()
        return packed("slot", sequence=int(parts[0]), deliveries=int(parts[1].split()[0]), phase=PHASES["SLOT_" + phase[0]],
                      short="SHORT" in phase[1:], owner=int(parts[3]))
    if "NODE_" + parts[1] in PHASES:  # (2, LINKED, 0): a node
        return packed("node", sequence=int(parts[0]), phase=PHASES["NODE_" + parts[1]], owner=int(parts[2]))
    if "SLOT_" + parts[1] in PHASES:  # (1, WRITING, 1): a slot that was never delivered
        return packed("slot", sequence=int(parts[0]), phase=PHASES["SLOT_" + parts[1]], owner=int(parts[2]))
    return packed("ticket", sequence=int(parts[0]), index=int(parts[1]), owner=int(parts[2]))


def rows():
    """The labels of the tables of orders."""
    orders = re.search(r"^## Orders\n(.*?)^## ", text("c", "DESIGN.md"), re.S | re.M).group(1)
    return re.findall(r"^\| `(%s)` \|" % LABEL, orders, re.M)


def sources():
    return sorted(os.path.basename(path) for path in glob.glob(os.path.join(ROOT, "c/src/*.[ch]")))


class DesignTest(unittest.TestCase):
    def test_figures_are_the_words_beside_them(self):
        figures = FIGURE.findall(text("c", "DESIGN.md"))
        self.assertGreater(len(figures), 20)
        for figure, words in figures:
            with self.subTest(figure=figure, words=words):
                if not words.startswith("one mark"):
                    self.assertEqual(int(figure, 16), meaning([part.strip() for part in words.split(",")]))

    def test_each_label_has_one_row(self):
        self.assertEqual(sorted(rows()), sorted(set(rows())))
        self.assertEqual(set(re.findall(r"`(%s)`" % LABEL, text("c", "DESIGN.md"))) - set(rows()), set())

    def test_each_row_has_an_access(self):
        """The comment at an access begins with its label, or labels; others that it names are partners."""
        comments = re.findall(r"/\*.*?\*/", "".join(text("c", "src", name) for name in sources()), re.S)
        accesses = re.findall(r"/\*\s*(%s(?:(?:,| and) %s)*)" % (LABEL, LABEL), " ".join(comments))
        self.assertEqual(set(re.findall(LABEL, " ".join(accesses))), set(rows()))
        self.assertEqual(set(re.findall(r"(?<!\w)%s" % LABEL, " ".join(comments))) - set(rows()), set())

    def test_each_source_is_described(self):
        files = re.search(r"^## The files\n(.*)", text("c", "DESIGN.md"), re.S | re.M).group(1)
        described = re.findall(r"`(\w+\.[ch])`", " ".join(re.findall(r"^\| (`.*?) \|", files, re.M)))
        self.assertEqual(sorted(described), sources())


if __name__ == "__main__":
    unittest.main()
