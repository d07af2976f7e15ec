"""`cq move` and `cq copy`: from one queue to another, and that no signal loses a message on the way."""

import os
import signal
import subprocess
import time

from support import CQ, ERROR, NOTHING, PATIENCE, USAGE, CommandTest, main


class MoveTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.create("a")
        self.create("b")

    def put_numbers(self, count):
        self.run_cq("put", "a", stdin=b"".join(b"%d\n" % number for number in range(count)))

    def numbers(self, queue):
        return [int(text) for text in self.messages(queue)]

    def test_moves_all_in_their_order(self):
        self.put_numbers(5)
        self.assertEqual(self.run_cq("move", "a", "b").out, b"5 messages were moved\n")
        self.assertEqual((self.numbers("a"), self.numbers("b")), ([], [0, 1, 2, 3, 4]))
        self.assertEqual(self.run_cq("move", "a", "b", "--json", code=NOTHING).json, {"from": "a", "to": "b", "moved": 0})

    def test_moves_as_many_as_asked_for(self):
        self.put_numbers(5)
        self.assertEqual(self.run_cq("move", "a", "b", "-n", 2, "--json").json["moved"], 2)
        self.assertEqual((self.numbers("a"), self.numbers("b")), ([2, 3, 4], [0, 1]))

    def test_a_full_queue_ends_it_in_time_and_loses_nothing(self):
        self.put_numbers(5)
        self.create("small", capacity=2)
        error = self.run_cq("move", "a", "small", "--wait", "50ms", code=NOTHING).err
        self.assertIn("2 messages were moved", error)
        self.assertEqual((self.numbers("a"), self.numbers("small")), ([2, 3, 4], [0, 1]))

    def test_a_message_that_is_too_big_stays(self):
        self.put_numbers(1)
        self.put(b"long enough", queue="a")
        self.create("narrow", max_message=4)
        self.assertIn("1 message was moved", self.run_cq("move", "a", "narrow", code=ERROR).err)
        self.assertEqual(self.messages("a"), [b"long enough"])

    def test_refuses_the_same_queue_twice(self):
        for command in ["move", "copy"]:
            self.assertIn("named twice", self.run_cq(command, "a", "a", code=USAGE).err)

    def test_follows_until_it_is_interrupted(self):
        move = self.start_cq("move", "a", "b", "--follow", stderr=subprocess.PIPE)
        self.put_numbers(3)
        self.until(lambda: self.stat("b")["length"] == 3)
        move.send_signal(signal.SIGINT)
        self.assertEqual(move.wait(PATIENCE), -signal.SIGINT)
        self.assertEqual(move.stderr.read(), b"cq: interrupted; 3 messages were moved\n")

    def test_killed_at_any_moment_it_loses_nothing_and_doubles_one_at_most(self):
        count = 3000
        self.put_numbers(count)
        for _ in range(12):
            move = self.start_cq("move", "a", "b")
            enough = self.stat("b")["length"] + 150
            end = time.monotonic() + PATIENCE
            while move.poll() is None and self.stat("b")["length"] < enough and time.monotonic() < end:
                pass
            move.kill()
            move.wait()
        moved, left = self.numbers("b"), self.numbers("a")
        self.assertEqual(sorted(set(moved) | set(left)), list(range(count)))
        self.assertLessEqual(len(moved) + len(left), count + 12)

    def test_copy_leaves_everything_where_it_is(self):
        self.put_numbers(4)
        self.assertEqual(self.run_cq("copy", "a", "b").out, b"4 messages were copied\n")
        self.assertEqual((self.contents("a"), self.numbers("b")), ([(b"%d" % n, 1) for n in range(4)], [0, 1, 2, 3]))
        self.assertEqual(self.run_cq("copy", "a", "b", "-n", 1, "--json").json["copied"], 1)
        self.create("small", capacity=1)
        self.assertIn("1 message was copied", self.run_cq("copy", "a", "small", code=NOTHING).err)


if __name__ == "__main__":
    main()
