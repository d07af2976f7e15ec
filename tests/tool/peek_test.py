"""`cq peek`: messages are shown and stay."""

import os

from support import ERROR, NOTHING, USAGE, CommandTest, main


class PeekTest(CommandTest):
    def peek(self, *options, **named):
        return self.run_cq("peek", "q", *options, **named)

    def test_shows_messages_in_order_and_leaves_them(self):
        self.create()
        self.put(b"one", b"", b"three")
        before = self.stat()
        for _ in range(2):
            self.assertEqual(self.peek().out, b"one\n\nthree\n")
        self.assertEqual(self.stat(), before)
        self.assertEqual(self.run_cq("get", "q", "--all").lines, ["one", "", "three"])

    def test_shows_10_messages_or_as_many_as_are_asked_for(self):
        self.create()
        self.put(*[b"%d" % i for i in range(1000)])
        self.assertEqual(self.peek().lines, [str(i) for i in range(10)])
        self.assertEqual(self.peek("--count", 1).lines, ["0"])
        self.assertEqual(self.peek("--count", 300).lines, [str(i) for i in range(300)])
        self.assertEqual(self.peek("--count", 5000).lines, [str(i) for i in range(1000)])
        self.assertEqual(self.peek("--all").lines, [str(i) for i in range(1000)])

    def test_an_empty_queue_is_exit_code_1_and_no_output(self):
        self.create()
        self.assertEqual(self.peek(code=NOTHING).out, b"")

    def test_prints_as_get_does(self):
        self.create()
        self.put(b"a\nb", b"\xff")
        for options in [("--null",), ("--raw",), ("--base64",), ("--json",), ("--meta",), ("--meta", "--base64")]:
            with self.subTest(options):
                shown = self.peek(*options).out
                self.assertEqual(self.run_cq("get", "q", "--all", *options).out, shown)
                self.put(b"a\nb", b"\xff")

    def test_deliveries_are_what_they_will_be(self):
        self.create()
        self.put(b"again", b"new")
        with open("/dev/full", "wb") as full:
            self.assertEqual(self.start_cq("get", "q", stdout=full, stderr=full).wait(), ERROR)
        shown = self.peek("--meta").out
        self.assertRegex(shown, rb"^\d+\t2\tagain\n\d+\t1\tnew\n$")
        self.assertEqual(self.run_cq("get", "q", "--all", "--meta").out, shown)

    def test_a_count_and_all_exclude_each_other(self):
        self.create()
        self.assertIn("excludes", self.peek("--all", "--count", 1, code=USAGE).err)
        self.peek("--count", 0, code=USAGE)

    def test_a_full_disk_is_an_error(self):
        self.create()
        self.put(b"x")
        with open("/dev/full", "wb") as full:
            self.assertEqual(self.start_cq("peek", "q", stdout=full, stderr=full).wait(), ERROR)

    def test_a_missing_queue_is_an_error_and_is_not_created(self):
        self.assertIn("cq create q", self.peek(code=ERROR).err)
        self.assertEqual(os.listdir(self.directory), [])


if __name__ == "__main__":
    main()
