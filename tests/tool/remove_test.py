"""`cq rm`: queues go, and those that somebody would miss stay unless forced."""

import os
import subprocess

from support import ERROR, USAGE, CommandTest, main


class RemoveTest(CommandTest):
    def test_removes_a_queue_that_nobody_would_miss(self):
        self.create()
        self.assertEqual(self.run_cq("rm", "q").out, b"")
        self.assertEqual(os.listdir(self.directory), [])

    def test_a_queue_with_messages_is_kept_unless_forced(self):
        self.create()
        self.put(b"1")
        error = self.run_cq("rm", "q", code=ERROR).err
        self.assertIn("1 message waits in it", error)
        self.assertIn("--force", error)
        self.assertEqual(self.messages(), [b"1"])
        self.run_cq("rm", "q", "--force")
        self.assertEqual(os.listdir(self.directory), [])

    def test_an_open_queue_is_kept_unless_forced_and_those_who_have_it_open_notice(self):
        self.create()
        get = self.start_cq("get", "q", "--wait", "forever", "--count", 2, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        put = self.start_cq("put", "q", stdin=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        put.stdin.write(b"before\n")
        self.assertEqual(self.read_line(get.stdout), b"before\n")
        self.assertIn("it is open (2 handles)", self.run_cq("rm", "q", code=ERROR).err)
        self.run_cq("rm", "q", "-f")
        self.assertEqual(os.listdir(self.directory), [])
        for process, more in (get, None), (put, b"after\n"):
            error = process.communicate(more, timeout=60)[1]
            self.assertIn(b"the queue was removed", error)
            self.assertEqual(process.returncode, ERROR)

    def test_a_missing_queue_is_an_error_unless_forced(self):
        self.assertIn("no queue", self.run_cq("rm", "q", code=ERROR).err)
        self.run_cq("rm", "q", "--force")

    def test_a_file_that_is_no_queue_is_kept_unless_forced(self):
        with open(self.path(), "w", encoding="ascii") as file:
            file.write("nothing" * 1000)
        self.run_cq("rm", "q", code=ERROR)
        self.assertEqual(os.listdir(self.directory), ["cqueue.q"])
        self.run_cq("rm", "q", "--force")
        self.assertEqual(os.listdir(self.directory), [])

    def test_bad_names_are_refused(self):
        outside = os.path.join(self.directory, "file")
        with open(outside, "w", encoding="ascii"):
            pass
        for name in ["", "../file", "x/../../file"]:
            self.run_cq("rm", name, "--force", code=USAGE)
        self.assertTrue(os.path.exists(outside))


if __name__ == "__main__":
    main()
