#!/usr/bin/env python3
"""The job of `examples/run texts`: producers put lines of text into a queue, consumers get them out, one of each is killed.

A producer reads lines on its standard input, puts each as a message and then writes its number, 1, 2, 3, ... A consumer
writes position, tab, deliveries, tab, message for each message and removes it only then; SIGTERM ends it. Programs in
other languages that do the same can take part: add them to COMMANDS, and to PRODUCERS and CONSUMERS.
"""

import argparse
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from account import Account
from corpus import collect

COMMANDS = {
    "cq": {
        "put": ["{cq}", "put", "{queue}", "--directory", "{directory}", "--ack"],
        "get": ["{cq}", "get", "{queue}", "--directory", "{directory}", "--follow", "--meta"],
    },
}
PRODUCERS = {"p1": "cq", "p2": "cq", "p3": "cq", "p4": "cq"}
CONSUMERS = {"c1": "cq", "c2": "cq", "c3": "cq"}
DOOMED_PRODUCER, DOOMED_CONSUMER = "p2", "c1"

CAPACITY = 2000  # far fewer than the lines, so that producers wait for room
PATIENCE = 300  # seconds; nothing takes so long unless something is wrong
ENDED_BY_SIGTERM = (-signal.SIGTERM, 128 + signal.SIGTERM)


class Pipe:
    """A consumer's output that nobody reads for the time being: once it is full, the consumer holds what it took."""

    def __init__(self):
        self.reader, self.writer = os.pipe()

    def is_full(self):
        return not select.select([], [self.writer], [], 0)[1]

    def save(self, path):
        """All that was written, once the consumer has ended."""
        os.close(self.writer)
        with open(self.reader, "rb") as source, open(path, "wb") as target:
            shutil.copyfileobj(source, target)


