"""`cq get`: which messages it takes, in which form, and when it ends. Signals are in get_signals_test.py."""

import os
import subprocess
import time

from support import ERROR, NOTHING, PATIENCE, USAGE, CommandTest, main


class GetTest(CommandTest):
    def get(self, *options, **named):
        return self.run_cq("get", "q", *options, **named)

    def test_takes_the_oldest_message(self):
        self.create()
        self.put(b"one", b"two")
        self.assertEqual(self.get().out, b"one\n")
        self.assertEqual(self.messages(), [b"two"])

    def test_an_empty_queue_is_exit_code_1_and_no_output(self):
        self.create()
        for options in [(), ("--count", 3), ("--all",), ("--follow", "--wait", "0")]:
            with self.subTest(options):
                result = self.get(*options, code=NOTHING)
                self.assertEqual((result.out, result.err), (b"", ""))

    def test_ends_when_the_queue_is_removed_and_has_taken_what_was_there(self):
        for options in [("--follow",), ("--count", 3, "--wait", "forever"), ("--all", "--wait", "1000s")]:
            with self.subTest(options):
                self.create()
                self.put(b"1")
                get = self.start_cq("get", "q", *options, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
                self.assertEqual(self.read_line(get.stdout), b"1\n")
                self.run_cq("rm", "q", "--force")
                self.assertEqual(get.wait(PATIENCE), ERROR)
                self.assertEqual(get.stderr.read(), b'cq: "q": the queue was removed\n')

    def test_count_takes_so_many_in_order(self):
        self.create()
        self.put(*[b"%d" % i for i in range(300)])
        self.assertEqual(self.get("--count", 5).lines, ["0", "1", "2", "3", "4"])
        self.assertEqual(self.get("--count", 200).lines, [str(i) for i in range(5, 205)])
        self.assertEqual(len(self.messages()), 95)

    def test_count_prints_what_there_is_and_exits_with_1_if_that_is_too_few(self):
        self.create()
        self.put(b"a", b"b")
        self.assertEqual(self.get("--count", 3, code=NOTHING).lines, ["a", "b"])
        self.assertEqual(self.messages(), [])

    def test_all_takes_all(self):
        self.create()
        messages = [b"%d" % i for i in range(10000)]
        self.put(*messages)
        self.assertEqual(self.get("--all").out.split(), messages)
        self.assertEqual(self.stat()["length"], 0)

    def test_an_empty_message_is_an_empty_line(self):
        self.create()
        self.put(b"", b"x", b"")
        self.assertEqual(self.get("--all").out, b"\nx\n\n")

    def test_null_and_raw_and_base64(self):
        self.create()
        for options, expected in [(("--null",), b"a\nb\0\0"), (("-0",), b"a\nb\0\0"), (("--raw",), b"a\nb"),
                                  (("--base64",), b"YQpi\n\n")]:
            with self.subTest(options):
                self.put(b"a\nb", b"")
                self.assertEqual(self.get("--all", *options).out, expected)

    def test_any_bytes_come_out_as_they_went_in(self):
        self.create()
        content = bytes(range(256)) * 16
        self.run_cq("put", "q", "--file", "-", stdin=content)
        self.assertEqual(self.get("--raw").out, content)

    def test_large_messages(self):
        self.create(capacity=5, max_message="1M")
        messages = [bytes([65 + i]) * 1048576 for i in range(5)]
        self.put(*messages)
        self.assertEqual(self.get("--all").out.split(), messages)

    def test_meta_prints_position_and_deliveries(self):
        self.create()
        self.put(b"a\tb", b"")
        rows = [line.split(b"\t", 2) for line in self.get("--all", "--meta").out.splitlines()]
        self.assertEqual([row[1:] for row in rows], [[b"1", b"a\tb"], [b"1", b""]])
        self.assertLess(int(rows[0][0]), int(rows[1][0]))
        self.put(b"a\nb")
        self.assertRegex(self.get("--meta", "--null").out, rb"^\d+\t1\ta\nb\0$")
        self.put(b"hi")
        self.assertRegex(self.get("--meta", "--base64").out, rb"^\d+\t1\taGk=\n$")

    def test_json_has_text_or_base64(self):
        self.create()
        self.run_cq("put", "q", "--base64", stdin=b"aMOpCiI=\n/w==\n\n")
        rows = self.get("--all", "--json").json_lines
        for row in rows:
            self.assertGreater(row.pop("position"), 0)
        self.assertEqual(rows, [{"deliveries": 1, "size": 5, "text": 'h\u00e9\n"'},
                                {"deliveries": 1, "size": 1, "base64": "/w=="},
                                {"deliveries": 1, "size": 0, "text": ""}])

    def test_what_contradicts_itself_is_refused(self):
        self.create()
        self.put(b"kept")
        for options in [("--count", 1, "--all"), ("--count", 1, "--follow"), ("--all", "--follow"), ("--null", "--raw"),
                        ("--null", "--base64"), ("--null", "--json"), ("--base64", "--raw"), ("--base64", "--json"),
                        ("--raw", "--json"), ("--raw", "--meta"), ("--json", "--meta")]:
            with self.subTest(options):
                self.assertIn("excludes", self.get(*options, code=USAGE).err)
        for count in ["0", "x", "-1", ""]:
            with self.subTest(count):
                self.get("--count=" + count, code=USAGE)
        self.assertEqual(self.messages(), [b"kept"])

    def test_wait_ends_after_its_time(self):
        self.create()
        begin = time.monotonic()
        self.get("--wait", "250ms", code=NOTHING)
        self.assertGreaterEqual(time.monotonic() - begin, 0.25)

    def test_wait_gets_a_message_that_comes(self):
        self.create()
        get = self.start_cq("get", "q", "--wait", "forever", "--count", "2", stdout=subprocess.PIPE, bufsize=0)
        for message in [b"first", b"second"]:
            self.until(lambda: self.stat()["waiting_consumers"] == 1)
            self.put(message)
            self.assertEqual(self.read_line(get.stdout), message + b"\n")
        self.assertEqual(get.wait(PATIENCE), 0)

    def test_follow_gets_what_is_there_and_what_comes(self):
        self.create()
        self.put(b"1", b"2")
        get = self.start_cq("get", "q", "--follow", stdout=subprocess.PIPE, bufsize=0)
        for number in range(1, 6):
            if number > 2:
                self.put(b"%d" % number)
            self.assertEqual(self.read_line(get.stdout), b"%d\n" % number)
        self.assertIsNone(get.poll())

    def test_follow_with_wait_ends_when_nothing_comes_any_more(self):
        self.create()
        self.put(b"1", b"2")
        self.assertEqual(self.get("--follow", "--wait", "100ms").lines, ["1", "2"])
        self.assertEqual(self.get("--follow", "--wait", "100ms", code=NOTHING).out, b"")

    def test_two_consumers_share_the_messages(self):
        self.create()
        self.put(*[b"%d" % i for i in range(1000)])
        paths = [os.path.join(self.directory, name) for name in ("a", "b")]
        processes = []
        for path in paths:
            with open(path, "wb") as file:
                processes.append(self.start_cq("get", "q", "--all", stdout=file))
        for process in processes:
            self.assertIn(process.wait(PATIENCE), (0, 1))
        got = []
        for path in paths:
            with open(path, "rb") as file:
                got += map(int, file.read().split())
        self.assertEqual(sorted(got), list(range(1000)))

    def test_a_missing_queue_is_an_error_and_is_not_created(self):
        self.assertIn("cq create q", self.get(code=ERROR).err)
        self.assertEqual(os.listdir(self.directory), [])

    def test_of_several_queues_the_first_is_emptied_before_the_next(self):
        for name in ["a", "b"]:
            self.create(name)
            self.put(b"1", b"2", queue=name)
        rows = self.run_cq("get", "a", "b", "-n", 3, "--json").json_lines
        self.assertEqual([(row["queue"], row["text"]) for row in rows], [("a", "1"), ("a", "2"), ("b", "1")])
        self.assertIn("one queue only", self.run_cq("get", "a", "b", "--follow", code=USAGE).err)
        self.run_cq("get", "b", "none", code=ERROR)
        self.assertEqual(self.messages("b"), [b"2"])


if __name__ == "__main__":
    main()
