"""`cq resize` and `cq rename`: the queue changes in one step, whenever they are killed."""

import os
import signal
import stat
import subprocess
import time

from support import CQ, ERROR, PATIENCE, USAGE, CommandTest, main


class ResizeTest(CommandTest):
    def put_numbers(self, count, queue="q"):
        self.run_cq("put", queue, stdin=b"".join(b"%d\n" % number for number in range(count)))

    def numbers(self, queue="q"):
        return [int(text) for text in self.messages(queue)]

    def drafts(self):
        return [name for name in os.listdir(self.directory) if name.startswith(".cqueue-draft-")]

    def test_a_larger_queue_has_the_same_messages_and_permissions(self):
        self.create(capacity=10, permissions="0640")
        self.put_numbers(10)
        self.assertEqual(self.run_cq("resize", "q", "--capacity", 50).out,
                         b"q has room for 50 messages of up to 4.0 KiB now; 10 messages were taken over\n")
        self.assertEqual((self.stat()["capacity"], self.numbers()), (50, list(range(10))))
        self.assertEqual(stat.S_IMODE(os.stat(self.path()).st_mode), 0o640)
        self.assertEqual(os.listdir(self.directory), ["cqueue.q"])

    def test_what_does_not_fit_changes_nothing(self):
        self.create(capacity=10)
        self.put_numbers(10)
        before = os.stat(self.path()).st_ino
        self.assertIn("nothing was changed", self.run_cq("resize", "q", "--capacity", 9, code=ERROR).err)
        self.run_cq("put", "q", "--no-wait", code=0, stdin=b"")
        self.put_numbers(0)
        self.assertEqual((os.stat(self.path()).st_ino, self.numbers()), (before, list(range(10))))
        self.run_cq("get", "q", "-n", 9)
        self.put(b"a long message")
        self.assertIn("nothing was changed", self.run_cq("resize", "q", "--max-message", 8, code=ERROR).err)
        self.assertEqual(self.messages(), [b"9", b"a long message"])
        self.assertEqual(self.drafts(), [])

    def test_something_must_be_asked_for(self):
        self.create()
        self.assertIn("--capacity", self.run_cq("resize", "q", code=USAGE).err)

    def test_refuses_while_somebody_has_it_open_and_names_the_process(self):
        self.create()
        get = self.start_cq("get", "q", "--follow", stdout=subprocess.DEVNULL)
        self.until(lambda: self.stat()["participants"] == 1)
        self.assertIn(f"process {get.pid} (cq)", self.run_cq("resize", "q", "--capacity", 9, code=ERROR).err)
        self.assertIn("is open", self.run_cq("rename", "q", "r", code=ERROR).err)

    def test_by_force_it_takes_over_what_is_put_into_the_old_queue(self):
        self.create()
        self.create("source")
        self.put_numbers(3)
        put = self.start_cq("move", "source", "q", "--follow", stderr=subprocess.DEVNULL)
        self.put(b"3", queue="source")
        self.until(lambda: self.stat()["length"] == 4)
        before = os.stat(self.path()).st_ino
        resize = self.start_cq("resize", "q", "--capacity", 100, "--force", stderr=subprocess.PIPE)
        self.assertIn(f"process {put.pid} (cq)".encode(), self.read_line(resize.stderr))
        self.assertNotEqual(os.stat(self.path()).st_ino, before)
        self.assertIsNone(resize.poll())
        self.put(b"4", queue="source")
        self.until(lambda: self.stat("source")["dequeued"] == 2 and not self.stat("source")["held"])
        put.terminate()
        self.assertEqual(put.wait(PATIENCE), -signal.SIGTERM)
        self.assertEqual(resize.wait(PATIENCE), 0)
        self.assertEqual((self.stat()["capacity"], self.numbers()), (100, [0, 1, 2, 3, 4]))

    def test_killed_half_way_there_is_the_old_queue_or_the_new_one(self):
        count = 20000
        self.create(capacity=count)
        self.put_numbers(count)
        begin = time.monotonic()
        self.run_cq("resize", "q", "--max-held", 100)
        whole = time.monotonic() - begin
        for step in range(12):
            capacity = count + step + 1
            resize = self.start_cq("resize", "q", "--capacity", capacity, stdout=subprocess.DEVNULL)
            time.sleep(whole * (step + 1) / 12)
            resize.kill()
            resize.wait()
            found = self.stat()["capacity"]
            self.assertIn(found, range(count, capacity + 1))
            self.run_cq("doctor", "q") # what it held is waiting again
            self.assertEqual(self.stat()["length"], count)
        self.assertEqual(self.numbers(), list(range(count)))
        self.run_cq("resize", "q", "--capacity", 2 * count)
        self.assertEqual((self.drafts(), self.numbers()), ([], list(range(count))))

    def test_the_name_leads_to_a_queue_all_the_time(self):
        self.create()
        self.put_numbers(2000)
        looks = 0
        for step in range(5):
            resize = self.start_cq("resize", "q", "--capacity", 70000 + step, stdout=subprocess.DEVNULL)
            while resize.poll() is None:
                self.assertTrue(os.path.exists(self.path()))
                looks += 1
            self.assertEqual((resize.returncode, self.stat()["capacity"]), (0, 70000 + step))
        self.assertGreater(looks, 5)

    def test_terminated_it_gives_everything_back(self):
        self.create()
        self.put_numbers(5)
        put = self.start_cq("put", "q", stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.until(lambda: self.stat()["participants"] == 1)
        resize = self.start_cq("resize", "q", "--capacity", 9, "--force", stderr=subprocess.PIPE)
        self.read_line(resize.stderr)
        resize.send_signal(signal.SIGTERM)
        self.assertEqual(resize.wait(PATIENCE), -signal.SIGTERM)
        self.assertEqual((self.drafts(), self.numbers()), ([], list(range(5))))
        self.assertIsNone(put.poll())

    def test_rename_moves_the_name_and_nothing_else(self):
        self.create()
        self.put_numbers(3)
        before = os.stat(self.path()).st_ino
        self.assertEqual(self.run_cq("rename", "q", "r").out, b"")
        self.assertEqual((os.listdir(self.directory), os.stat(self.path("r")).st_ino), (["cqueue.r"], before))
        self.assertEqual(self.numbers("r"), [0, 1, 2])

    def test_rename_replaces_nothing(self):
        self.create("q")
        self.create("r")
        self.assertIn("exists", self.run_cq("rename", "q", "r", code=ERROR).err)
        self.assertIn("1 to 200", self.run_cq("rename", "q", "a/b", code=USAGE).err)
        self.assertEqual(sorted(os.listdir(self.directory)), ["cqueue.q", "cqueue.r"])


if __name__ == "__main__":
    main()
