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

    def test_what_it_was_created_with_is_there_after_a_reboot(self):
        self.cq("create", self.name, "--durable", "--directory", self.disk, "--max-headers", "100", "--max-deliveries", "3",
                "--dead-letter", "dead", "--time-to-live", "1h", "--enqueue-times", "--exclusive-consumer")
        self.put("one", sync=True)
        expected = {"max_headers": 100, "max_deliveries": 3, "dead_letter": "dead", "time_to_live": 3_600_000_000_000,
                    "enqueue_times": 1, "exclusive_consumer": 1}
        for _ in range(2):
            stat = self.stat()
            self.assertEqual({key: stat[key] for key in expected}, expected)
            self.reboot()
        self.assertEqual(self.get_all(), ["one"])

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

    def test_blocks_of_a_removed_queue_are_no_messages(self):
        """A file that was being made when the power went has what the disk had there before."""
        self.create()
        self.put("of the one before", sync=True)
        blocks = []
        for name in os.listdir(self.home):
            with open(os.path.join(self.home, name), "rb") as file:
                blocks.append(file.read())
        self.cq("rm", "--force", "--durable", self.name)
        self.create()
        self.put("one", sync=True)
        self.reboot()
        for number, content in enumerate(blocks):
            with open(os.path.join(self.home, "segment.%016x.%032x" % (7, number)), "wb") as file:
                file.write(content)
        report = self.cq("doctor", self.home)
        self.assertIn("1 message of together 3 B would be recovered", report)
        self.assertIn("without a head", report)
        self.assertTrue(json.loads(self.cq("doctor", self.home, "--json"))["healthy"])
        self.assertEqual(self.get_all(), ["one"])

    def test_doctor_names_what_is_no_file(self):
        self.create()
        self.put("one", sync=True)
        self.reboot()
        fifo = os.path.join(self.home, "segment.0000000000000007." + 32 * "0")
        os.mkfifo(fifo)
        self.cq("get", self.name, code=ERROR)
        self.assertIn("cq doctor", self.err)
        self.cq("doctor", self.home, code=ERROR)
        self.assertIn(fifo, self.err)
        os.unlink(fifo)
        self.assertEqual(self.get_all(), ["one"])

    def test_rm_keeps_what_was_synced_unless_told_otherwise(self):
        self.create()
        self.put("one", sync=True)
        self.assertIn(self.home, self.cq("rm", "--force", self.name))
        self.assertEqual(self.get_all(), ["one"])
        self.cq("rm", "--force", "--durable", self.name)
        self.assertFalse(os.path.exists(self.home))
        self.cq("get", self.name, code=ERROR)

    def test_rm_removes_what_marks_a_copy_too(self):
        self.create()
        with open(os.path.join(self.home, "restored"), "w"):
            pass
        self.cq("rm", "--force", "--durable", self.name)
        self.assertFalse(os.path.exists(self.home))

    def test_a_backup_is_restored_as_durable_as_it_was(self):
        self.create()
        self.put("one", "two", sync=True)
        self.put("perhaps")
        saved = os.path.join(self.disk, "saved")
        self.cq("backup", self.name, saved)
        self.cq("rm", "--force", self.name)
        self.cq("restore", saved, code=ERROR)
        self.assertIn("keeps a queue already", self.err)
        self.assertEqual(self.get_all(), ["one", "two"])  # and it is unharmed
        self.cq("rm", "--force", "--durable", self.name)
        self.assertIn(self.home, self.cq("restore", saved))
        self.assertEqual(self.stat()["unsynced"], 0)
        self.assertEqual(json.loads(self.cq("peek", self.name, "--count", "1", "--json"))["deliveries"], 1)
        self.reboot()
        self.assertEqual(self.get_all(), ["one", "two", "perhaps"])

    def test_a_backup_of_what_only_the_directory_has(self):
        self.create()
        self.put("one", "two", sync=True)
        self.reboot()
        lines = self.cq("backup", self.name, "-").splitlines()
        self.assertEqual([json.loads(line).get("text") for line in lines[1:-1]], ["one", "two"])
        self.assertTrue(json.loads(lines[0])["durable"])

    def test_a_backup_is_restored_elsewhere_and_otherwise(self):
        self.create()
        self.put("one", sync=True)
        saved, other = os.path.join(self.disk, "saved"), self.name + "-other"
        self.addCleanup(self.cq, "rm", "--force", "--durable", other)
        self.cq("backup", self.name, saved)
        self.cq("restore", saved, other, "--capacity", "7")
        self.assertTrue(os.path.exists(os.path.join(self.disk, "cqueue.%s.d" % other, "lock")))
        os.unlink(os.path.join(SHARED, "cqueue." + other))
        self.assertEqual(json.loads(self.cq("stat", other, "--json"))["capacity"], 7)
        self.assertEqual(self.cq("get", other), "one\n")
        self.cq("rm", "--force", "--durable", other)
        self.cq("restore", saved, other, "--not-durable")
        self.assertEqual(json.loads(self.cq("stat", other, "--json"))["durable"], 0)
        self.cq("rm", "--force", other)
        where = os.path.join(self.disk, "elsewhere")
        self.cq("restore", saved, other, "--durable-directory", where)
        self.assertTrue(os.path.exists(os.path.join(where, "lock")))

    def test_a_damaged_backup_leaves_nothing(self):
        self.create()
        self.put("one", "two", sync=True)
        half = self.cq("backup", self.name, "-").splitlines(keepends=True)[:2]
        before = sorted(os.listdir(self.disk))
        self.cq("restore", "-", self.name + "-other", stdin="".join(half).encode(), code=ERROR)
        self.assertIn("incomplete", self.err)
        self.assertEqual(sorted(os.listdir(self.disk)), before)

    def test_a_durable_queue_keeps_its_name_and_size(self):
        self.create()
        self.put("one", sync=True)
        self.cq("resize", self.name, "--capacity", "5000", code=ERROR)
        self.assertIn("cq restore", self.err)
        self.cq("rename", self.name, self.name + "-other", code=ERROR)
        self.assertIn("cq restore", self.err)
        self.assertEqual(self.stat()["durable"], 1)
        self.reboot()
        self.assertEqual(self.get_all(), ["one"])
        self.cq("create", self.name + "-group", "--durable", "--directory", self.disk, "--group", str(os.getgid()), code=USAGE)
        self.assertIn("--group", self.err)

    def test_a_disk_that_is_not_mounted_is_named(self):
        self.create()
        self.put("one", sync=True)
        self.reboot()
        os.rename(self.home, self.home + ".aside")
        self.cq("get", self.name, code=ERROR)
        self.assertIn("kept in " + self.home, self.err)
        os.rename(self.home + ".aside", self.home)
        self.assertEqual(self.get_all(), ["one"])

    def test_the_example_accounts_for_every_order(self):
        example = os.path.join(os.path.dirname(__file__), "..", "..", "examples", "durable.py")
        done = subprocess.run([sys.executable, "-B", example, "--cq", CQ, "--rounds", "4", "--languages", "cq"], capture_output=True,
                              text=True, timeout=200, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(" 0 problems", done.stdout)

    def test_mistakes_are_explained(self):
        self.cq("create", self.name, "--durable", code=USAGE)
        self.assertIn("--directory", self.err)
        self.cq("create", self.name)
        self.cq("sync", self.name, code=USAGE)
        self.assertIn("is in memory alone: cq sync is for queues of cq create --durable", self.err)
        self.assertNotRegex(self.err, "NULL|struct_size|config")
        self.cq("put", self.name, "--sync", stdin=b"x\n", code=USAGE)
        self.assertIn("is in memory alone: --sync is for queues of cq create --durable", self.err)
        self.assertEqual(self.stat()["length"], 0)
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
