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

import hashlib
import os
import sys

from ledger import Ledger

MOST_SHOWN = 20  # problems


def count(number, noun):
    return f"{number} {noun}" + ("" if number == 1 else "s")


class Account:
    def __init__(self, directory):
        self.directory = directory
        self.problems = []
        self.killed = set(self.read("killed", True))
        self.sent = {name: self.read("sent-" + name, False) for name in self.names("sent-")}
        self.acked = {name: self.count_acks(name) for name in self.names("acked-")}
        if set(self.acked) != set(self.sent):
            self.problem("acked-NAME and sent-NAME are not of the same producers")
        self.known = {line: (name, number) for name, lines in self.sent.items() for number, line in enumerate(lines)}
        self.ledger = Ledger(redelivery=True, name=self.text)
        for name, lines in self.sent.items():
            acked = self.acked.get(name, 0)
            self.ledger.producer(name, acked, uncertain=len(lines) - acked if name in self.killed else 0)
        self.arrived = self.redelivered = 0
        self.positions = {}  # of each message that arrived
        for name in self.names("received-"):
            self.ledger.consumer(name, self.receive(name))
        self.problems += self.ledger.problems()
        self.check_positions()
        # The messages that arrived though their producer was killed before it could say so are accepted as well.
        self.accepted = [line for name, lines in self.sent.items()
                         for line in lines[: max(self.acked.get(name, 0), self.ledger.came(name))]]

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

    def text(self, name, number):
        """The line itself, or the number of one that there is not."""
        lines = self.sent.get(name, [])
        return lines[number].decode(errors="replace") if number < len(lines) else f"{name} {number}"

    def count_acks(self, name):
        numbers = self.read("acked-" + name, name in self.killed)
        if [int(number) for number in numbers] != list(range(1, len(numbers) + 1)):
            self.problem(f"acked-{name} does not count 1, 2, 3, ...")
        return len(numbers)

    def receive(self, name):
        """The ledger's records of what a consumer received; and a look at the positions."""
        newest = -1
        for line in self.read("received-" + name, name in self.killed):
            position, deliveries, message = line.split(b"\t", 2)
            position, deliveries = int(position), int(deliveries)
            self.arrived += 1
            self.redelivered += deliveries > 1
            if deliveries == 1:
                if position <= newest:
                    self.problem(f"{name} received position {position} after {newest}: not first in, first out")
                newest = position
            if self.positions.setdefault(message, position) != position:
                self.problem(f"{name} received with another position: {message.decode(errors='replace')}")
            producer, number = self.known.get(message, (message.decode(errors="replace"), 0))
            yield producer, number, None, 1, deliveries, 0

    def check_positions(self):
        if len(set(self.positions.values())) != len(self.positions):
            self.problem("two messages have the same position")
        for name, lines in self.sent.items():
            positions = [self.positions[line] for line in lines if line in self.positions]
            if positions != sorted(positions):
                self.problem(f"the lines of {name} are not in its order")

    @property
    def unreported(self):
        return sum(max(0, self.ledger.came(name) - self.acked.get(name, 0)) for name in self.sent)

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
            ("received", f"{count(len(self.positions), 'line')} by {count(len(self.names('received-')), 'consumer')}"),
            ("delivered again", count(self.redelivered, "line") + ", marked as such"),
            ("sent", "sha256 " + self.checksum(self.accepted)),
            ("received", "sha256 " + self.checksum(self.positions)),
        ]
        text = "".join(f"{label:<18}{value}\n" for label, value in lines)
        if self.problems:
            return text + "WRONG:\n  " + "\n  ".join(self.problems[:MOST_SHOWN])
        return text + "Every acknowledged line arrived, once or marked as delivered again."


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    result = Account(sys.argv[1])
    print(result)
    sys.exit(1 if result.problems else 0)
