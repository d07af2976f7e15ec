"""`cq ls`: the queues of a directory."""

import os
import time

from support import ERROR, OK, CommandTest, main


class ListTest(CommandTest):
    def list(self, *options, code=OK):
        return self.run_cq("ls", *options, code=code)

    def test_an_empty_directory_has_no_queues(self):
        self.assertEqual(len(self.list().lines), 1)
        self.assertEqual(self.list("--json").json, [])

    def test_shows_every_queue_by_name(self):
        self.create("b", capacity=7, max_message=24)
        self.create("a", capacity=100000, max_message="1M")
        self.put(b"1", b"2", b"3", queue="b")
        lines = [line.split() for line in self.list().lines]
        self.assertEqual(lines[0], ["NAME", "CAPACITY", "LENGTH", "MAX", "MESSAGE", "PARTICIPANTS", "MEMORY", "AGE"])
        self.assertEqual(lines[1][:6], ["a", "100000", "0", "1.0", "MiB", "0"])
        self.assertEqual(lines[2][:6], ["b", "7", "3", "24", "B", "0"])
        self.assertEqual([line[-1] for line in lines[1:]], ["s", "s"])

    def test_json_has_the_numbers(self):
        begin = time.time_ns()
        self.create(capacity=7, max_message=24)
        self.put(b"1")
        (entry,) = self.list("--json").json
        self.assertTrue(begin - 10**9 <= entry.pop("created") <= time.time_ns() + 10**9)
        self.assertGreater(entry.pop("memory"), 0)
        self.assertEqual(entry, {"name": "q", "capacity": 7, "length": 1, "max_message_size": 24, "participants": 0})

    def test_counts_who_has_a_queue_open(self):
        self.create()
        for _ in range(2):
            self.start_cq("get", "q", "--follow")
        self.until(lambda: self.list("--json").json[0]["participants"] == 2)

    def test_other_files_are_not_listed(self):
        self.create()
        for name in ["other", "cqueue.", "cqueue..hidden", "cqueue.\x1b[31m", "cqueue.a b", "xcqueue.a"]:
            with open(os.path.join(self.directory, name), "w", encoding="ascii") as file:
                file.write("nothing")
        self.assertEqual([entry["name"] for entry in self.list("--json").json], ["q"])

    def test_a_queue_that_cannot_be_read_is_listed_with_the_reason(self):
        self.create("good")
        with open(self.path("bad"), "w", encoding="ascii") as file:
            file.write("nothing" * 1000)
        bad, good = self.list("--json").json
        self.assertEqual((bad["name"], good["name"]), ("bad", "good"))
        self.assertIn("is no queue", bad["error"])
        self.assertNotIn("capacity", bad)
        self.assertRegex(self.list().lines[1], "^bad .*is no queue")
        self.assertNotIn('"bad"', self.list().lines[1])
        self.assertRegex(self.list().lines[2], "^good +65536 ")

    def test_a_missing_directory_is_an_error(self):
        self.directory += "/missing"
        error = self.list(code=ERROR).err
        self.directory = os.path.dirname(self.directory)
        self.assertIn("/missing", error)


if __name__ == "__main__":
    main()
