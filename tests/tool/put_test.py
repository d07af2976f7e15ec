"""`cq put`: what becomes a message, what is refused, and how it waits for room. Signals are in put_signals_test.py."""

import os
import subprocess
import time

from support import CQ, ERROR, NOTHING, PATIENCE, USAGE, CommandTest, main


class PutTest(CommandTest):
    def put_lines(self, stdin, *options, **named):
        return self.run_cq("put", "q", *options, stdin=stdin, **named)

    def test_each_line_is_a_message(self):
        self.create()
        self.assertEqual(self.put_lines(b"one\ntwo words\nthree\n").out, b"")
        self.assertEqual(self.messages(), [b"one", b"two words", b"three"])

    def test_an_empty_line_is_a_message_of_0_bytes(self):
        self.create()
        self.put_lines(b"\n\na\n\n")
        self.assertEqual(self.messages(), [b"", b"", b"a", b""])

    def test_the_last_line_needs_no_newline(self):
        self.create()
        self.put_lines(b"first\nlast")
        self.assertEqual(self.messages(), [b"first", b"last"])

    def test_no_input_is_no_message(self):
        self.create()
        self.put_lines(b"")
        self.assertEqual(self.messages(), [])

    def test_lines_keep_every_byte_but_the_newline(self):
        self.create()
        self.put_lines(b"\0\r\t \xff\x80\n tail \r\n")
        self.assertEqual(self.run_cq("get", "q", "--count", 2, "--base64").lines, ["AA0JIP+A", "IHRhaWwgDQ=="])

    def test_nul_ends_a_message_on_request(self):
        for option in ["--null", "-0"]:
            with self.subTest(option):
                self.create()
                self.put_lines(b"two\nlines\0\0rest", option)
                self.assertEqual(self.messages(), [b"two\nlines", b"", b"rest"])
                self.run_cq("rm", "q", "--force")

    def test_more_lines_than_a_buffer_holds(self):
        self.create(max_message=50)
        lines = [b"%d %s" % (i, b"x" * (i % 40)) for i in range(30000)]
        self.put_lines(b"\n".join(lines))
        self.assertEqual(self.messages(), lines)

    def test_lines_longer_than_a_read(self):
        self.create(capacity=10, max_message="1M")
        lines = [b"a" * 1048576, b"b" * 1000000, b"c"]
        self.put_lines(b"\n".join(lines))
        self.assertEqual(self.messages(), lines)

    def test_a_whole_file_is_a_message_on_request(self):
        self.create()
        path = os.path.join(self.directory, "file")
        for content in [b"two\nlines\n", b"", b"\n"]:
            with open(path, "wb") as file:
                file.write(content)
            self.run_cq("put", "q", "--file", path)
        self.run_cq("put", "q", "--file", "-", stdin=b"by\npipe")
        self.assertEqual(self.messages(), [b"two\nlines\n", b"", b"\n", b"by\npipe"])

    def test_a_file_that_cannot_be_read_is_named(self):
        self.create()
        self.assertIn("/missing: No such file", self.put_lines(b"", "--file", "/missing", code=ERROR).err)
        self.assertIn("directory", self.put_lines(b"", "--file", "/", code=ERROR).err)
        self.assertEqual(self.messages(), [])

    def test_a_file_that_is_too_large_is_refused(self):
        self.create(max_message=10)
        self.put_lines(b"x" * 10, "--file", "-")
        error = self.put_lines(b"x" * 11, "--file", "-", code=ERROR).err
        self.assertIn("the file has 11 bytes", error)
        self.assertIn("at most 10", error)
        self.assertEqual(self.messages(), [b"x" * 10])

    def test_ways_to_cut_the_input_exclude_each_other(self):
        self.create()
        for options in [("--null", "--base64"), ("--file", "-", "--null"), ("--file", "-", "--base64"),
                        ("--no-wait", "--wait", "1s")]:
            with self.subTest(options):
                self.assertIn("excludes", self.put_lines(b"", *options, code=USAGE).err)

    def test_a_line_of_the_largest_size_is_accepted(self):
        self.create(max_message=100)
        self.put_lines(b"x" * 100 + b"\n" + b"y" * 100)
        self.assertEqual(self.messages(), [b"x" * 100, b"y" * 100])

    def test_a_line_that_is_too_long_is_named_and_those_before_it_are_put(self):
        self.create(max_message=100)
        error = self.put_lines(b"one\ntwo\n" + b"x" * 101 + b"\nfour\n", code=ERROR).err
        self.assertIn("line 3 has 101 bytes", error)
        self.assertIn("at most 100", error)
        self.assertIn("the first 2 lines were put", error)
        self.assertIn("--max-message", error)
        self.assertEqual(self.messages(), [b"one", b"two"])

    def test_a_line_that_is_too_long_for_any_buffer_is_refused(self):
        self.create(max_message=100)
        with open("/dev/zero", "rb") as zeros:
            error = self.put_lines(zeros, code=ERROR).err
        self.assertIn("line 1 has more than 100 bytes", error)
        self.assertIn("nothing was put", error)

    def test_a_last_line_that_is_too_long_is_refused(self):
        self.create(max_message=4)
        self.assertIn("line 2 has 5 bytes", self.put_lines(b"1234\n12345", code=ERROR).err)

    def test_when_the_queue_is_full_no_wait_ends_and_says_how_far_it_came(self):
        self.create(capacity=3)
        error = self.put_lines(b"1\n2\n3\n4\n5\n", "--no-wait", code=NOTHING).err
        self.assertRegex(error, "^cq: .*full")
        self.assertIn("the first 3 lines were put", error)
        self.assertEqual(self.messages(), [b"1", b"2", b"3"])
        self.assertIn("nothing was put", self.put_lines(b"6\n", "--no-wait", code=NOTHING).err)

    def test_when_the_queue_is_removed_it_ends_and_says_what_may_be_lost(self):
        self.create()
        put = self.start_cq("put", "q", "--ack", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        put.stdin.write(b"1\n")
        self.assertEqual(self.read_line(put.stdout), b"1\n")
        self.run_cq("rm", "q", "--force")
        for line in range(2, 10000):
            try:
                put.stdin.write(b"%d\n" % line)
            except BrokenPipeError:
                break
            time.sleep(0.01)
        self.assertEqual(put.wait(PATIENCE), ERROR)
        error = put.stderr.read().decode()
        self.assertRegex(error, r'^cq: "q": the queue was removed; the first .* put, \d+ of them after the queue was last seen '
                                r'in its place: these may be lost')
        acknowledged = put.stdout.read().split()
        self.assertLess(len(acknowledged), 9000, "noticed while it ran")

    def test_when_the_queue_is_removed_and_made_anew_the_end_says_so(self):
        self.create()
        put = self.start_cq("put", "q", "--ack", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        put.stdin.write(b"1\n")
        self.assertEqual(self.read_line(put.stdout), b"1\n")
        self.run_cq("rm", "q", "--force")
        self.create()
        put.stdin.close()
        self.assertEqual(put.wait(PATIENCE), ERROR)
        self.assertIn("another one of that name now; the first line was put", put.stderr.read().decode())
        self.assertEqual(self.messages(), [])

    def test_waits_for_memory_as_for_room(self):
        """On a file system so small that the queue never reaches its capacity."""
        script = f"""
            mount -t tmpfs -o size=2m cqtest {self.directory} || exit 77
            run() {{ {CQ} "$1" --directory {self.directory} q "${{@:2}}"; }}
            run create --quiet --capacity 1000 --max-message 100000
            for i in $(seq 60); do head -c 90000 /dev/zero | tr '\\0' x; echo; done >"{self.directory}.lines"
            run put --no-wait <"{self.directory}.lines"; echo "no wait: $?"
            run put <"{self.directory}.lines" & put=$!
            # Until it has ended: what was taken last may keep its memory until the next is taken.
            while kill -0 $put 2>/dev/null; do run get --count 10 --wait 100ms >/dev/null; done
            wait $put; echo "put: $?"
        """
        self.addCleanup(lambda: os.path.exists(self.directory + ".lines") and os.remove(self.directory + ".lines"))
        done = subprocess.run(["unshare", "-m", "bash", "-c", script], capture_output=True, text=True, check=False, timeout=PATIENCE)
        if done.returncode in (1, 77) and "unshare" in done.stderr or done.returncode == 77:
            self.skipTest("only root may mount file systems")
        self.assertEqual(done.stdout, "no wait: 1\nput: 0\n", done.stderr)
        self.assertRegex(done.stderr, r"its next part takes \d+ bytes .* free of 2097152 bytes .*; the first \d+ lines were put")

    def test_when_the_queue_stays_full_wait_ends_after_its_time(self):
        self.create(capacity=1)
        self.put_lines(b"1\n2\n", "--wait", "150ms", code=NOTHING)
        self.put_lines(b"3\n", "--wait=0", code=NOTHING)
        self.assertEqual(self.messages(), [b"1"])

    def test_waits_for_room(self):
        for options in [(), ("--wait", "forever"), ("--wait", "1h")]:
            with self.subTest(options):
                self.create(capacity=2)
                self.put(b"old", b"older")
                put = self.start_cq("put", "q", *options, stdin=subprocess.PIPE)
                put.stdin.write(b"new\nnewer\n")
                put.stdin.close()
                self.until(lambda: self.stat()["waiting_producers"] == 1)
                self.assertEqual(self.run_cq("get", "q", "--count", 2).lines, ["old", "older"])
                self.assertEqual(put.wait(PATIENCE), 0)
                self.assertEqual(self.messages(), [b"new", b"newer"])
                self.run_cq("rm", "q", "--force")

    def test_takes_durations(self):
        self.create()
        for text in ["0", "0s", "10ns", "1us", "10ms", "2s", "1.5s", "3m", "3min", "1h", "forever"]:
            with self.subTest(text):
                self.put_lines(b"x\n", "--wait", text)

    def test_refuses_bad_durations(self):
        self.create()
        for text in ["x", "2d", "", "1.2.3s", "s", ".", "2 s", "1e3s", "inf", "9999999999999h"]:
            with self.subTest(text):
                error = self.put_lines(b"x\n", "--wait", text, code=USAGE).err
                self.assertIn("--wait", error)
                self.assertIn('"' + text + '"', error)
        self.put_lines(b"x\n", "--wait=-1s", code=USAGE)
        self.put_lines(b"x\n", "--wait", code=USAGE)
        self.assertEqual(self.messages(), [])

    def test_ack_prints_the_number_of_each_message(self):
        self.create(capacity=3)
        self.assertEqual(self.put_lines(b"a\n\nc\nd\n", "--ack", "--no-wait", code=NOTHING).lines, ["1", "2", "3"])
        self.assertEqual(self.run_cq("get", "q", "--count", 2).lines, ["a", ""])
        self.assertEqual(self.run_cq("put", "q", "--ack", "--file", "-", stdin=b"x\ny").lines, ["1"])

    def test_ack_is_printed_before_more_input_comes(self):
        self.create()
        put = self.start_cq("put", "q", "--ack", stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        for number in range(1, 4):
            put.stdin.write(b"message %d\nbegun " % number)
            self.assertEqual(self.read_line(put.stdout), b"%d\n" % number)
            self.assertEqual(len(self.messages()), number)
        self.assertEqual(self.messages(), [b"message 1", b"begun message 2", b"begun message 3"])

    def test_a_missing_queue_is_an_error_and_is_not_created(self):
        self.assertIn("cq create q", self.put_lines(b"x\n", code=ERROR).err)
        self.assertEqual(os.listdir(self.directory), [])

    def test_closed_standard_input_is_an_error(self):
        self.create()
        done = subprocess.run(self.arguments(["put", "q"]), stderr=subprocess.PIPE, check=False,
                              preexec_fn=lambda: os.close(0), timeout=PATIENCE)
        self.assertEqual(done.returncode, ERROR)
        self.assertIn(b"cannot read the input", done.stderr)
        self.assertEqual(self.messages(), [])


if __name__ == "__main__":
    main()
