"""A directory of its own for a queue and for what workers write about it, and the cq command to look at the queue."""

import json
import os
import shutil
import subprocess
import tempfile

import workers


class Place:
    name = "q"

    def __init__(self, capacity=None, max_message=None):
        self.directory = tempfile.mkdtemp(prefix="cqinterop-", dir="/dev/shm")
        if capacity:
            self.cq("create", "--exclusive", "--capacity", capacity, "--max-message", max_message)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory)

    def path(self, file):
        return os.path.join(self.directory, file)

    def region(self, name=name):
        return self.path("cqueue." + name)

    def cq(self, command, *words, codes=(0,), stdin=b""):
        done = subprocess.run([workers.CQ, command, self.name, "--directory", self.directory, *map(str, words)],
                              input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode not in codes:
            raise workers.Failure(f"cq {command} ended with {done.returncode}: {done.stderr.decode()}")
        return done.stdout

    def stat(self):
        return json.loads(self.cq("stat", "--json"))

    def check_stat(self, **expected):
        """The problems: what differs."""
        found = self.stat()
        return [f"cq_stat says {key} {found[key]}, expected {value}" for key, value in expected.items()
                if found[key] != value]

    def check_capacity(self):
        """An empty queue takes as many messages as its capacity is, not one more, and gives them all out again."""
        capacity = self.stat()["capacity"]
        self.cq("put", "--no-wait", stdin=b"x\n" * (capacity + 1), codes=(0, 1))
        problems = self.check_stat(length=capacity)
        lines = self.cq("get", "--all").count(b"\n")
        if lines != capacity:
            problems.append(f"a queue of capacity {capacity} took and gave out {lines} messages")
        return problems
