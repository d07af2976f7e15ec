"""`cq backup` and `cq restore`: the same messages come back, or nothing does."""

import json
import os
import signal
import subprocess
import time

from support import ERROR, PATIENCE, CommandTest, main

MESSAGES = [b"plain", b"", b"two\nlines", b"\xff\xfe not UTF-8", "ümläut".encode(), b'"quoted" \\']


class BackupTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.file = os.path.join(self.directory, "backup")

    def everything(self, queue):
        return self.run_cq("peek", queue, "--all", "--base64").lines

    def test_everything_comes_back(self):
        self.create(capacity=77, max_message=100, max_held=9)
        self.put(*MESSAGES)
        before, shape = self.everything("q"), self.stat()
        self.assertEqual(self.run_cq("backup", "q", self.file).out, b"q: 6 messages saved\n")
        self.assertEqual(self.everything("q"), before)
        self.assertEqual(self.run_cq("restore", self.file, "r").out, b"r: 6 messages restored\n")
        self.assertEqual(self.everything("r"), before)
        for field in ["capacity", "max_message_size", "max_held"]:
            self.assertEqual(self.stat("r")[field], shape[field], field)
        self.run_cq("rm", "q", "--force")
        self.run_cq("restore", self.file)
        self.assertEqual(self.everything("q"), before)

    def test_standard_output_is_written_to_whatever_it_is(self):
        self.create()
        self.put(b"one")
        saved = self.run_cq("backup", "q", "-").out
        for path in ["-", "/dev/stdout"]:
            with open(self.file, "wb+") as file:  # as of a shell: { echo head; cq backup q -; echo tail; } > FILE
                file.write(b"head\n")
                file.flush()
                self.assertEqual(self.start_cq("backup", "q", path, stdout=file, stderr=subprocess.DEVNULL).wait(PATIENCE), 0)
                file.seek(0)
                self.assertEqual(file.read(20), b"head\n" + saved[:15], path)
        self.assertTrue(os.path.islink("/dev/stdout"))
        closed = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *self.arguments(["backup", "q", "-"])], capture_output=True,
                                check=False)
        self.assertEqual((closed.returncode, closed.stderr), (ERROR, b"cq: cannot write standard output: Bad file descriptor\n"))

    def test_a_symbolic_link_stays_one(self):
        self.create()
        target, link = self.file + ".old", self.file
        with open(target, "wb") as file:
            file.write(b"of yesterday")
        os.symlink("backup.old", link)
        self.run_cq("backup", "q", link)
        self.assertTrue(os.path.islink(link))
        self.run_cq("restore", target, "r")

    def test_through_a_pipe_and_larger(self):
        self.create(capacity=7)
        self.put(*MESSAGES)
        text = self.run_cq("backup", "q", "-").out
        self.assertEqual(self.run_cq("restore", "-", "r", "--capacity", 100, "--json", stdin=text).json,
                         {"name": "r", "restored": 6})
        self.assertEqual((self.stat("r")["capacity"], self.everything("r")), (100, self.everything("q")))

    def test_every_message_is_what_put_takes(self):
        self.create()
        self.put(*MESSAGES)
        lines = self.run_cq("backup", "q", "-").out.splitlines(keepends=True)
        self.create("r")
        self.run_cq("put", "r", "--json", stdin=b"".join(line for line in lines if b"cq_backup" not in line))
        self.assertEqual(self.everything("r"), self.everything("q"))

    def test_a_queue_that_exists_is_not_touched(self):
        self.create()
        self.put(b"kept")
        self.run_cq("backup", "q", self.file)
        self.assertIn("exists", self.run_cq("restore", self.file, code=ERROR).err)
        self.assertEqual(self.messages(), [b"kept"])

    def test_a_damaged_file_restores_nothing(self):
        self.create()
        self.put(*MESSAGES)
        lines = self.run_cq("backup", "q", "-").out.splitlines(keepends=True)
        self.run_cq("rm", "q", "--force")
        for what, spoiled, complaint in [
            ("no end", lines[:-1], "incomplete"),
            ("half a line", [*lines[:3], lines[3][:10]], "line 4"),
            ("a line is missing", lines[:2] + lines[3:], "damaged"),
            ("no head", lines[1:], "no backup"),
            ("empty", [], "incomplete"),
            ("another version", [b'{"cq_backup":99}\n'], "another version"),
            ("no message", [lines[0], b'{"size":3}\n', lines[-1]], "line 2"),
        ]:
            with self.subTest(what):
                self.assertIn(complaint, self.run_cq("restore", "-", code=ERROR, stdin=b"".join(spoiled)).err)
                self.assertEqual(os.listdir(self.directory), [])

    def test_held_messages_are_counted_as_missing(self):
        self.create()
        self.put(*[b"x" * 1000] * 200)
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, writer)
        self.start_cq("get", "q", "--all", stdout=writer)
        self.until(lambda: self.stat()["held"] > 0)
        self.assertRegex(self.run_cq("backup", "q", self.file).out.decode(), r"saved; not those that consumers hold, \d+\n")

    def test_killed_half_way_the_old_file_is_there_or_the_new_one(self):
        self.create()
        self.put(b"old")
        self.run_cq("backup", "q", self.file)
        with open(self.file, "rb") as file:
            old = file.read()
        self.run_cq("put", "q", stdin=b"x\n" * 20000)
        for step in range(8):
            backup = self.start_cq("backup", "q", self.file, stdout=subprocess.DEVNULL)
            time.sleep(0.005 * step)
            backup.kill()
            backup.wait()
            with open(self.file, "rb") as file:
                found = file.read()
            self.assertTrue(found == old or json.loads(found.splitlines()[-1]) == {"cq_backup_end": 20001})

    def test_a_restore_that_is_killed_leaves_no_queue(self):
        self.create()
        self.put(*MESSAGES)
        text = self.run_cq("backup", "q", "-").out
        for number in [signal.SIGKILL, signal.SIGTERM]:
            restore = self.start_cq("restore", "-", "r", stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
            restore.stdin.write(text[: text.index(b"\n") + 50])
            restore.stdin.flush()
            self.until(lambda: any(name.startswith(".cqueue-draft") for name in os.listdir(self.directory)))
            restore.send_signal(number)
            if number == signal.SIGTERM:
                restore.stdin.close() # it may be reading
            restore.wait(PATIENCE)
            self.assertFalse(os.path.exists(self.path("r")))
        self.run_cq("restore", "-", "r", stdin=text)
        self.assertEqual(sorted(os.listdir(self.directory)), ["cqueue.q", "cqueue.r"])


if __name__ == "__main__":
    main()
