"""The check of what was sent notices what another language would not understand."""

import json
import struct
import unittest

from typed import MESSAGES, VALUE, is_value


class TypedTest(unittest.TestCase):
    def test_what_is_expected_is_accepted(self):
        self.assertTrue(is_value("json", b'{"price":2.50, "name":"tea","id":7}\n'))
        self.assertTrue(is_value("struct", bytes.fromhex("07000000ffffffff0000000000000440" "7465610000000000")))

    def test_what_is_no_value_is_noticed(self):
        for form, message in MESSAGES.items():
            self.assertTrue(is_value(form, message))
            self.assertFalse(is_value(form, message[:-1]))
            self.assertFalse(is_value(form, b""))

    def test_another_order_of_the_fields_is_noticed(self):
        self.assertFalse(is_value("struct", struct.pack("<di4x8s", 2.5, 7, b"tea")))

    def test_no_padding_is_noticed(self):
        self.assertFalse(is_value("struct", struct.pack("<id8s", 7, 2.5, b"tea")))

    def test_another_byte_order_is_noticed(self):
        self.assertFalse(is_value("struct", struct.pack(">i4xd8s", 7, 2.5, b"tea")))

    def test_other_members_are_noticed(self):
        self.assertFalse(is_value("json", json.dumps({**VALUE, "id": "7"}).encode()))
        self.assertFalse(is_value("json", json.dumps({"Id": 7, "Name": "tea", "Price": 2.5}).encode()))


if __name__ == "__main__":
    unittest.main()
