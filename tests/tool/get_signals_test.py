"""Whatever ends `cq get`: every message is either written whole or in the queue, and what may be both is marked."""

import fcntl
import os
import select
import signal
import subprocess

from support import ERROR, NOTHING, PATIENCE, CommandTest, main

COUNT = 500
F_SETPIPE_SZ = 1031


def message(number):
    return b"%03d " % number + b"x" * 300


class GetSignalsTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.create()
        self.put(*[message(number) for number in range(COUNT)])

    def start_blocked(self, *options, **streams):
        """A `cq get` that writes into a pipe which nobody reads, until it can write no more. The pipe's reading end."""
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        get = self.start_cq("get", "q", "--meta", *options, stdout=writer, **streams)
        self.until(lambda: not select.select([], [writer], [], 0)[1])
        os.close(writer)
        return get, reader

    @staticmethod
    def read_rows(reader):
        """Deliveries by message, of the lines that were written whole."""
        data = b""
        while True:
            piece = os.read(reader, 1 << 16)
            if not piece:
                break
            data += piece
        rows = [line.split(b"\t", 2) for line in data.split(b"\n")[:-1]]
        return {row[2]: int(row[1]) for row in rows}

    def check_nothing_is_lost(self, reader, expected_overlap):
        """What was written and what is in the queue, together, is all; what is in both is marked there."""
        written = self.read_rows(reader)
        waiting = dict(self.contents())
        self.assertEqual(set(written) | set(waiting), {message(number) for number in range(COUNT)})
        self.assertTrue(written and all(deliveries == 1 for deliveries in written.values()))
        both = set(written) & set(waiting)
        self.assertTrue(all(waiting[text] == 2 for text in both))
        if not expected_overlap:
            self.assertEqual(both, set())
        again = [text for text, deliveries in waiting.items() if deliveries == 2]
        self.assertGreaterEqual(len(again), 1)
        self.assertLessEqual(len(again), 64)

    def test_killed_while_it_writes_it_has_lost_nothing(self):
        for options in [("--all",), ("--follow",), ("--count", COUNT)]:
            with self.subTest(options):
                get, reader = self.start_blocked(*options)
                get.kill()
                self.assertEqual(get.wait(PATIENCE), -signal.SIGKILL)
                self.run_cq("doctor", "q")
                self.check_nothing_is_lost(reader, expected_overlap=True)
                self.run_cq("get", "q", "--all")
                self.put(*[message(number) for number in range(COUNT)])

    def test_terminated_while_it_writes_it_gives_back_what_it_did_not_write(self):
        for number in [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]:
            with self.subTest(number.name):
                get, reader = self.start_blocked("--all")
                get.send_signal(number)
                self.assertEqual(get.wait(PATIENCE), -number)
                self.assertEqual(self.stat()["returned"], self.stat()["orphans"] + self.stat()["redelivered"])
                self.check_nothing_is_lost(reader, expected_overlap=False)
                self.run_cq("get", "q", "--all")
                self.put(*[message(number) for number in range(COUNT)])

    def test_a_returned_message_comes_again_and_is_marked(self):
        get, reader = self.start_blocked("--all")
        get.terminate()
        get.wait(PATIENCE)
        written = self.read_rows(reader)
        rows = [line.split("\t", 2) for line in self.run_cq("get", "q", "--all", "--meta").lines]
        self.assertEqual([row[2].encode() for row in rows], [message(number) for number in range(len(written), COUNT)])
        again = [row for row in rows if row[1] == "2"]
        self.assertEqual(rows[: len(again)], again)
        self.assertTrue(all(row[1] == "1" for row in rows[len(again) :]))
        self.assertGreaterEqual(len(again), 1)

    def test_terminated_while_it_waits_it_ends_at_once(self):
        self.run_cq("get", "q", "--all")
        for options in [("--follow",), ("--wait", "1h")]:
            with self.subTest(options):
                get = self.start_cq("get", "q", *options, stdout=subprocess.DEVNULL)
                self.until(lambda: self.stat()["waiting_consumers"] == 1)
                get.terminate()
                self.assertEqual(get.wait(PATIENCE), -signal.SIGTERM)

    def test_an_ignored_signal_does_not_end_it(self):
        get, _ = self.start_blocked("--all", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        get.send_signal(signal.SIGHUP)
        with self.assertRaises(subprocess.TimeoutExpired):
            get.wait(0.5)

    def test_without_a_reader_it_takes_nothing_and_ends_like_everybody(self):
        reader, writer = os.pipe()
        os.close(reader)
        get = self.start_cq("get", "q", "--all", stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        self.assertEqual(get.wait(PATIENCE), -signal.SIGPIPE)
        self.assertEqual(get.stderr.read(), b"")
        self.assertEqual(sorted(self.messages()), [message(number) for number in range(COUNT)])

    def test_without_a_reader_it_fails_if_sigpipe_is_ignored(self):
        reader, writer = os.pipe()
        os.close(reader)
        get = self.start_cq("get", "q", "--all", stdout=writer, stderr=subprocess.PIPE, restore_signals=False)
        os.close(writer)
        self.assertEqual(get.wait(PATIENCE), ERROR)
        self.assertIn(b"nobody reads", get.stderr.read())
        self.assertEqual(len(self.messages()), COUNT)

    def test_a_reader_that_goes_leaves_the_rest_in_the_queue(self):
        get, reader = self.start_blocked("--all")
        first = os.read(reader, 10000).split(b"\n")[0]
        self.assertEqual(first.split(b"\t", 2)[2], message(0))
        # It holds messages and has not been able to write them; only the pipe's 64 KiB are gone with the reader.
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), reader)
        self.assertEqual(get.wait(PATIENCE), -signal.SIGPIPE)
        waiting = self.contents()
        self.assertEqual([text for text, _ in waiting], [message(n) for n in range(COUNT - len(waiting), COUNT)])
        self.assertGreater(len(waiting), 200)
        self.assertEqual(waiting[0][1], 2)

    def test_following_it_notices_that_its_reader_has_gone(self):
        self.run_cq("get", "q", "--all")
        get = self.start_cq("get", "q", "--follow", stdout=subprocess.PIPE)
        self.until(lambda: self.stat()["waiting_consumers"] == 1)
        get.stdout.close()
        self.assertEqual(get.wait(PATIENCE), -signal.SIGPIPE)

    def test_a_full_disk_loses_nothing(self):
        with open("/dev/full", "wb") as full:
            get = self.start_cq("get", "q", "--all", stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(get.wait(PATIENCE), ERROR)
        self.assertIn(b"No space left", get.stderr.read())
        self.assertEqual([text for text, _ in self.contents()], [message(number) for number in range(COUNT)])

    def test_closed_standard_output_loses_nothing(self):
        done = subprocess.run(self.arguments(["get", "q", "--all"]), stderr=subprocess.PIPE, check=False,
                              preexec_fn=lambda: os.close(1), timeout=PATIENCE)
        self.assertEqual(done.returncode, ERROR)
        self.assertIn(b"cannot write", done.stderr)
        self.assertEqual([text for text, _ in self.contents()], [message(number) for number in range(COUNT)])
        self.run_cq("doctor", "q")

    def test_a_pipe_that_does_not_block_is_waited_for(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        fcntl.fcntl(writer, F_SETPIPE_SZ, 4096)
        os.set_blocking(writer, False)
        get = self.start_cq("get", "q", "--all", "--meta", stdout=writer)
        os.close(writer)
        self.assertEqual(list(self.read_rows(reader)), [message(number) for number in range(COUNT)])
        self.assertEqual(get.wait(PATIENCE), 0)
        self.run_cq("get", "q", code=NOTHING)


if __name__ == "__main__":
    main()
