#!/usr/bin/env python3
"""account.py DIRECTORY: did every line that a producer acknowledged arrive, exactly once or marked as delivered again?

The directory is what a job leaves behind, whatever languages its processes are written in:

  sent-NAME      what producer NAME was given to put, a message a line; each line is unique
  acked-NAME     what it acknowledged: the numbers 1, 2, 3, ... of these lines, a line each
  received-NAME  what consumer NAME received: position, tab, deliveries, tab, message; a line each
  killed         the names of the processes that were killed, a line each

The last line of a killed process may be incomplete, and is then left out. Exits with 1 and says what is wrong, if
anything is.
"""

import collections
import hashlib
import os
import sys

MOST_SHOWN = 10  # problems of a kind

Copy = collections.namedtuple("Copy", "position deliveries consumer")


def count(number, noun):
    return f"{number} {noun}" + ("" if number == 1 else "s")


class Account:
    def __init__(self, directory):
        self.directory = directory
        self.problems = []
        self.killed = set(self.read("killed", True))
        self.sent = {name: self.read("sent-" + name, False) for name in self.names("sent-")}
        self.acked = {name: self.count_acks(name) for name in self.names("acked-")}
        self.copies = collections.defaultdict(list)  # of each message that arrived
        for name in self.names("received-"):
            self.receive(name)
        if set(self.acked) != set(self.sent):
            self.problem("acked-NAME and sent-NAME are not of the same producers")
        self.unreported = 0  # messages that arrived though their producer was killed before it could say so
        self.check_arrivals()
        self.check_copies()
        self.check_order()

    def names(self, prefix):
        return sorted(file[len(prefix) :] for file in os.listdir(self.directory) if file.startswith(prefix))

    def read(self, file, may_end_early):
        with open(os.path.join(self.directory, file), "rb") as stream:
            lines = stream.read().split(b"\n")
        rest = lines.pop()
        if rest and not may_end_early:
            self.problem(f"{file} ends within a line")
        return [line.decode() for line in lines] if file == "killed" else lines

    def problem(self, text):
        self.problems.append(text)

    def problems_of(self, what, lines):
        lines = list(lines)
        if lines:
            self.problem(f"{len(lines)} {what}, such as")
            self.problems.extend("    " + line.decode(errors="replace") for line in lines[:MOST_SHOWN])

    def count_acks(self, name):
        numbers = self.read("acked-" + name, name in self.killed)
        if [int(number) for number in numbers] != list(range(1, len(numbers) + 1)):
            self.problem(f"acked-{name} does not count 1, 2, 3, ...")
        return len(numbers)

    def receive(self, name):
        newest = -1
        for line in self.read("received-" + name, name in self.killed):
            position, deliveries, message = line.split(b"\t", 2)
            copy = Copy(int(position), int(deliveries), name)
            self.copies[message].append(copy)
            if copy.deliveries == 1:
                if copy.position <= newest:
                    self.problem(f"{name} received position {copy.position} after {newest}: not first in, first out")
                newest = copy.position

    def check_arrivals(self):
        accepted = set()
        for name, lines in self.sent.items():
            acked = self.acked.get(name, 0)
            accepted.update(lines[:acked])
            self.problems_of(f"lines that {name} acknowledged are missing",
                             (line for line in lines[:acked] if line not in self.copies))
            # Put, and killed before it could say so: these arrive too, in order and without gaps.
            unreported = lines[acked:]
            while name in self.killed and unreported and unreported[0] in self.copies:
                accepted.add(unreported.pop(0))
                self.unreported += 1
        self.problems_of("lines arrived that nobody put", (line for line in self.copies if line not in accepted))
        self.accepted = accepted

    def check_copies(self):
        unmarked, confused = [], []
        for message, copies in self.copies.items():
            if len(copies) == 1:
                continue
            if sum(copy.deliveries == 1 for copy in copies) > 1:
                unmarked.append(message)
            elif len({copy.position for copy in copies}) > 1 or len({copy.deliveries for copy in copies}) < len(copies):
                confused.append(message)
        self.problems_of("lines arrived twice and are not marked as delivered again", unmarked)
        self.problems_of("lines arrived again with another position, or with the same deliveries", confused)
        positions = [copies[0].position for copies in self.copies.values()]
        if len(set(positions)) != len(positions):
            self.problem("two messages have the same position")

    def check_order(self):
        for name, lines in self.sent.items():
            positions = [self.copies[line][0].position for line in lines if line in self.copies]
            if positions != sorted(positions):
                self.problem(f"the lines of {name} are not in its order")

    @property
    def arrived(self):
        return sum(len(copies) for copies in self.copies.values())

    @property
    def redelivered(self):
        return sum(copy.deliveries > 1 for copies in self.copies.values() for copy in copies)

    @staticmethod
    def checksum(lines):
        digest = hashlib.sha256()
        for line in sorted(lines):
            digest.update(line + b"\n")
        return digest.hexdigest()

    def __str__(self):
        lines = [
            ("acknowledged", f"{count(sum(self.acked.values()), 'line')} by {count(len(self.acked), 'producer')}"),
            ("unreported", count(self.unreported, "line") + " that a killed producer put but could not report"),
            ("received", f"{count(len(self.copies), 'line')} by {count(len(self.names('received-')), 'consumer')}"),
            ("delivered again", count(self.redelivered, "line") + ", marked as such"),
            ("sent", "sha256 " + self.checksum(self.accepted)),
            ("received", "sha256 " + self.checksum(self.copies)),
        ]
        text = "".join(f"{label:<18}{value}\n" for label, value in lines)
        if self.problems:
            return text + "WRONG:\n  " + "\n  ".join(self.problems)
        return text + "Every acknowledged line arrived, once or marked as delivered again."


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    result = Account(sys.argv[1])
    print(result)
    sys.exit(1 if result.problems else 0)
