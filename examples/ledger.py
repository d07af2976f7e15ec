"""Who sent what, and who received it: did every acknowledged message arrive, once or marked as delivered again?

For account.py, and for tests/interop, whose records these are: producer, number, size, intact, deliveries, 0.
"""

import collections

Sent = collections.namedtuple("Sent", "acknowledged size uncertain")


class Ledger:
    """Fill it in with producer(), consumer() and holder(), then ask for problems()."""

    def __init__(self, redelivery=False, name="{}/{}".format):
        self.redelivery = redelivery  # may messages come again?
        self.name = name  # what to call the message of this producer and number
        self.wrong = []
        self.sent = {}
        self.seen = collections.defaultdict(bytearray)  # by producer: of each number, 1 + deliveries when it came first
        self.again = collections.defaultdict(list)  # by (producer, number): deliveries when it came after that
        self.held = []
        self.records = 0

    def producer(self, producer, acknowledged, size=None, uncertain=0):
        """It acknowledged numbers 0, 1, ... Killed, it may have sent so many more without saying so."""
        self.sent[producer] = Sent(acknowledged, size, uncertain)

    def holder(self, producer, number, deliveries):
        """Killed while it held that message."""
        self.held.append((producer, number, deliveries))

    def consumer(self, name, records):
        """What one consumer received, in its order."""
        newest = {}
        for record in records:
            producer, number, size, intact, deliveries, _ = record
            self.records += 1
            if producer not in self.sent or not intact or size != self.sent[producer].size:
                self.wrong.append(f"{name} received what nobody sent: {self.name(producer, number)}, {size} bytes, intact: {intact}")
                continue
            if deliveries <= 1:
                if number <= newest.get(producer, -1):
                    self.wrong.append(f"{name} received {self.name(producer, number)} after {self.name(producer, newest[producer])}")
                newest[producer] = number
            elif not self.redelivery:
                self.wrong.append(f"{name} received {self.name(producer, number)} with deliveries {deliveries}")
            seen = self.seen[producer]
            if number >= len(seen):
                if number > self.sent[producer].acknowledged + self.sent[producer].uncertain:
                    self.wrong.append(f"{name} received {self.name(producer, number)}, which was not sent")
                    continue
                seen.extend(bytes(number + 1 - len(seen)))
            if seen[number]:
                self.again[producer, number].append(deliveries)
            else:
                seen[number] = min(deliveries, 254) + 1

    def came(self, producer):
        """How many messages of it came, if none is lost."""
        return len(self.seen[producer])

    def deliveries(self, producer, number):
        """Of each time that the message came."""
        seen = self.seen[producer]
        first = [seen[number] - 1] if number < len(seen) and seen[number] else []
        return first + self.again.get((producer, number), [])

    def problems(self):
        wrong = list(self.wrong)
        for producer, sent in self.sent.items():
            came = self.came(producer)
            missing = [number for number in range(max(sent.acknowledged, came))
                       if number >= came or not self.seen[producer][number]]
            if missing:
                wrong.append(f"{len(missing)} messages of {producer} are lost, the first is {self.name(producer, missing[0])}; "
                             f"{sent.acknowledged} were acknowledged")
            if came > sent.acknowledged + sent.uncertain:
                wrong.append(f"{came} messages of {producer} came, {sent.acknowledged} were acknowledged")
        for (producer, number) in self.again:
            deliveries = self.deliveries(producer, number)
            if not self.redelivery or 0 in deliveries or len(set(deliveries)) < len(deliveries):
                wrong.append(f"{self.name(producer, number)} came {len(deliveries)} times, with deliveries {deliveries}")
        for producer, number, held in self.held:
            deliveries = self.deliveries(producer, number)
            if held in deliveries or max(deliveries, default=0) <= held:
                wrong.append(f"{self.name(producer, number)} was held with deliveries {held} by a killed process, and came with "
                             f"deliveries {deliveries}")
        return wrong
