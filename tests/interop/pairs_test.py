"""The table's checker notices what can go wrong in a cell, and the table has all the cells."""

import unittest

from pairs import METHODS, SIZES, cells, check_cell, expected_records


class PairsTest(unittest.TestCase):
    GOOD = list(expected_records(7, 56, "loan"))

    def check(self, found):
        return check_cell("cell", found, self.GOOD)

    def test_what_is_expected_is_accepted(self):
        self.assertEqual(self.check(list(self.GOOD)), [])
        self.assertEqual(self.GOOD[5], (7, 5, 56, 1, 1, 0))
        self.assertEqual(list(expected_records(7, 0, "copy"))[5], (0, 0, 0, 1, 0, 0))

    def test_a_lost_message_is_noticed(self):
        self.assertIn("message 3 is Record(producer=7, number=4", self.check(self.GOOD[:3] + self.GOOD[4:])[0])

    def test_the_last_message_lost_is_noticed(self):
        self.assertIn("199 messages came, expected 200", self.check(self.GOOD[:-1])[0])

    def test_a_duplicate_is_noticed(self):
        self.assertIn("message 4 is Record(producer=7, number=3", self.check(self.GOOD[:4] + self.GOOD[3:-1])[0])

    def test_each_wrong_field_is_noticed(self):
        for field in range(len(self.GOOD[0])):
            spoiled = list(self.GOOD[10])
            spoiled[field] += 1
            self.assertIn("message 10 is", self.check(self.GOOD[:10] + [tuple(spoiled)] + self.GOOD[11:])[0])

    def test_each_two_of_size_and_methods_meet_for_each_language(self):
        met = {(language, size, sender, method)
               for method in METHODS for language, size, sender in cells(["c", "go"], method, False)}
        for language in ("c", "go"):
            triples = [(size, sender, method) for one, size, sender, method in met if one == language]
            for i, j in ((0, 1), (0, 2), (1, 2)):
                self.assertEqual(len({(triple[i], triple[j]) for triple in triples}), 9)

    def test_every_combination_is_every_combination(self):
        self.assertEqual(len({(method, cell) for method in METHODS for cell in cells(["c"], method, True)}),
                         len(SIZES) * len(METHODS) ** 2)


if __name__ == "__main__":
    unittest.main()
