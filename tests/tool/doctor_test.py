"""`cq doctor`: what it says of healthy and sick queues, and that it recovers what the dead held."""

import os
import select
import shutil

from support import ERROR, OK, CommandTest, main


class DoctorTest(CommandTest):
    def doctor(self, code=OK):
        return self.run_cq("doctor", "q", code=code).out.decode()

    def test_a_new_queue_is_healthy(self):
        self.create(capacity=10, max_message=24)
        text = self.doctor()
        self.assertIn("permissions 0600", text)
        self.assertIn("10 messages of up to 24 bytes", text)
        self.assertIn("file system tmpfs", text)
        self.assertIn("no dead participants", text)
        self.assertIn("0 participants alive", text)
        self.assertIn("the name leads to this queue", text)
        self.assertTrue(text.endswith("q is healthy\n"))

    def test_counts_messages_and_participants(self):
        self.create("q", capacity=2)
        self.put(b"1", b"2")
        put = self.start_cq("put", "q", stdin=-1)
        put.stdin.write(b"3\n")
        put.stdin.flush()
        self.until(lambda: self.stat()["waiting_producers"] == 1)
        text = self.doctor()
        self.assertIn("2 messages waiting, all readable", text)
        self.assertIn("1 participant alive, waiting: 1 producer, 0 consumers", text)

    def test_cleans_up_after_a_dead_consumer_and_says_so(self):
        self.create()
        self.put(*[b"x" * 1000] * 200)
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        get = self.start_cq("get", "q", "--all", stdout=writer)
        self.until(lambda: not select.select([], [writer], [], 0)[1])
        os.close(writer)
        get.kill()
        get.wait()
        text = self.doctor()
        self.assertRegex(
            text, r"repaired +cleaned up after 1 dead participant; \d+ messages wait to be delivered again")
        self.assertTrue(text.endswith("q is healthy\n"))
        self.assertGreater(self.stat()["orphans"], 0)
        self.assertIn("no dead participants", self.doctor())

    def test_a_missing_queue_is_a_problem_and_is_not_created(self):
        text = self.doctor(code=ERROR)
        self.assertRegex(text, "PROBLEM .*No such file.*cq create q")
        self.assertTrue(text.endswith("q is NOT healthy\n"))
        self.assertEqual(os.listdir(self.directory), [])

    def test_a_file_that_is_no_queue_is_a_problem(self):
        with open(self.path(), "w", encoding="ascii") as file:
            file.write("nothing" * 1000)
        self.assertRegex(self.doctor(code=ERROR), "PROBLEM .*is no queue")

    def test_a_file_that_is_cut_short_is_a_problem(self):
        self.create()
        shutil.copyfile(self.path(), self.path() + ".copy")
        os.remove(self.path())
        os.rename(self.path() + ".copy", self.path())
        os.chmod(self.path(), 0o600)
        os.truncate(self.path(), 5000)
        self.assertIn("PROBLEM", self.doctor(code=ERROR))

    def test_a_file_that_everybody_can_write_is_a_problem(self):
        self.create()
        os.chmod(self.path(), 0o666)
        self.assertRegex(self.doctor(code=ERROR), "PROBLEM .*everybody can write it")

    def test_what_is_not_a_regular_file_is_a_problem(self):
        for make in [os.mkdir, os.mkfifo, lambda path: os.symlink("/etc/passwd", path)]:
            make(self.path())
            self.assertRegex(self.doctor(code=ERROR), "PROBLEM .*not a regular file")
            (os.rmdir if os.path.isdir(self.path()) else os.remove)(self.path())

    def doctor_all(self, *words, code=OK):
        return self.run_cq("doctor", *words, code=code)

    def test_without_a_name_all_queues_are_examined_and_what_they_take_together(self):
        self.create("a", capacity=10)
        self.create("b", capacity=10)
        self.put(b"1", queue="b")
        parts = self.doctor_all().out.decode().split("\n\n")
        self.assertEqual([part.strip().splitlines()[-1] for part in parts], ["a is healthy", "b is healthy", f"{self.directory} is healthy"])
        self.assertIn("1 message waits in it", parts[1])
        self.assertRegex(parts[2], r"^ok +2 queues together have 112\.0 KiB and may need .* more, .* are free\n")

    def test_without_a_name_one_that_is_sick_is_told_and_the_others_are_examined(self):
        self.create("b")
        with open(self.path("a"), "wb") as file:
            file.write(bytes(700))
        os.chmod(self.path("a"), 0o600)
        other = bytearray(4096)
        with open(self.path("b"), "rb") as file:
            other[:] = file.read(4096)
        other[8] += 1 # format_version
        with open(self.path("c"), "wb") as file:
            file.write(other)
        os.chmod(self.path("c"), 0o600)
        result = self.doctor_all("--json", code=ERROR)
        self.assertEqual([(one["name"], one["healthy"]) for one in result.json_lines],
                         [("a", False), ("b", True), ("c", False), (self.directory, True)])
        self.assertTrue(self.doctor_all(code=ERROR).out.decode().endswith("is healthy, but 2 of 3 queues are NOT\n"))
        told = {one["name"]: one["findings"][-1] for one in result.json_lines}
        self.assertEqual(told["a"]["kind"], "problem")
        self.assertIn("is no queue", told["a"]["text"])
        self.assertIn("queue has format version 2", told["c"]["text"])
        self.assertIn("1 queue together has", told[self.directory]["text"])

    def test_without_a_name_what_a_killed_resize_left_is_removed(self):
        os.mkdir(os.path.join(self.directory, ".cqueue-draft-abcdef"))
        text = self.doctor_all().out.decode()
        self.assertRegex(text, "repaired +removed 1 unfinished queue of a resize or restore that was killed")
        self.assertIn("there is no queue", text)
        self.assertEqual(os.listdir(self.directory), [])


if __name__ == "__main__":
    main()
