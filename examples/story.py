#!/usr/bin/env python3
"""The story of examples/run: six languages share a queue of orders, and one consumer is killed while it holds one.

Everybody in it is a program of examples/LANGUAGE. The end is an account of every order.
"""

import argparse
import collections
import contextlib
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SERVICE, WORKERS = "go", "rust"  # who sends most orders, and who handles them
# Of the others each sends, and each handles by the program that shows most of it.
OTHERS = {"java": "consume", "python": "events", "c": "events", "cpp": "consume"}
FROM_SERVICE, FROM_OTHERS = 2000, 200  # orders; more than the queue holds, so that the service has to wait for the rest
PATIENCE = 200  # seconds; nothing takes so long unless something is wrong

HANDLED = re.compile(r"(\w+): (?:got|handled) (order \d+ from \w+)(?: \(delivery (\d+)\))?")


class Story:
    def __init__(self, cq, scratch):
        self.cq_command, self.scratch = cq, scratch
        self.queue = f"orders-{os.getpid()}"
        self.processes = {}

    def cq(self, command, *words):
        return subprocess.run([self.cq_command, command, self.queue, *words], stdout=subprocess.PIPE, check=True).stdout

    def stat(self):
        return json.loads(self.cq("stat", "--json"))

    def start(self, name, language, program, count, output=None):
        """A program of the examples; what it prints goes to a file called as it is."""
        command = [os.path.join(HERE, language, "run"), program, self.queue, str(count)]
        with open(self.path(name), "wb") as file:
            self.processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                                    stdout=file if output is None else output)
        return self.processes[name]

    def path(self, name):
        return os.path.join(self.scratch, name)

    def output(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read().splitlines()

    def until(self, condition, what):
        end = time.monotonic() + PATIENCE
        while not condition():
            for name, process in self.processes.items():
                if process.poll() not in (None, 0, -signal.SIGKILL):
                    raise SystemExit(f"{name} ended with {process.returncode}")
            if time.monotonic() > end:
                raise SystemExit(f"waited {PATIENCE} s in vain: {what}")
            time.sleep(0.005)

    def finish(self, name):
        self.until(lambda: self.processes[name].poll() == 0, f"{name} does not end")
        return self.output(name)

    def stop(self):
        """Whatever went wrong, leave nothing behind."""
        for process in self.processes.values():
            process.kill()
            process.wait()
        subprocess.run([self.cq_command, "rm", "--force", self.queue], stderr=subprocess.DEVNULL, check=False)

    # The story.

    def build(self):
        """Sending nothing builds what sends."""
        print("Building the examples, which takes a while the first time ...", flush=True)
        for language in (SERVICE, WORKERS, *OTHERS):
            self.start("build", language, "produce", 0)
            self.finish("build")

    def kill_a_consumer(self):
        """It holds an order for as long as nobody reads what it prints, and that is when it is killed."""
        reader, writer = os.pipe2(os.O_DIRECT | os.O_CLOEXEC)  # each line that is written is read alone
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 1)  # a page: one line, and the next one waits
        victim = self.start("victim", WORKERS, "acknowledge", FROM_SERVICE, writer)
        os.close(writer)
        self.until(lambda: self.stat()["redelivered"] == 1, "the consumer does not take what it gave back")
        victim.kill()
        victim.wait()
        with open(reader, encoding="utf-8") as file:
            return file.read().splitlines()

    def tell(self):
        self.build()
        print(f'\nA Go service opens the queue "{self.queue}" and sends {FROM_SERVICE} orders. The queue takes 1000; the rest '
              "have to wait.")
        self.start("service", SERVICE, "produce", FROM_SERVICE)
        self.until(lambda: self.stat()["length"] == 1000, "the service does not fill the queue")

        print("A Rust consumer takes the first order, gives it back, takes it again - and is killed while it holds it:")
        show(self.kill_a_consumer())
        print(f"    killed (SIGKILL); {self.stat()['length']} orders are waiting")

        print("A second Rust consumer comes and is given it, marked as delivered before:")
        self.start("worker-1", WORKERS, "acknowledge", FROM_SERVICE * 2 // 5)
        self.until(lambda: self.output("worker-1"), "the second consumer handles nothing")
        show(self.output("worker-1")[:1])

        print(f"Java, Python, C and C++ join in: each sends {FROM_OTHERS} orders, and handles what comes from anybody:")
        self.start("worker-2", WORKERS, "acknowledge", FROM_SERVICE // 5)
        for language, program in OTHERS.items():
            self.start(f"{language}-sender", language, "produce", FROM_OTHERS)
            self.start(f"{language}-receiver", language, program, FROM_SERVICE // 10 + FROM_OTHERS)
        for name in ("worker-2", *(f"{language}-receiver" for language in OTHERS)):
            show(self.finish(name)[-1:])
        for name in self.processes:
            if name != "victim":
                self.finish(name)

    def account(self):
        """What was sent against what was handled; the problems."""
        sent = {SERVICE: FROM_SERVICE, **{language: FROM_OTHERS for language in OTHERS}}
        handled = collections.Counter()
        by_whom = collections.Counter()
        again = {}
        for name in self.processes:
            for line in self.output(name):
                if match := HANDLED.fullmatch(line):
                    language, order, delivery = match.groups()
                    handled[order] += 1
                    by_whom[language] += 1
                    if int(delivery or 1) > 1:
                        again[order] = delivery
        expected = {f"order {i} from {language}" for language, count in sent.items() for i in range(1, count + 1)}
        print(f"\nsent      {sum(sent.values()):5} orders: {in_words(sent)}")
        print(f"handled   {sum(handled.values()):5} orders: {in_words(by_whom)}")
        print(f"delivered again: {', '.join(f'{order} (delivery {delivery})' for order, delivery in again.items())}")

        problems = [f"lost: {order}" for order in sorted(expected - set(handled))]
        problems += [f"handled {count} times: {order}" for order, count in handled.items() if count > 1]
        problems += [f"sent by nobody: {order}" for order in sorted(set(handled) - expected)]
        if again.get(f"order 1 from {SERVICE}") != "3":
            problems.append("the order of the killed consumer was not delivered a third time")
        if self.stat()["length"]:
            problems.append("orders are left")
        return problems


def show(lines):
    for line in lines:
        print("    " + line, flush=True)


def in_words(counts):
    return ", ".join(f"{count} by {language}" for language, count in counts.items())


def main():
    parser = argparse.ArgumentParser(description="Send orders from language to language while a consumer is killed.")
    parser.add_argument("--cq", required=True, help="the cq command")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cqueue-story-") as scratch, contextlib.ExitStack() as stack:
        story = Story(options.cq, scratch)
        stack.callback(story.stop)
        story.tell()
        problems = story.account()
    if problems:
        print("WRONG:\n  " + "\n  ".join(problems[:20]))
        return 1
    print("Every order was handled exactly once.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
