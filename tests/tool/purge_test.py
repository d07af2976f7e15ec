"""`cq purge` and `cq check`."""

import os
import pty
import subprocess

from support import ERROR, NOTHING, OK, USAGE, CommandTest, main


class PurgeTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.create(capacity=10)
        self.put(b"1", b"2", b"3")

    def test_removes_what_waits_and_leaves_the_queue(self):
        self.assertEqual(self.run_cq("purge", "q", "--force").out, b"q: 3 messages removed\n")
        self.assertEqual((self.messages(), self.stat()["capacity"]), ([], 10))

    def test_removes_the_oldest(self):
        self.assertEqual(self.run_cq("purge", "q", "-n", 2, "--force", "--json").json, {"name": "q", "removed": 2, "held": 0})
        self.assertEqual(self.messages(), [b"3"])

    def test_asks_where_somebody_can_be_asked_and_else_wants_force(self):
        self.assertIn("--force", self.run_cq("purge", "q", code=USAGE).err)
        self.assertIn("3 messages would be removed", self.run_cq("purge", "q", "--dry-run").out.decode())
        for answer, left in [(b"n\n", 3), (b"\n", 3), (b"y\n", 0)]:
            master, slave = pty.openpty()
            purge = self.start_cq("purge", "q", stdin=slave, stdout=slave, stderr=slave)
            os.write(master, answer)
            self.assertEqual(purge.wait(100), 0)
            os.close(slave)
            os.close(master)
            self.assertEqual(self.stat()["length"], left)

    def check(self, *words, code=OK):
        return self.run_cq("check", *words, code=code).lines

    def test_check_names_the_limit_that_is_exceeded(self):
        self.assertEqual(self.check("q", "--max-fill", "30%", "--max-held", 100, "--max-length", 3), ["q: ok"])
        for words, fault in [(["--max-fill", "29%"], "30.0% full, at most 29% allowed"),
                             (["--max-length", 2], "3 messages waiting, at most 2 allowed"),
                             (["--max-length", 0], "3 messages waiting, at most 0 allowed"),
                             (["--min-participants", 1], "0 handles open, at least 1 wanted"),
                             (["--max-memory", "4K"], r"bytes of memory, at most 4096 allowed"),
                             (["--max-stall", "10ms"], "3 messages waiting, and none was taken for 10 ms")]:
            line, = self.check("q", *words, code=NOTHING)
            self.assertIn(fault, line)

    def test_one_of_a_thing_is_not_spoken_of_as_several(self):
        self.create("one", capacity=1, max_message=1)
        self.put(b"x", queue="one")
        self.assertIn("full, 1 of at most 1 message is waiting", self.run_cq("put", "one", "--no-wait", stdin=b"y\n", code=NOTHING).err)
        self.assertRegex(self.run_cq("stat", "one").out.decode(), r"max message size +1 byte\n")
        self.assertIn("1 message of up to 1 B now; 1 message was taken over", self.run_cq("resize", "one", "--max-held", 9).out.decode())
        self.start_cq("get", "one", "--count", 2, "--wait", "1h", stdout=subprocess.DEVNULL)
        self.until(lambda: self.stat("one")["waiting_consumers"] == 1)
        self.assertEqual(self.check("one", "--min-participants", 2, code=NOTHING), ["one: 1 handle open, at least 2 wanted"])

    def test_check_looks_at_all_queues_and_misses_those_that_are_named(self):
        self.create("r", capacity=1)
        self.assertEqual(self.check("--max-fill", "20%", code=NOTHING)[1], "r: ok")
        self.assertRegex(self.check("q", "nope", code=ERROR)[1], '^nope: "nope": no queue of that name')
        self.assertEqual(self.run_cq("check", "r", "--json").json, {"name": "r", "ok": True, "faults": []})

    def test_bad_limits_are_refused(self):
        for words in [("--max-fill", "120%"), ("--max-fill", "x"), ("--max-stall", "forever"), ("--max-held", "-1")]:
            self.run_cq("check", "q", *words, code=USAGE)


if __name__ == "__main__":
    main()
