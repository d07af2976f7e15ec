"""The checker of examples/run notices whatever can go wrong. Each test spoils what a good job left behind."""

import os
import subprocess
import sys
import tempfile
import unittest

from support import ROOT, main

GOOD = {
    "killed": b"p2\nc1\n",
    "sent-p1": b"p1 a\np1 b\np1 c\n",
    "acked-p1": b"1\n2\n3\n",
    "sent-p2": b"p2 a\np2 b\np2 c\np2 d\n",
    "acked-p2": b"1\n2",  # killed before it had written the newline behind 2
    "received-c1": b"10\t1\tp1 a\n11\t1\tp2 a\n12\t1\tp1 b\n13\t1\tp2",
    "received-c2": b"12\t2\tp1 b\n13\t2\tp2 b\n14\t1\tp1 c\n",
}


class AccountTest(unittest.TestCase):
    def check(self, code, **changes):
        """The checker's exit code and what it prints, for the good job with some files changed."""
        with tempfile.TemporaryDirectory() as directory:
            for name, content in {**GOOD, **{key.replace("_", "-"): value for key, value in changes.items()}}.items():
                if content is not None:
                    with open(os.path.join(directory, name), "wb") as file:
                        file.write(content)
            done = subprocess.run([sys.executable, "-B", os.path.join(ROOT, "examples/account.py"), directory],
                                  capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.returncode, code, done.stdout)
        self.assertEqual("WRONG" in done.stdout, code == 1)
        return done.stdout

    def changed(self, file, old, new):
        self.assertEqual(GOOD[file].count(old), 1)
        return GOOD[file].replace(old, new)

    def test_a_good_job_is_accepted(self):
        text = self.check(0)
        self.assertRegex(text, r"acknowledged +4 lines by 2 producers\n")
        self.assertRegex(text, r"unreported +1 line ")
        self.assertRegex(text, r"received +5 lines by 2 consumers\n")
        self.assertRegex(text, r"delivered again +2 lines")
        sums = [line.split()[-1] for line in text.splitlines() if "sha256" in line]
        self.assertEqual(len(sums), 2)
        self.assertEqual(sums[0], sums[1])

    def test_a_missing_line_is_noticed(self):
        text = self.check(1, received_c2=self.changed("received-c2", b"14\t1\tp1 c\n", b""))
        self.assertIn("1 messages of p1 are lost, the first is p1 c", text)
        sums = [line.split()[-1] for line in text.splitlines() if "sha256" in line]
        self.assertNotEqual(sums[0], sums[1])

    def test_a_missing_line_of_a_killed_producer_is_noticed(self):
        text = self.check(1, received_c1=self.changed("received-c1", b"11\t1\tp2 a\n", b""))
        self.assertIn("1 messages of p2 are lost, the first is p2 a", text)

    def test_an_unmarked_duplicate_is_noticed(self):
        text = self.check(1, received_c2=self.changed("received-c2", b"12\t2\tp1 b", b"12\t1\tp1 b"))
        self.assertIn("came 2 times, with deliveries [1, 1]", text)

    def test_the_same_line_twice_in_a_row_is_noticed(self):
        text = self.check(1, received_c2=self.changed("received-c2", b"14\t1\tp1 c\n", b"14\t1\tp1 c\n14\t1\tp1 c\n"))
        self.assertIn("p1 c came 2 times, with deliveries [1, 1]", text)

    def test_a_duplicate_marked_twice_the_same_is_noticed(self):
        text = self.check(1, received_c2=self.changed("received-c2", b"12\t2\tp1 b\n", b"12\t2\tp1 b\n12\t2\tp1 b\n"))
        self.assertIn("p1 b came 3 times, with deliveries [1, 2, 2]", text)

    def test_a_duplicate_with_another_position_is_noticed(self):
        text = self.check(1, received_c2=self.changed("received-c2", b"12\t2\tp1 b", b"15\t2\tp1 b"))
        self.assertIn("with another position", text)

    def test_a_spoiled_line_is_noticed(self):
        text = self.check(1, received_c2=self.changed("received-c2", b"p1 c", b"p1 x"))
        self.assertIn("of p1 are lost, the first is p1 c", text)
        self.assertIn("received what nobody sent: p1 x", text)

    def test_an_unacknowledged_line_of_a_living_producer_is_noticed(self):
        self.assertIn("3 messages of p1 came, 2 were acknowledged", self.check(1, acked_p1=b"1\n2\n"))

    def test_unacknowledged_lines_with_a_gap_are_noticed(self):
        text = self.check(1, received_c2=self.changed("received-c2", b"14\t1\tp1 c\n", b"14\t1\tp1 c\n15\t1\tp2 d\n"),
                          acked_p2=b"1\n2\n", sent_p2=b"p2 a\np2 b\np2 c\np2 d\n")
        self.assertIn("1 messages of p2 are lost, the first is p2 c", text)

    def test_wrong_order_in_a_consumer_is_noticed(self):
        text = self.check(1, received_c1=b"11\t1\tp2 a\n10\t1\tp1 a\n12\t1\tp1 b\n")
        self.assertIn("not first in, first out", text)

    def test_wrong_order_of_a_producer_is_noticed(self):
        text = self.check(1, received_c1=b"10\t1\tp1 b\n11\t1\tp2 a\n12\t1\tp1 a\n",
                          received_c2=b"13\t1\tp2 b\n14\t1\tp1 c\n")
        self.assertIn("p1 are not in its order", text)

    def test_two_messages_with_one_position_are_noticed(self):
        text = self.check(1, received_c2=self.changed("received-c2", b"14\t1\tp1 c", b"10\t1\tp1 c"))
        self.assertIn("the same position", text)

    def test_a_living_process_that_ends_within_a_line_is_noticed(self):
        self.assertIn("acked-p1 ends within a line", self.check(1, acked_p1=b"1\n2\n3"))
        self.assertIn("received-c2 ends within a line", self.check(1, received_c2=GOOD["received-c2"] + b"15\t1"))

    def test_acknowledgements_that_do_not_count_are_noticed(self):
        self.assertIn("does not count", self.check(1, acked_p1=b"1\n3\n2\n"))

    def test_a_producer_without_acknowledgements_is_noticed(self):
        self.assertIn("same producers", self.check(1, acked_p1=None))


if __name__ == "__main__":
    main()
