"""`--base64`: any bytes go in and out as lines, and lines that are not base64 are refused."""

import base64
import random

from support import ERROR, CommandTest, main


class Base64Test(CommandTest):
    def test_any_bytes_go_in_and_out(self):
        self.create()
        source = random.Random(1)
        messages = [bytes(source.randrange(256) for _ in range(size)) for size in range(70)] + [bytes(range(256))]
        text = b"".join(base64.b64encode(message) + b"\n" for message in messages)
        self.run_cq("put", "q", "--base64", stdin=text)
        self.assertEqual(self.run_cq("peek", "q", "--all", "--base64").out, text)
        self.assertEqual(self.run_cq("get", "q", "--all", "--raw").out, b"".join(messages))

    def test_blanks_at_the_end_do_not_count(self):
        self.create()
        self.run_cq("put", "q", "--base64", stdin=b"aGk= \t\r\naGk=\r\n")
        self.assertEqual(self.messages(), [b"hi", b"hi"])

    def test_what_is_not_base64_is_named_and_lines_before_it_are_put(self):
        for bad in [b"a", b"ab", b"abc", b"ab=c", b"a===", b"====", b"aGk=aGk=", b"aGl=", b"aG k", b"a-_b",
                    b"\xff\xff\xff\xff"]:
            with self.subTest(bad):
                self.create()
                error = self.run_cq("put", "q", "--base64", stdin=b"b25l\n" + bad + b"\ndHdv\n", code=ERROR).err
                self.assertIn("line 2 is not base64; the first line was put", error)
                self.assertEqual(self.messages(), [b"one"])
                self.run_cq("rm", "q", "--force")

    def test_the_size_that_counts_is_that_of_the_message(self):
        self.create(max_message=10)
        self.run_cq("put", "q", "--base64", stdin=base64.b64encode(b"x" * 10) + b"   \r\n")
        error = self.run_cq("put", "q", "--base64", stdin=base64.b64encode(b"x" * 11), code=ERROR).err
        self.assertIn("line 1 has 11 bytes", error)
        self.assertEqual(self.messages(), [b"x" * 10])


if __name__ == "__main__":
    main()
