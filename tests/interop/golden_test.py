"""Golden regions and the golden durable directory come back as they were, and a wrong walk is noticed."""

import os
import tempfile
import unittest

import sparse
from golden import compare, expected_walk, read_directory, restore_directory


class GoldenTest(unittest.TestCase):
    def test_a_sparse_file_comes_back(self):
        with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
            one, other = os.path.join(directory, "one"), os.path.join(directory, "other")
            with open(one, "wb") as file:
                file.write(b"begin")
                file.seek(1 << 30)
                file.write(b"\0" * 100 + b"middle")
                file.truncate((1 << 31) + 7)
            lines = list(sparse.dump(one))
            sparse.restore(lines, other)
            self.assertEqual(lines, ["size 2147483655", "0 " + b"begin".ljust(32, b"\0").hex(),
                                     "40000060 " + b"\0\0\0\0middle".ljust(32, b"\0").hex()])
            self.assertEqual(list(sparse.dump(other)), lines)

    def test_expectations_are_written_out(self):
        walk = list(expected_walk("small"))
        self.assertEqual(walk[1], "130 2 676976656e206261636b")
        self.assertEqual(walk[2], "131 1 -")
        self.assertEqual(walk[4], "133 1 " + "f" * 110)

    def test_the_durable_directory_is_read_as_its_format_says(self):
        with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
            kept = os.path.join(directory, "kept")
            restore_directory(kept)
            expected = list(expected_walk("kept"))
            self.assertEqual(read_directory(kept), expected)
            for name in os.listdir(kept):
                with open(os.path.join(kept, name), "r+b") as file:
                    at = file.read().find(b"given back")
                    if at > 0:  # a record that is damaged is none
                        file.seek(at)
                        file.write(b"G")
            self.assertEqual(read_directory(kept), [line for line in expected if not line.startswith("66 ")])

    def test_each_difference_is_noticed(self):
        good = ["7 1 61", "8 2 62"]
        self.assertEqual(compare("c", list(good), good), [])
        self.assertIn("in line 2: nothing", compare("c", good[:1], good)[0])
        self.assertIn("3 messages, expected 2", compare("c", good + ["9 1 -"], good)[0])
        self.assertIn("in line 2: 8 1 62\nexpected: 8 2 62", compare("c", ["7 1 61", "8 1 62"], good)[0])


if __name__ == "__main__":
    unittest.main()
