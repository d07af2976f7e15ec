"""Whatever ends `cq put`: what it acknowledged is in the queue, and what is there is the beginning of its input."""

import os
import select
import signal
import subprocess

from support import PATIENCE, CommandTest, main


class PutSignalsTest(CommandTest):
    def test_killed_it_has_put_what_it_acknowledged(self):
        self.create(capacity=50000)
        source = os.path.join(self.directory, "source")
        lines = [b"line %d" % number for number in range(40000)]
        with open(source, "wb") as file:
            file.write(b"\n".join(lines) + b"\n")
        for wanted in [1, 1000, 20000]:
            with self.subTest(wanted):
                with open(source, "rb") as stdin:
                    put = self.start_cq("put", "q", "--ack", stdin=stdin, stdout=subprocess.PIPE)
                acked = [put.stdout.readline() for _ in range(wanted)]
                put.kill()
                acked += put.stdout.read().split(b"\n")[:-1]
                self.assertEqual(put.wait(PATIENCE), -signal.SIGKILL)
                got = self.run_cq("get", "q", "--all").out.split(b"\n")[:-1]
                self.assertGreaterEqual(len(got), len(acked))
                self.assertLess(len(got), len(lines))
                self.assertEqual(got, lines[: len(got)])

    def test_terminated_while_it_waits_for_room_it_says_how_far_it_came(self):
        self.create(capacity=2)
        for number in [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]:
            with self.subTest(number.name):
                put = self.start_cq("put", "q", stdin=subprocess.PIPE, stderr=subprocess.PIPE)
                put.stdin.write(b"1\n2\n3\n4\n")
                put.stdin.close()
                self.until(lambda: self.stat()["waiting_producers"] == 1)
                put.send_signal(number)
                self.assertEqual(put.wait(PATIENCE), -number)
                self.assertIn(b"the first 2 lines were put", put.stderr.read())
                self.assertEqual(self.run_cq("get", "q", "--all").lines, ["1", "2"])

    def test_terminated_while_it_waits_for_input_it_says_how_far_it_came(self):
        self.create()
        put = self.start_cq("put", "q", stdin=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        put.stdin.write(b"1\nunfinished")
        self.until(lambda: self.stat()["length"] == 1)
        put.terminate()
        self.assertEqual(put.wait(PATIENCE), -signal.SIGTERM)
        self.assertIn(b"the first line was put", put.stderr.read())
        self.assertEqual(self.messages(), [b"1"])

    def test_terminated_while_nobody_reads_its_acknowledgements_it_ends(self):
        self.create(capacity=60000)
        source = os.path.join(self.directory, "source")
        with open(source, "wb") as file:
            file.write(b"x\n" * 50000)
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        with open(source, "rb") as stdin:
            put = self.start_cq("put", "q", "--ack", stdin=stdin, stdout=writer, stderr=subprocess.DEVNULL)
        self.until(lambda: not select.select([], [writer], [], 0)[1])
        os.close(writer)
        put.terminate()
        self.assertEqual(put.wait(PATIENCE), -signal.SIGTERM)
        acked = 0
        while True:
            piece = os.read(reader, 1 << 16)
            if not piece:
                break
            acked += piece.count(b"\n")
        self.assertLessEqual(acked, self.stat()["length"])
        self.assertLess(self.stat()["length"], 50000)


if __name__ == "__main__":
    main()
