"""What tests of the cq command share: a private directory for queues, and running the command."""

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.append("/usr/lib/python3/dist-packages") # what apt installs, whichever Python this is

CQ = os.environ["CQ"]
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE = 100  # seconds until something that must happen is taken for something that will not

OK, NOTHING, USAGE, ERROR = 0, 1, 2, 3


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err.decode()

    @property
    def lines(self):
        return self.out.decode().splitlines()

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def json_lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


class CommandTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="cqtest-tool-", dir="/dev/shm")
        self.addCleanup(shutil.rmtree, self.directory)

    def arguments(self, words):
        """Those of a command, with the private directory."""
        where = [] if words[0] in ("plot", "version", "help") else ["--directory", self.directory]
        return [CQ, words[0], *where, *map(str, words[1:])]

    def run_cq(self, *words, code=OK, stdin=b""):
        """Runs a command to its end. A success says nothing on standard error, a failure says why."""
        streams = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
        done = subprocess.run(self.arguments(words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE,
                              check=False, **streams)
        result = Result(done.returncode, done.stdout, done.stderr)
        self.assertEqual(result.code, code, result.err)
        if code == OK:
            self.assertEqual(result.err, "")
        if code in (USAGE, ERROR) and words[0] not in ("doctor", "check"):
            self.assertRegex(result.err, "^cq: .")
        return result

    def start_cq(self, *words, **streams):
        """Starts a command that the test will end, or that ends with it."""
        process = subprocess.Popen(self.arguments(words), **streams)
        self.addCleanup(self.finish, process)
        return process

    @staticmethod
    def finish(process):
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()

    def until(self, condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), end, "waited in vain")
            time.sleep(0.01)

    def read_line(self, stream):
        """A line from an unbuffered pipe whose other end stays open."""
        line = b""
        while not line.endswith(b"\n"):
            self.assertTrue(select.select([stream], [], [], PATIENCE)[0], "no line came")
            byte = os.read(stream.fileno(), 1)
            self.assertTrue(byte, "the stream ended")
            line += byte
        return line

    def create(self, name="q", **options):
        words = [word for key, value in options.items() for word in ("--" + key.replace("_", "-"), value)]
        self.run_cq("create", name, "--quiet", *words)
        return name

    def put(self, *messages, queue="q"):
        """Puts bytes as they are, whatever they are."""
        self.run_cq("put", queue, "--null", stdin=b"".join(message + b"\0" for message in messages))

    def contents(self, queue="q"):
        """What waits, without taking it: (message, deliveries when it is taken)."""
        result = self.run_cq("peek", queue, "--all", "--json", code=OK if self.stat(queue)["length"] else NOTHING)
        return [(message["text"].encode(), message["deliveries"]) for message in result.json_lines]

    def messages(self, queue="q"):
        return [message for message, _ in self.contents(queue)]

    def stat(self, queue="q"):
        return self.run_cq("stat", queue, "--json").json

    def path(self, queue="q"):
        return os.path.join(self.directory, "cqueue." + queue)


def main():
    unittest.main()
