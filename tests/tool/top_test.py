"""`cq top` in a pseudo-terminal, as people see it; and where there is none."""

import fcntl
import os
import signal
import struct
import subprocess
import termios
import time
import unittest

from support import PATIENCE, USAGE, CommandTest, main

try:
    from screen import Screen
except ImportError:
    Screen = None


@unittest.skipUnless(Screen, "no pyte")
class TopTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.create("orders", capacity=10)
        self.create("invoices", capacity=100)
        self.put(*[b"x"] * 9, queue="orders")
        self.put(*[b"x"] * 5, queue="invoices")

    def top(self, *words, columns=80, rows=24, **environment):
        words = words if "--interval" in words else ["--interval", "50ms", *words]
        screen = Screen(self.arguments(["top", *words]), columns, rows, **environment)
        self.addCleanup(screen.close)
        return screen

    def row(self, screen, name):
        return next((line.split() for line in screen.lines if line.startswith(name + " ")), [])

    def quit(self, screen):
        screen.press("q")
        self.assertEqual(screen.process.wait(PATIENCE), 0)
        screen.read()
        self.assertTrue(screen.is_restored())

    def test_shows_every_queue_with_its_figures_and_rates(self):
        screen = self.top()
        screen.until(lambda text: self.row(screen, "orders")[1:8] == ["9", "90%", "0", "0", "0", "-", "-"])
        self.assertRegex(screen.lines[0], rf"^cq top  2 queues in {self.directory}, by rate +\d\d:\d\d:\d\d$")
        self.assertEqual(screen.lines[1].split(), ["QUEUE", "LENGTH", "FILL", "IN/S", "OUT/S", "HELD", "OLDEST", "WAITING", "OPEN", "MEMORY"])
        self.assertIn("q quit", screen.lines[23])
        self.create("busy")
        self.run_cq("put", "busy", stdin=b"x\n" * 100)
        screen.until(lambda text: "busy" in text and "3 queues" in text)
        screen.until(lambda text: screen.lines[2].startswith("busy") and screen.lines[3].startswith("invoices"))
        self.quit(screen)

    def test_shows_how_long_the_oldest_message_waits(self):
        self.run_cq("create", "timed", "--enqueue-times", "--quiet")
        screen = self.top("--sort", "age")
        screen.until(lambda text: self.row(screen, "timed")[6:7] == ["-"])
        self.put(b"x", queue="timed")
        screen.until(lambda text: screen.lines[2].startswith("timed") and self.row(screen, "timed")[6:8] == ["1", "s"])
        self.quit(screen)

    def test_rates_are_messages_a_second(self):
        screen = self.top("--interval", "500ms")
        screen.until(lambda text: self.row(screen, "invoices")[3:4] == ["0"])
        self.put(*[b"x"] * 90, queue="invoices")
        screen.until(lambda text: self.row(screen, "invoices")[3:4] not in (["0"], ["-"], []))
        self.assertRegex(screen.lines[2], "^invoices")
        self.quit(screen)

    def test_fits_a_small_screen(self):
        screen = self.top(columns=40, rows=10)
        screen.until(lambda text: self.row(screen, "orders")[1:2] == ["9"])
        self.assertEqual(screen.lines[1].split(), ["QUEUE", "LENGTH", "FILL", "IN/S", "OUT/S"])
        self.assertEqual(len(screen.lines), 10)
        self.assertTrue(screen.lines[9].startswith("q quit"))
        for number in range(20):
            self.create(f"n{number:02}")
        screen.until(lambda text: "22 queues" in text)
        screen.press("s", "S") # by rate again
        screen.press(*["down"] * 30)
        screen.until(lambda text: "orders" in text and "invoices" not in text)
        self.quit(screen)

    def test_follows_the_size_of_the_window(self):
        screen = self.top(columns=40, rows=10)
        screen.until(lambda text: "orders" in text)
        screen.set_size(100, 30)
        screen.until(lambda text: "MEMORY" in screen.lines[1] and screen.lines[29].startswith("q quit"))
        screen.set_size(20, 3)
        screen.until(lambda text: screen.lines[1].startswith("QUEUE") and "FILL" not in text)
        screen.set_size(1, 1)
        screen.press(" ")
        fcntl.ioctl(screen.master, termios.TIOCSWINSZ, struct.pack("HHHH", 65535, 65535, 0, 0))  # nobody sees all of that
        screen.press(" ")
        screen.set_size(80, 24)
        screen.until(lambda text: "MEMORY" in screen.lines[1])
        self.quit(screen)

    def test_sorts_filters_and_helps(self):
        screen = self.top("--sort", "length")
        screen.until(lambda text: screen.lines[2].startswith("orders"))
        screen.press("r")
        screen.until(lambda text: screen.lines[2].startswith("invoices"))
        screen.press("r", "s")
        screen.until(lambda text: "by fill" in text)
        screen.press("/", "i", "n", "v", "enter")
        screen.until(lambda text: "orders" not in text and 'with "inv"' in text)
        screen.press("/", "x")
        screen.until(lambda text: "No queue has that in its name" in text and "with: invx_" in text)
        screen.press("escape")
        screen.until(lambda text: "2 queues" in screen.lines[0])
        screen.press("?")
        screen.until(lambda text: "sort by the next" in text)
        screen.press("x")
        screen.until(lambda text: "orders" in text)
        self.quit(screen)

    def test_shows_one_queue_and_who_has_it_open(self):
        get = self.start_cq("get", "invoices", "--count", 6, "--wait", "1h", stdout=subprocess.DEVNULL)
        screen = self.top("--sort", "name")
        screen.until(lambda text: "orders" in text)
        screen.press("enter")
        screen.until(lambda text: f"process {get.pid} (cq): " in text and "1 consumer waiting" in text)
        self.assertIn("of 100 messages", screen.text)
        self.assertRegex(screen.text, r"\nlength +0")
        screen.until(lambda text: "\nin/s" in text)
        self.put(*[b"x"] * 60, queue="invoices")
        screen.until(lambda text: "█" in screen.lines[2]) # the past: it was lower
        screen.press("escape")
        screen.until(lambda text: "2 queues" in screen.lines[0])
        self.quit(screen)

    def test_a_queue_that_vanishes(self):
        screen = self.top("--sort", "name")
        screen.until(lambda text: "invoices" in text)
        screen.press("enter")
        screen.until(lambda text: "of 100 messages" in text)
        self.run_cq("rm", "invoices", "--force")
        screen.until(lambda text: "The queue is gone." in text)
        screen.press("back")
        screen.until(lambda text: "1 queue in" in text and "invoices" not in text)
        self.create("invoices", capacity=7)
        screen.until(lambda text: "invoices" in text)
        self.run_cq("rm", "invoices", "orders", "--force")
        screen.until(lambda text: "There is no queue" in text)
        screen.press("enter", "down", "up")
        screen.read()
        self.quit(screen)

    def test_colours_say_what_is_full_and_can_be_switched_off(self):
        screen = self.top()
        screen.until(lambda text: self.row(screen, "orders")[1:2] == ["9"])
        self.assertIn(b"\x1b[33morders", screen.raw)
        plain = self.top(NO_COLOR="1")
        plain.until(lambda text: self.row(plain, "orders")[1:2] == ["9"])
        self.assertNotRegex(plain.raw, rb"\x1b\[3\dm")
        self.assertIn(b"\x1b[1morders", plain.raw)

    def test_plain_letters_where_nothing_else_can_be_shown(self):
        screen = self.top("--sort", "fill", LC_ALL="C")
        screen.until(lambda text: "orders" in text)
        screen.press("enter")
        screen.until(lambda text: "#" in screen.lines[1])
        self.assertTrue(screen.text.isascii())

    def test_signals_end_it_and_give_the_terminal_back(self):
        for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]:
            screen = self.top()
            screen.until(lambda text, screen=screen: "orders" in text)
            if number == signal.SIGINT:
                screen.press("\x03")
            else:
                screen.process.send_signal(number)
            self.assertEqual(screen.process.wait(PATIENCE), -number)
            screen.read()
            self.assertTrue(screen.is_restored())

    def test_can_be_stopped_and_goes_on(self):
        screen = self.top()
        screen.until(lambda text: "orders" in text)
        for times in [1, 2]:
            screen.press("\x1a")
            self.until(lambda: self.state(screen.process.pid) == "T")
            screen.read()
            self.assertTrue(screen.is_restored())
            self.assertEqual(screen.raw.count(b"\x1b[?1049l"), times)
            screen.set_size(40 * times, 20)
            screen.process.send_signal(signal.SIGCONT)
            screen.until(lambda text, times=times: screen.raw.count(b"\x1b[?1049h") == 1 + times)
            screen.until(lambda text: screen.lines[19].startswith("q quit"))
            self.assertNotEqual(termios.tcgetattr(screen.slave), screen.before) # keys come at once again
        self.quit(screen)

    @staticmethod
    def state(process):
        with open(f"/proc/{process}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0]

    def test_not_a_terminal_prints_the_table(self):
        lines = self.run_cq("top", "--interval", "10ms").lines
        self.assertEqual([line.split()[0] for line in lines], ["QUEUE", "invoices", "orders"])
        self.assertEqual(self.run_cq("top", "--interval", "10ms", "--sort", "length", "--filter", "ord").lines[1].split()[:3],
                         ["orders", "9", "90%"])
        rows = self.run_cq("top", "invoices", "--interval", "10ms", "-n", 2, "--json").json_lines
        self.assertEqual([(row["name"], row["length"], row["fill"]) for row in rows], [("invoices", 5, 5)] * 2)
        self.assertIn("rate, length, fill", self.run_cq("top", "--sort", "colour", code=USAGE).err)

    def test_a_terminal_that_understands_nothing_gets_the_table(self):
        screen = self.top(TERM="dumb")
        self.assertEqual(screen.process.wait(PATIENCE), 0)
        screen.read()
        self.assertNotIn(b"\x1b", screen.raw)
        self.assertIn(b"orders", screen.raw)


if __name__ == "__main__":
    main()
