"""`cq create`: what is made, and what is refused."""

import os
import stat
import subprocess

from support import CQ, ERROR, USAGE, CommandTest, main


class CreateTest(CommandTest):
    def test_makes_an_empty_queue_with_the_defaults(self):
        self.run_cq("create", "q")
        stats = self.stat()
        self.assertEqual((stats["capacity"], stats["max_message_size"], stats["length"]), (65536, 4096, 0))
        self.assertEqual(stat.S_IMODE(os.stat(self.path()).st_mode), 0o600)

    def test_says_what_it_made_and_what_it_may_cost(self):
        first, cost = self.run_cq("create", "q", "--capacity", "100k", "--max-message", 24).lines
        self.assertEqual(first, f"created q in {self.directory}, 100,000 messages of up to 24 B")
        self.assertRegex(cost, r"^It takes [\d.]+ KiB now, and up to [\d.]+ MiB when it is full of the largest messages; "
                               r"[\d.]+ \wiB are free there")
        self.assertRegex(self.run_cq("create", "q").lines[0], "^already there: q ")
        self.assertEqual(self.run_cq("create", "q", "--quiet").out, b"")

    def test_json_says_the_same(self):
        made = self.run_cq("create", "q", "--capacity", 7, "--json").json
        self.assertEqual((made["name"], made["created"], made["capacity"]), ("q", True, 7))
        self.assertEqual(made["file_size"], os.stat(self.path()).st_size)
        self.assertFalse(self.run_cq("create", "q", "--json").json["created"])

    def test_creates_several(self):
        self.run_cq("create", "a", "b", "--capacity", 3)
        self.assertEqual([self.stat(name)["capacity"] for name in "ab"], [3, 3])

    def test_takes_numbers_as_people_write_them(self):
        for name, text, capacity in [("a", "100k", 100000), ("b", "1M", 1000000), ("c", "1e6", 1000000), ("d", "1.5k", 1500),
                                     ("e", "2.50e1", 25)]:
            with self.subTest(text):
                self.run_cq("create", name, "--capacity", text, "--max-message", 8)
                self.assertEqual(self.stat(name)["capacity"], capacity)

    def test_takes_capacity_and_size(self):
        self.run_cq("create", "q", "--capacity", 100, "--max-message", 24)
        stats = self.stat()
        self.assertEqual((stats["capacity"], stats["max_message_size"]), (100, 24))

    def test_takes_what_becomes_of_messages(self):
        self.run_cq("create", "q", "--max-headers", "1K", "--max-deliveries", 3, "--dead-letter", "dead", "--time-to-live", "1m",
                    "--exclusive-consumer")
        stats = self.stat()
        expected = {"max_headers": 1024, "max_deliveries": 3, "dead_letter": "dead", "time_to_live": 60_000_000_000,
                    "enqueue_times": True, "exclusive_consumer": True}
        self.assertEqual({name: stats[name] for name in expected}, expected)
        self.assertIn("--max-deliveries 3", self.run_cq("create", "q", "--max-deliveries", 4, "--dead-letter", "dead",
                                                              code=ERROR).err)
        self.assertIn("--dead-letter", self.run_cq("create", "r", "--max-deliveries", 4, code=USAGE).err)
        self.put(b"x")
        self.run_cq("resize", "q", "--capacity", 7)
        self.run_cq("backup", "q", os.path.join(self.directory, "file"))
        self.run_cq("restore", os.path.join(self.directory, "file"), "again")
        for name in ["q", "again"]:
            stats = self.stat(name)
            self.assertEqual({name: stats[name] for name in expected}, expected)

    def test_check_knows_the_age_of_messages(self):
        self.run_cq("create", "q", "--enqueue-times")
        self.run_cq("create", "timeless")
        self.put(b"x")
        self.run_cq("check", "q", "--max-age", "1h")
        self.until(lambda: self.stat()["oldest_age"] > 50_000_000)
        self.assertRegex(self.run_cq("check", "q", "--max-age", "20ms", code=1).out.decode(),
                         r"^q: the oldest message is \d+ ms old, at most 20 ms allowed\n$")
        self.assertIn("no times", self.run_cq("check", "timeless", "--max-age", "1h", code=1).out.decode())
        self.assertRegex(self.run_cq("export").out.decode(), r'cqueue_oldest_age_seconds\{queue="q"[^}]*\} \d+\.\d+')

    def test_takes_sizes_with_a_unit(self):
        for name, text, size in [("k", "3K", 3072), ("m", "1M", 1048576), ("kib", "2KiB", 2048)]:
            with self.subTest(text):
                self.run_cq("create", name, "--capacity", 1, "--max-message", text)
                self.assertEqual(self.stat(name)["max_message_size"], size)

    def test_takes_permissions_in_octal(self):
        for name, text, mode in [("a", "0660", 0o660), ("b", "640", 0o640)]:
            with self.subTest(text):
                self.run_cq("create", name, "--permissions", text)
                self.assertEqual(stat.S_IMODE(os.stat(self.path(name)).st_mode), mode)

    def test_leaves_an_existing_queue_alone(self):
        self.create(capacity=10)
        self.put(b"kept")
        self.run_cq("create", "q")
        self.run_cq("create", "q", "--capacity", 10)
        self.assertEqual(self.messages(), [b"kept"])

    def test_refuses_an_existing_queue_of_another_capacity_and_names_both(self):
        self.create(capacity=10)
        error = self.run_cq("create", "q", "--capacity", 11, code=ERROR).err
        self.assertIn("10", error)
        self.assertIn("11", error)

    def test_exclusive_refuses_an_existing_queue(self):
        self.run_cq("create", "q", "--exclusive")
        self.run_cq("create", "q", "--exclusive", code=ERROR)

    def test_refuses_bad_numbers(self):
        for option, value in [("--capacity", "0"), ("--capacity", "many"), ("--capacity", "1.5"), ("--capacity", ""),
                              ("--capacity", "99999999999999999999"), ("--capacity", "1e30"), ("--capacity", "1.2345k"), ("--capacity", "e6"),
                               ("--max-message", "0"), ("--max-message", "0K"), ("--max-held", "0"),
                              ("--max-message", "4X"), ("--max-message", "K"),
                              ("--max-message", "99999999999G"), ("--permissions", "888"), ("--permissions", "7"),
                              ("--permissions", "06600"), ("--permissions", "rw-")]:
            with self.subTest(option + " " + value):
                error = self.run_cq("create", "q", option, value, code=USAGE).err
                self.assertIn(option, error)
                self.assertIn('"' + value + '"', error)
        self.assertEqual(os.listdir(self.directory), [])

    def test_refuses_permissions_that_let_everybody_write(self):
        self.run_cq("create", "q", "--permissions", "0666", code=USAGE)
        self.assertEqual(os.listdir(self.directory), [])

    def test_refuses_bad_names_and_says_what_a_name_is(self):
        for name in ["", "a/b", ".hidden", "with space", "x" * 201]:
            with self.subTest(name):
                self.assertIn("1 to 200", self.run_cq("create", name, code=USAGE).err)

    def test_a_queue_may_be_called_like_a_command(self):
        for name in ["get", "create", "help"]:
            self.run_cq("create", name)
        self.assertEqual(len(os.listdir(self.directory)), 3)

    def test_a_missing_directory_is_named(self):
        self.directory += "/missing"
        error = self.run_cq("create", "q", code=ERROR).err
        self.directory = os.path.dirname(self.directory)
        self.assertIn("no directory", error)
        self.assertIn("/missing", error)

    def test_the_default_directory_is_shared_memory(self):
        name = f"cqtest-tool-{os.getpid()}"
        self.addCleanup(subprocess.run, [CQ, "rm", "--force", name], check=True)
        subprocess.run([CQ, "create", name, "--quiet"], check=True)
        self.assertTrue(os.path.exists("/dev/shm/cqueue." + name))


if __name__ == "__main__":
    main()
