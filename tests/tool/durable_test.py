"""Durable queues: `cq create --durable`, `put --sync`, `sync`, what is there after a reboot, and `cq doctor` of the directory."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from support import CQ, ERROR, USAGE, main

SHARED = "/dev/shm"


class DurableTest(unittest.TestCase):
    """The queue is where it is without --directory: its name is all that later commands are told."""

    def setUp(self):
        self.disk = tempfile.mkdtemp(dir="/var/tmp")
        self.addCleanup(shutil.rmtree, self.disk)
        self.name = "durable-%d" % os.getpid()
        self.home = os.path.join(self.disk, "cqueue.%s.d" % self.name)
        self.addCleanup(self.cq, "rm", "--force", "--durable", self.name)

    def cq(self, *words, code=0, stdin=b""):
        environment = {key: value for key, value in os.environ.items() if key != "CQ_DIRECTORY"}
        done = subprocess.run([CQ, *words], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                              check=False, env=environment)
        self.assertEqual(done.returncode, code, (words, done.stderr))
        self.err = done.stderr.decode()
        return done.stdout.decode()

    def create(self):
        self.cq("create", self.name, "--durable", "--directory", self.disk, "--capacity", "1000", "--max-message", "64")

    def put(self, *messages, sync=False):
        self.cq("put", self.name, *(["--sync"] if sync else []), stdin="".join(m + "\n" for m in messages).encode())

    def reboot(self):
        os.unlink(os.path.join(SHARED, "cqueue." + self.name))

    def stat(self):
        return json.loads(self.cq("stat", self.name, "--json"))

    def get_all(self):
        return self.cq("get", self.name, "--all").splitlines()

    def test_what_was_put_with_sync_is_there_after_a_reboot(self):
        self.create()
        self.put("one", "two", "three", sync=True)
        self.put("perhaps")
        self.assertEqual(self.stat()["unsynced"], 1)
        self.reboot()
        self.assertEqual(self.stat()["recovered"], 3)
        messages = [json.loads(line) for line in self.cq("peek", self.name, "--all", "--json").splitlines()]
        self.assertEqual([m["text"] for m in messages], ["one", "two", "three"])
        self.assertEqual({m["deliveries"] for m in messages}, {2})
        self.assertEqual(self.get_all(), ["one", "two", "three"])

    def test_sync_is_for_all_that_was_put_before(self):
        self.create()
        self.put("one", "two")
        self.cq("sync", self.name)
        self.assertEqual(self.stat()["unsynced"], 0)
        self.assertEqual(self.cq("get", self.name), "one\n")
        self.cq("sync", self.name)
        self.reboot()
        self.assertEqual(self.get_all(), ["two"])

    def test_what_ack_prints_with_sync_is_on_the_disk(self):
        self.create()
        acknowledged = self.cq("put", self.name, "--sync", "--ack", stdin=b"a\nb\nc\n").split()
        self.assertEqual(acknowledged, ["1", "2", "3"])
        self.reboot()
        self.assertEqual(self.get_all(), ["a", "b", "c"])

    def test_the_directory_that_it_was_created_in_will_do_as_well(self):
        self.create()
        self.put("one", sync=True)
        self.assertEqual(json.loads(self.cq("stat", self.name, "--directory", self.disk, "--json"))["length"], 1)
        self.reboot()
        self.assertEqual(self.cq("get", self.name, "--directory", self.disk), "one\n")

    def test_doctor_reads_the_directory_and_opens_nothing(self):
        self.create()
        self.put("one", "two", "three", sync=True)
        self.cq("get", self.name)
        self.cq("sync", self.name)
        self.reboot()
        before = sorted(os.listdir(self.home))
        self.assertIn("2 messages of together 8 B would be recovered", self.cq("doctor", self.home))
        self.assertTrue(json.loads(self.cq("doctor", self.home, "--json"))["healthy"])
        self.assertEqual(sorted(os.listdir(self.home)), before)
        self.assertFalse(os.path.exists(os.path.join(SHARED, "cqueue." + self.name)))
        self.assertEqual(self.get_all(), ["two", "three"])

    def test_doctor_finds_damage(self):
        self.create()
        self.put("the message", sync=True)
        for name in os.listdir(self.home):
            path = os.path.join(self.home, name)
            with open(path, "rb") as file:
                content = file.read()
            if b"the message" in content:
                with open(path, "wb") as file:
                    file.write(content.replace(b"the message", b"the massage"))
        text = self.cq("doctor", self.home)
        self.assertIn("are no records", text)
        self.assertIn("0 messages", text)
        self.cq("doctor", self.disk + "/", code=ERROR)
        self.assertIn("no durable queue", self.err)

    def test_rm_keeps_what_was_synced_unless_told_otherwise(self):
        self.create()
        self.put("one", sync=True)
        self.assertIn(self.home, self.cq("rm", "--force", self.name))
        self.assertEqual(self.get_all(), ["one"])
        self.cq("rm", "--force", "--durable", self.name)
        self.assertFalse(os.path.exists(self.home))
        self.cq("get", self.name, code=ERROR)

    def test_the_example_accounts_for_every_order(self):
        example = os.path.join(os.path.dirname(__file__), "..", "..", "examples", "durable.py")
        done = subprocess.run([sys.executable, "-B", example, "--cq", CQ, "--rounds", "3"], capture_output=True, text=True,
                              timeout=200, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(" 0 lost, 0 invented, 0 unmarked", done.stdout)

    def test_mistakes_are_explained(self):
        self.cq("create", self.name, "--durable", code=USAGE)
        self.assertIn("--directory", self.err)
        self.cq("create", self.name)
        self.cq("sync", self.name, code=USAGE)
        self.assertIn("cq create --durable", self.err)
        self.cq("put", self.name, "--sync", stdin=b"x\n", code=USAGE)
        self.cq("create", self.name, "--durable", "--directory", self.disk, code=ERROR)
        self.assertIn("not durable", self.err)
        self.assertEqual(os.listdir(self.disk), [])

    def test_one_directory_serves_one_queue(self):
        self.create()
        self.put("one", sync=True)
        reader = subprocess.Popen([CQ, "get", self.name, "--follow"], stdout=subprocess.PIPE)
        self.addCleanup(reader.wait)
        self.addCleanup(reader.stdout.close)
        self.addCleanup(reader.kill)
        reader.stdout.readline()
        self.cq("create", self.name + "-2", "--durable", "--durable-directory", self.home, code=ERROR)
        self.assertIn(SHARED + "/cqueue." + self.name, self.err)
        reader.send_signal(signal.SIGSTOP)  # else it would end once it sees that the queue was removed
        self.reboot()
        self.cq("get", self.name, code=ERROR)
        self.assertIn("some process still has it open", self.err)


if __name__ == "__main__":
    main()
