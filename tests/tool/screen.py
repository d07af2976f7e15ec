"""A command in a pseudo-terminal, and what its screen shows: pyte draws it."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

import support  # for the path of pyte
import pyte

KEYS = {"up": "\x1b[A", "down": "\x1b[B", "enter": "\r", "escape": "\x1b", "back": "\x7f"}


class Screen:
    def __init__(self, command, columns=80, rows=24, **environment):
        self.master, slave = pty.openpty()
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.set_size(columns, rows)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
                                        env={**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", **environment})

    def set_size(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def read(self, seconds=0.05):
        """What there is, until nothing came for so long; but not for ever from a command that always has more."""
        end = time.monotonic() + 10 * seconds
        while time.monotonic() < end and select.select([self.master], [], [], seconds)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            self.raw += data
            self.stream.feed(data.replace(b"\x1b[?1049h", b"\x1b[2J").replace(b"\x1b[?1049l", b""))

    @property
    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self):
        return "\n".join(self.lines)

    def press(self, *keys):
        for key in keys:
            os.write(self.master, KEYS.get(key, key).encode())
            time.sleep(0.02)

    def until(self, condition):
        """Until the screen fulfils it; it is given the text."""
        end = time.monotonic() + support.PATIENCE
        while not condition(self.text):
            if time.monotonic() > end:
                raise AssertionError("the screen never came to that:\n" + self.text)
            self.read()

    def is_restored(self):
        return termios.tcgetattr(self.slave) == self.before and b"\x1b[?1049l" in self.raw and b"\x1b[?25h" in self.raw

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)
