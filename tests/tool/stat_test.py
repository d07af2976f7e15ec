"""`cq stat`: every figure of cq_stats, as text and as JSON."""

import os
import re
import select
import signal
import subprocess

from support import ERROR, PATIENCE, ROOT, USAGE, CommandTest, main


class StatTest(CommandTest):
    def test_json_has_every_field_of_cq_stats(self):
        with open(os.path.join(ROOT, "c/include/cqueue.h"), encoding="utf-8") as file:
            header = file.read()

        def fields(struct):
            declaration = re.search(rf"typedef struct {struct} \{{(.*?)\}} {struct};", header, re.DOTALL).group(1)
            return set(re.findall(r"^ *(?:u?int\d+_t|char) (\w+)(?:\[\d+\])?;", declaration, re.MULTILINE)) - {"struct_size", "reserved"}

        self.assertIn("capacity", fields("cq_stats"))
        self.create()
        self.assertEqual(set(self.stat()), fields("cq_stats") | {"name", "file", "handles"})
        self.start_cq("get", "q", "--follow", stdout=subprocess.DEVNULL)
        self.until(lambda: self.stat()["handles"])
        self.assertEqual(set(self.stat()["handles"][0]), fields("cq_participant"))

    def test_counts_what_happens(self):
        self.create(capacity=100, max_message=50)
        self.put(b"1", b"2", b"3")
        with open("/dev/full", "wb") as full:
            self.start_cq("get", "q", stdout=full, stderr=full).wait()
        self.run_cq("get", "q", "--count", 2)
        expected = {"name": "q", "file": self.path(), "format_version": 1, "capacity": 100, "max_message_size": 50,
                    "length": 1, "orphans": 0, "enqueued": 3, "dequeued": 2, "redelivered": 1, "returned": 1,
                    "reaped": 0, "participants": 0, "waiting_producers": 0, "waiting_consumers": 0, "unlinked": False}
        stats = self.stat()
        self.assertEqual({key: stats[key] for key in expected}, expected)
        self.assertEqual(stats["file_size"], os.stat(self.path()).st_size)

    def test_says_every_number_with_its_unit(self):
        self.create(capacity=100, max_message=5000)
        self.put(b"1", b"2")
        text = self.run_cq("stat", "q").out.decode()
        self.assertEqual(len(text.splitlines()), len(self.stat()) - 1) # nobody has it open
        for line in [r"name +q", r"file +/dev/shm/.*/cqueue\.q",
                     r"created +20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC, \d+ s ago",
                     r"capacity +100 messages", r"max message size +5000 bytes \(4\.9 KiB\)",
                     r"length +2 messages waiting", r"enqueued +2 messages", r"dequeued +0 messages",
                     r"participants +0 handles open", r"waiting consumers +0 threads", r"voided +0 slots"]:
            self.assertRegex(text, re.compile("^" + line + "$", re.MULTILINE))

    def test_says_of_what_is_switched_off_that_it_is(self):
        self.create()
        text = self.run_cq("stat", "q").out.decode()
        for line in ["max deliveries +no limit", "time to live +no limit", "max memory +no limit", "max headers +none", "reserve +none",
                     "consumer +none", "sources +none", "dead letter error +none", "dead letter +none", "segments +none",
                     "flushes done +none", "on disk +none"]:
            self.assertRegex(text, re.compile(f"^{line}$", re.MULTILINE))
        self.assertNotRegex(text, re.compile(r"\bregion\b|success| 0$| $", re.MULTILINE))
        stats = self.stat()
        self.assertEqual([stats[key] for key in ["max_deliveries", "consumer", "dead_letter_result", "dead_letter"]],
                         [0, 0, "success", ""])
        self.create("dead")
        self.create("r", max_deliveries=3, dead_letter="dead", time_to_live="2s", max_headers=8)
        text = self.run_cq("stat", "r").out.decode()
        for line in ["max deliveries +3", "time to live +2,000 ms", "max headers +8 bytes for each message", "dead letter +dead"]:
            self.assertRegex(text, re.compile(f"^{line}$", re.MULTILINE))

    def test_names_the_region_by_its_id(self):
        self.create()
        first = self.stat()["id"]
        self.assertRegex(first, "^[0-9a-f]{32}$")
        self.assertEqual(self.stat()["id"], first)
        self.assertRegex(self.run_cq("stat", "q").out.decode(), rf"\nid +{first}\n")
        self.run_cq("rm", "q")
        self.create()
        self.assertNotEqual(self.stat()["id"], first)

    def test_counts_who_waits(self):
        self.create(capacity=1)
        for _ in range(2):
            self.start_cq("get", "q", "--follow", stdout=subprocess.DEVNULL)
        self.until(lambda: self.stat()["waiting_consumers"] == 2)
        self.assertEqual(self.stat()["participants"], 2)

    def test_shows_who_holds_what(self):
        self.create()
        self.put(*[b"x" * 1000] * 200)
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        get = self.start_cq("get", "q", "--all", stdout=writer)
        self.until(lambda: self.stat()["held"] > 0 and not select.select([], [writer], [], 0)[1])
        os.close(writer)
        handle, = self.stat()["handles"]
        self.assertEqual((handle["pid"], handle["command"], handle["alive"]), (get.pid, "cq", True))
        self.assertGreater(handle["held"], 0)
        self.assertRegex(self.run_cq("stat", "q").out.decode(), rf"\nhandle 1 +process {get.pid} \(cq\): holds \d+ messages?\n")
        get.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, get.pid, os.WSTOPPED | os.WNOWAIT)
        self.assertRegex(self.run_cq("stat", "q").out.decode(), rf"\nhandle 1 +process {get.pid} \(cq\), stopped: holds \d+ messages?\n")
        self.assertRegex(self.run_cq("doctor", "q").out.decode(),
                         rf"note +process {get.pid} \(cq\), stopped: holds \d+ messages?, and has not moved for 500 ms\n")

    def test_shows_who_waits_since_when(self):
        self.create()
        get = self.start_cq("get", "q", "--follow", stdout=subprocess.DEVNULL)
        self.until(lambda: self.stat()["waiting_consumers"] == 1)
        self.assertRegex(self.run_cq("stat", "q").out.decode(), rf"process {get.pid} \(cq\): 1 consumer waiting for \d+ \w+\n")

    def test_watch_prints_again_and_again(self):
        self.create()
        watch = self.start_cq("stat", "q", "--json", "--watch", "10ms", stdout=subprocess.PIPE, bufsize=0)
        self.assertIn(b'"enqueued":0', self.read_line(watch.stdout))
        self.put(b"1")
        while b'"enqueued":1' not in self.read_line(watch.stdout):
            pass
        self.run_cq("rm", "q", "--force")
        while b'"unlinked":true' not in self.read_line(watch.stdout):
            pass
        self.assertEqual(watch.wait(PATIENCE), ERROR)

    def test_watch_is_ended_by_a_signal(self):
        self.create()
        watch = self.start_cq("stat", "q", "--json", "--watch", "10ms", stdout=subprocess.PIPE, bufsize=0)
        self.read_line(watch.stdout)
        watch.send_signal(signal.SIGINT)
        self.assertEqual(watch.wait(PATIENCE), -signal.SIGINT)

    def test_watch_needs_an_interval(self):
        self.create()
        for text in ["0", "0s", "forever", "-5", "x"]:
            with self.subTest(text):
                self.run_cq("stat", "q", "--watch", text, code=USAGE)

    def test_does_not_take_part(self):
        self.create()
        self.assertEqual(self.stat()["participants"], 0)

    def test_a_full_disk_is_an_error(self):
        self.create()
        for options in [(), ("--json",)]:
            with open("/dev/full", "wb") as full:
                self.assertEqual(self.start_cq("stat", "q", *options, stdout=full, stderr=full).wait(), ERROR)

    def test_a_missing_queue_is_an_error_and_is_not_created(self):
        self.assertIn("cq create q", self.run_cq("stat", "q", code=ERROR).err)
        self.assertEqual(os.listdir(self.directory), [])


if __name__ == "__main__":
    main()