class Job:
    def __init__(self, options, scratch):
        self.scratch = scratch
        self.deadline = time.monotonic() + PATIENCE
        self.names = {"cq": options.cq, "queue": f"example-{os.getpid()}", "directory": options.directory}
        self.processes = {}

    def path(self, file):
        return os.path.join(self.scratch, file)

    def cq(self, command, *arguments, allowed=(0,), stdout=subprocess.PIPE):
        """Runs a command of cq on the queue; its output."""
        done = subprocess.run([self.names["cq"], command, self.names["queue"], "--directory", self.names["directory"],
                               *arguments], stdout=stdout, text=True)
        if done.returncode not in allowed:
            raise SystemExit(f"cq {command} ended with {done.returncode}: {done.stdout}")
        return done.stdout

    def length(self):
        return json.loads(self.cq("stat", "--json"))["length"]

    def until(self, condition, what):
        while not condition():
            if time.monotonic() > self.deadline:
                raise SystemExit(f"waited {PATIENCE} s in vain: {what}")
            time.sleep(0.002)

    def start(self, name, language, role, **streams):
        command = [word.format(**self.names) for word in COMMANDS[language][role]]
        self.processes[name] = subprocess.Popen(command, **streams)
        return self.processes[name]

    def end(self, name, allowed):
        try:
            code = self.processes[name].wait(max(1, self.deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise SystemExit(f"{name} did not end in {PATIENCE} s") from None
        if code not in allowed:
            raise SystemExit(f"{name} ended with {code}, not with {allowed[0]}")

    def kill(self, name):
        self.processes[name].kill()
        self.end(name, (-signal.SIGKILL,))
        with open(self.path("killed"), "a", encoding="ascii") as file:
            file.write(name + "\n")

    def stop(self):
        """Whatever went wrong, leave nothing behind."""
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.cq("rm", "--force")

    # Producers. The lines they are given say whose they are: name and number, then the text.

    def give(self, name, texts):
        lines = [b"%s-%06d %s\n" % (name.encode(), number, text) for number, text in enumerate(texts, 1)]
        with open(self.path("sent-" + name), "wb") as file:
            file.writelines(lines)
        return lines

    def start_producer(self, name, language, texts):
        self.give(name, texts)
        with open(self.path("sent-" + name), "rb") as lines, open(self.path("acked-" + name), "wb") as acked:
            self.start(name, language, "put", stdin=lines, stdout=acked)

    def start_doomed_producer(self, name, language, texts):
        """It gets two thirds of its lines, from a pipe that stays open: so it cannot be done before it is killed."""
        lines = self.give(name, texts)
        with open(self.path("acked-" + name), "wb") as acked:
            producer = self.start(name, language, "put", stdin=subprocess.PIPE, stdout=acked)

        def feed():
            try:
                producer.stdin.write(b"".join(lines[: len(lines) * 2 // 3]))
                producer.stdin.flush()
            except BrokenPipeError:
                pass

        threading.Thread(target=feed, daemon=True).start()

    def acknowledged(self, name):
        with open(self.path("acked-" + name), "rb") as file:
            return file.read().count(b"\n")

    # The job.

    def run(self, texts):
        self.cq("create", "--exclusive", "--capacity", str(CAPACITY), "--max-message", "2048")
        parts = {name: texts[i :: len(PRODUCERS)] for i, name in enumerate(PRODUCERS)}

        pipe = Pipe()
        self.start(DOOMED_CONSUMER, CONSUMERS[DOOMED_CONSUMER], "get", stdout=pipe.writer)
        for name, language in PRODUCERS.items():
            doomed = name == DOOMED_PRODUCER
            (self.start_doomed_producer if doomed else self.start_producer)(name, language, parts[name])
        self.until(lambda: pipe.is_full() and self.length() == CAPACITY, "the first consumer does not hold messages")

        begin = time.monotonic()
        for name, language in CONSUMERS.items():
            if name != DOOMED_CONSUMER:
                with open(self.path("received-" + name), "wb") as received:
                    self.start(name, language, "get", stdout=received)

        third = len(parts[DOOMED_PRODUCER]) // 3
        self.until(lambda: self.acknowledged(DOOMED_PRODUCER) >= third, f"{DOOMED_PRODUCER} makes no progress")
        self.kill(DOOMED_PRODUCER)
        done = self.acknowledged(DOOMED_PRODUCER)
        successor = DOOMED_PRODUCER + "b"
        self.start_producer(successor, PRODUCERS[DOOMED_PRODUCER], parts[DOOMED_PRODUCER][done:])
        self.kill(DOOMED_CONSUMER)
        pipe.save(self.path("received-" + DOOMED_CONSUMER))
        print(f"killed: producer {DOOMED_PRODUCER} after line {done} of {len(parts[DOOMED_PRODUCER])} "
              f"({successor} put the rest), and consumer {DOOMED_CONSUMER} while it held messages")

        for name in self.processes:
            if name in PRODUCERS and name != DOOMED_PRODUCER or name == successor:
                self.end(name, (0,))
        # Looks for what dead processes held, in case nobody has yet, so that an empty queue means that all is done.
        self.cq("doctor")
        self.until(lambda: self.length() == 0, "consumers do not empty the queue")
        seconds = time.monotonic() - begin

        for name in CONSUMERS:
            if name != DOOMED_CONSUMER:
                self.processes[name].terminate()
                self.end(name, ENDED_BY_SIGTERM)
        # What a consumer had taken and not written when it was told to end is in the queue again.
        with open(self.path("received-rest"), "wb") as received:
            self.cq("get", "--all", "--meta", allowed=(0, 1), stdout=received)
        self.cq("doctor")
        self.cq("rm")  # refuses if a message is left
        return seconds


def main():
    parser = argparse.ArgumentParser(description="Put lines of text through a queue while processes are killed.")
    parser.add_argument("--cq", required=True, help="the cq command")
    parser.add_argument("--directory", default="/dev/shm", help="where the queue's file is (default: %(default)s)")
    parser.add_argument("--lines", type=int, default=100_000, help="how many (default: %(default)s)")
    parser.add_argument("--keep", help="a new directory for what was sent and received, to look at afterwards")
    options = parser.parse_args()

    texts, files = collect(options.lines)
    print(f"{len(texts)} lines of text from {files} files; "
          f"{len(PRODUCERS)} processes put them, {len(CONSUMERS)} get them")
    if options.keep:
        os.mkdir(options.keep)
    scratch = options.keep or tempfile.mkdtemp(prefix="cqueue-example-")
    job = Job(options, scratch)
    try:
        seconds = job.run(texts)
    except BaseException:
        job.stop()
        print(f"what was sent and received: {scratch}", file=sys.stderr)
        raise
    account = Account(scratch)
    print(account)
    print(f"{seconds:.2f} s, {account.arrived / seconds:.0f} messages/s")
    if not account.redelivered:
        print("WRONG: the killed consumer held messages, but none was delivered again")
    if account.problems or not account.redelivered:
        print(f"what was sent and received: {scratch}", file=sys.stderr)
        return 1
    if not options.keep:
        shutil.rmtree(scratch)
    return 0


if __name__ == "__main__":
    sys.exit(main())
