"""`cq work`: a command for each message, and that a message is gone only when its command has done it."""

import os
import signal
import subprocess
import time

from support import CQ, ERROR, NOTHING, PATIENCE, USAGE, CommandTest, main


class WorkTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.create()
        self.create("dead")

    def put_numbers(self, count):
        self.run_cq("put", "q", stdin=b"".join(b"%d\n" % number for number in range(count)))

    def work(self, *words, code=0):
        """What the commands printed, and what cq said at the end."""
        done = subprocess.run(self.arguments(["work", "q", *words]), capture_output=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout.decode(), done.stderr.decode()

    def test_each_message_is_on_standard_input_and_then_gone(self):
        self.put(b"one", b"two\nlines", b"")
        self.assertEqual(self.work("--all", "--", "sh", "-c", "cat; echo .")[0], "one.\ntwo\nlines.\n.\n")
        self.assertEqual((self.messages(), self.stat()["dequeued"]), ([], 3))

    def test_or_in_the_arguments_and_no_shell_looks_at_it(self):
        self.put(b"$(touch /tmp/never); 'x' \"y\"", b"second")
        out = self.work("--all", "--", "printf", "%s|%s\n", "{}", "a{}b")[0]
        self.assertEqual(out, "$(touch /tmp/never); 'x' \"y\"|a$(touch /tmp/never); 'x' \"y\"b\nsecond|asecondb\n")

    def test_what_cannot_be_an_argument_fails_and_stays(self):
        self.run_cq("put", "q", "--base64", stdin=b"YQBi\n")
        said = self.work("--all", "--", "echo", "{}", code=NOTHING)[1]
        self.assertRegex(said, r"message \d+ has a NUL.* leave {} out")
        self.assertIn("1 run failed", said)
        self.assertEqual(self.work("--all", "--", "od", "-An", "-c")[0].split(), ["a", "\\0", "b"])

    def test_the_command_is_told_what_it_works_on(self):
        self.put(b"x")
        position = self.run_cq("peek", "q", "--json").json["position"]
        self.assertEqual(self.work("--all", "--", "sh", "-c", "echo $CQ_QUEUE $CQ_POSITION $CQ_DELIVERIES")[0], f"q {position} 1\n")

    def test_a_large_message_and_a_command_that_does_not_read_it(self):
        self.create("big", max_message="1M")
        self.run_cq("put", "big", stdin=b"x" * 1000000)
        self.assertEqual(self.run_cq("work", "big", "--all", "--", "true").out, b"")
        self.assertEqual(self.stat("big")["length"], 0)

    def test_what_failed_is_given_back_and_comes_again(self):
        self.put(b"1", b"2", b"3")
        out, said = self.work("--all", "--", "sh", "-c", "test {} != 2", code=NOTHING)
        self.assertEqual((out, said), ("", "cq: 2 messages done, 1 run failed\n"))
        self.assertEqual(self.contents(), [(b"2", 2)])

    def test_what_fails_too_often_goes_to_the_dead_letter_queue(self):
        self.put(b"good", b"bad", b"fine")
        script = 'echo "$CQ_DELIVERIES {}"; test {} != bad'
        out, said = self.work("--all", "--dead-letter", "dead", "--max-deliveries", "3", "--retry-after", "0", "--", "sh", "-c", script,
                              code=NOTHING)
        self.assertEqual(sorted(out.splitlines()), ["1 bad", "1 fine", "1 good", "2 bad", "3 bad"])
        self.assertIn("1 moved to dead", said)
        self.assertEqual((self.messages("q"), self.messages("dead")), ([], [b"bad"]))

    def test_a_message_that_kills_its_workers_goes_there_without_another_run(self):
        self.put(b"x")
        for _ in range(2):
            work = self.start_cq("work", "q", "--", "sleep", "100")
            self.until(lambda: self.stat()["held"] == 1)
            work.kill()
            work.wait()
            self.run_cq("doctor", "q")
        self.assertEqual(self.contents(), [(b"x", 3)])
        self.work("--all", "--dead-letter", "dead", "--max-deliveries", "2", "--", "touch", self.path("never"), code=NOTHING)
        self.assertFalse(os.path.exists(self.path("never")))
        self.assertEqual(self.messages("dead"), [b"x"])

    def test_several_run_at_a_time(self):
        self.put(*[b"x"] * 3)
        folder = os.path.join(self.directory, "running")
        os.mkdir(folder)
        script = f"touch {folder}/$$; while [ $(ls {folder} | wc -l) -lt 3 ]; do sleep 0.01; done"
        self.work("--all", "--jobs", "3", "--", "sh", "-c", script)
        self.assertEqual(len(os.listdir(folder)), 3)

    def test_what_takes_too_long_is_ended_and_given_back(self):
        self.put(b"x")
        self.assertIn("1 run failed", self.work("-n", "1", "--timeout", "50ms", "--", "sleep", "100", code=NOTHING)[1])
        self.assertEqual(self.contents(), [(b"x", 2)])

    def test_ends_after_so_many_or_when_none_came_for_so_long(self):
        self.put(b"1", b"2", b"3")
        self.assertEqual(self.work("-n", "2", "--", "cat")[0], "12")
        self.assertEqual(self.work("--wait", "20ms", "--", "cat")[0], "3")
        self.work("--wait", "20ms", "--", "cat", code=NOTHING)
        self.assertEqual(self.run_cq("work", "q", "--all", "--json", "--", "cat", code=NOTHING).json, {"done": 0, "failed": 0, "buried": 0})

    def test_interrupted_it_ends_its_commands_and_gives_back(self):
        for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]:
            self.put(b"x")
            work = self.start_cq("work", "q", "--", "sh", "-c", f"echo $$ > {self.directory}/pid; exec sleep 100")
            self.until(lambda: os.path.exists(self.directory + "/pid") and os.path.getsize(self.directory + "/pid"))
            with open(self.directory + "/pid", encoding="ascii") as file:
                child = int(file.read())
            os.remove(self.directory + "/pid")
            work.send_signal(number)
            self.assertEqual(work.wait(PATIENCE), -number)
            self.assertRaises(ProcessLookupError, os.kill, child, 0)
            self.assertEqual(self.run_cq("get", "q", "--meta").out.split(b"\t")[1:], [b"2", b"x\n"])

    def test_killed_at_any_moment_it_loses_nothing(self):
        count = 60
        self.put_numbers(count)
        log = os.path.join(self.directory, "log")
        done = 0
        for _ in range(10):
            work = self.start_cq("work", "q", "--jobs", "3", "--", "sh", "-c", f"echo {{}} >> {log}", stderr=subprocess.DEVNULL)
            goal = min(done + 4, count)
            self.until(lambda: os.path.exists(log) and sum(1 for _ in open(log, encoding="ascii")) >= goal)
            work.kill()
            work.wait()
            done = sum(1 for _ in open(log, encoding="ascii"))
        time.sleep(0.1)
        self.work("--all", "--", "sh", "-c", f"echo {{}} >> {log}", code=0 if self.recovered() else NOTHING)
        with open(log, encoding="ascii") as file:
            self.assertEqual({int(line) for line in file}, set(range(count)))

    def recovered(self):
        self.run_cq("doctor", "q")
        return self.stat()["length"]

    def test_a_removed_queue_ends_it(self):
        work = self.start_cq("work", "q", "--", "cat", stderr=subprocess.PIPE)
        self.until(lambda: self.stat()["participants"] == 1)
        self.run_cq("rm", "q", "--force")
        self.assertEqual(work.wait(PATIENCE), ERROR)
        self.assertIn(b"the queue was removed", work.stderr.read())

    def test_refuses_what_cannot_work(self):
        self.create("small", max_message=8)
        for words, code, said in [
            (("q",), USAGE, "COMMAND"),
            (("q", "--max-deliveries", "3", "--", "cat"), USAGE, "--dead-letter"),
            (("q", "--dead-letter", "q", "--", "cat"), USAGE, "named twice"),
            (("q", "--dead-letter", "none", "--", "cat"), ERROR, "none"),
            (("q", "--dead-letter", "small", "--", "cat"), ERROR, "cq resize small --max-message 4096"),
            (("q", "--dead-letter", "dead", "--max-deliveries", "256", "--", "cat"), USAGE, "255"),
        ]:
            with self.subTest(words):
                self.assertIn(said, self.run_cq("work", *words, code=code).err)
        # Said at once, though no message is there.
        self.assertIn("cannot run no-such-command: No such file", self.work("--", "no-such-command", code=ERROR)[1])
        self.assertIn("cannot run /dev/null: Permission denied", self.work("--", "/dev/null", code=ERROR)[1])
        self.put(b"kept")
        self.assertIn("cannot run /no/such", self.work("--", "/no/such", code=ERROR)[1])
        self.assertEqual(self.messages(), [b"kept"])


if __name__ == "__main__":
    main()
