#!/usr/bin/env python3
"""durable.py --cq CQ [--directory DIRECTORY] [--rounds N] [--languages L,...]: orders survive what a reboot does, and the account
is exact.

In each of three languages a producer puts orders into a durable queue and says which are safe (examples/LANGUAGE/keep), and a
consumer handles some and says which are settled (settle). At a random moment all of them are killed and the region is taken
away, as a reboot does; then everybody starts again. In the end each order that was said to be safe came out, none that was
settled came again, and what came twice is marked so. With --languages cq all of it is done by `cq put` and `cq get`.
"""
import argparse
import collections
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent / "build"
NAME = "durable-example-%d" % os.getpid()
REGION = pathlib.Path("/dev/shm/cqueue." + NAME)
LANGUAGES = ("go", "rust", "python")
MANY = 1_000_000  # orders: until it is killed
PATIENCE = 60  # seconds; nothing takes so long unless something is wrong
KEPT = re.compile(r"(?:\w+: kept )?(\d+)")
GOT = re.compile(r"\w+: got (order (\d+) from (\S+)) \(delivery (\d+), position (\d+)\)")
SETTLED = re.compile(r"\w+: settled (.*)")


def built(language, program, directory):
    """What examples/LANGUAGE/run becomes, so that what is killed is the program itself."""
    subprocess.run([HERE / language / "run", program, NAME, "0", directory], check=True)
    if language == "python":
        python = subprocess.run([HERE / "../bindings/python/environment"], stdout=subprocess.PIPE, text=True, check=True)
        return [python.stdout.strip(), HERE / f"python/{program}.py"]
    return [BUILD / "rust/release" / program] if language == "rust" else [BUILD / "examples" / language / program]


class Account:
    """Who said what of which order."""

    def __init__(self):
        self.safe = collections.Counter()  # by producer: how many orders
        self.came = collections.defaultdict(list)  # by order: the deliveries, in the order of time
        self.settled, self.positions, self.wrong = set(), {}, []

    def got(self, order, deliveries, position):
        if order in self.settled:
            self.wrong.append(f"{order} came again, though it was settled")
        if self.came[order] and deliveries < 2:
            self.wrong.append(f"{order} came again, and is not marked")
        if self.positions.setdefault(position, order) != order:
            self.wrong.append(f"{order} came at position {position}, as {self.positions[position]} did")
        self.came[order].append(deliveries)

    def got_json(self, line):
        message = json.loads(line)
        self.got(message["text"], message["deliveries"], message["position"])

    def read(self, output, producer):
        """What a program has printed; its last line may be half of one."""
        for line in output.read_text().split("\n")[:-1]:
            if match := KEPT.fullmatch(line):
                self.safe[producer] = int(match[1])
            elif match := GOT.fullmatch(line):
                self.got(match[1], int(match[4]), int(match[5]))
            elif match := SETTLED.fullmatch(line):
                self.settled.add(match[1])
            elif line.startswith("{"):
                self.got_json(line)

    def close(self):
        """All that came is told."""
        for producer, count in self.safe.items():
            self.wrong += [f"order {i} from {producer} is lost" for i in range(1, count + 1)
                           if f"order {i} from {producer}" not in self.came]
        for order in self.came:
            number, producer = re.fullmatch(r"order (\d+) from (\S+)", order).groups()
            if int(number) > self.safe[producer] + 10 and not producer.startswith("cq"):  # so many were on their way
                self.wrong.append(f"{order} came, and nobody sent it")


class Example:
    def __init__(self, options, directory):
        self.cq, self.disk = options.cq, os.path.join(directory, "orders")
        self.languages = options.languages.split(",")
        self.scratch = pathlib.Path(directory)
        self.commands = {}
        self.account = Account()
        self.running = []
        self.serial = itertools.count()

    def start(self, language, program):
        number, orders = next(self.serial), None
        output, who = self.scratch / f"output-{number}", f"{language}-{number}"
        if language == "cq" and program == "keep":
            orders = subprocess.Popen(["seq", "-f", f"order %.0f from {who}", str(MANY)], stdout=subprocess.PIPE)
        with open(output, "wb") as file:
            process = subprocess.Popen(self.command(language, program), stdin=orders.stdout if orders else subprocess.DEVNULL,
                                       stdout=file, stderr=file)  # some may still say that the queue was removed
        if orders:
            orders.stdout.close()
            self.running.append((orders, output, who))
        self.running.append((process, output, who if language == "cq" else f"{language}-{process.pid}"))

    def command(self, language, program):
        if language == "cq":
            words = "put --sync --ack" if program == "keep" else "get --count 50 --wait 60s --json"
            return [self.cq, *words.split(), NAME]
        return [*self.commands[language, program], NAME, str(MANY), self.disk]

    def until_one_of_each_has_begun(self):
        """Else a short life on a slow machine is one in which nothing happens."""
        end = time.monotonic() + PATIENCE
        while not all(output.stat().st_size for _, output, _ in self.running):
            for process, output, who in self.running:
                if process.poll():
                    sys.exit(f"{who} ended with {process.returncode}: {output.read_text()}")
            if time.monotonic() > end:
                sys.exit(f"waited {PATIENCE} s in vain")
            time.sleep(0.01)

    def live(self, first):
        for language in self.languages:
            self.start(language, "settle")
            self.start(language, "keep")
        if first:
            self.until_one_of_each_has_begun()
        time.sleep(random.uniform(0, 1))
        if random.random() < 0.5:  # before the last of them is dead
            REGION.unlink(missing_ok=True)
        self.kill()
        REGION.unlink(missing_ok=True)

    def kill(self):
        for process, _, _ in self.running:
            process.kill()
        for process, _, _ in self.running:
            process.wait()
        for output, who in {output: who for _, output, who in self.running}.items():
            self.account.read(output, who)
        self.running = []

    def take_what_is_left(self):
        left = subprocess.run([self.cq, "get", NAME, "--all", "--json"], stdout=subprocess.PIPE, check=True).stdout
        for line in left.splitlines():
            self.account.got_json(line)
        self.account.close()

    def tell(self, rounds):
        subprocess.run([self.cq, "create", NAME, "--durable", "--durable-directory", self.disk, "--capacity", "1000",
                        "--max-message", "256", "-q"], check=True)
        for language in self.languages:
            for program in ("keep", "settle") if language != "cq" else ():
                self.commands[language, program] = built(language, program, self.disk)
        for life in range(rounds):
            self.live(life % 2 == 0)
        self.take_what_is_left()
        account = self.account
        again = sum(len(deliveries) > 1 for deliveries in account.came.values())
        print(f"{rounds} reboots; {', '.join(self.languages)}: {sum(account.safe.values())} orders said to be safe, "
              f"{len(account.came)} came out, {len(account.settled)} settled, {again} came again and marked, {len(account.wrong)} problems")
        if account.wrong:
            print("WRONG:\n  " + "\n  ".join(account.wrong[:20]))
        return bool(account.wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cq", required=True)
    parser.add_argument("--directory", default="/var/tmp")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--languages", default=",".join(LANGUAGES))
    options = parser.parse_args()
    directory = tempfile.mkdtemp(dir=options.directory)
    example = None
    try:
        example = Example(options, directory)
        return example.tell(options.rounds)
    finally:
        if example:
            example.kill()
        subprocess.run([options.cq, "rm", "--force", "--durable", NAME], check=False)
        shutil.rmtree(directory)


if __name__ == "__main__":
    sys.exit(main())
