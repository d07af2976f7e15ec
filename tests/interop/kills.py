"""All languages at once at one queue while processes of each are killed: what was acknowledged arrives all the same.

In every seat a worker produces or consumes without end until it is killed, once it has done as many messages as it was
allotted at random; then the next one takes the seat, until enough have been killed in each. Beside them, one process of each
language takes a message and is killed while it holds it.
"""

import itertools
import random
import time

import records
from ledger import Ledger
from place import Place
from receiver import Receiver, receive_rest, send_and_receive
from workers import PATIENCE, Failure, Worker, dismiss

METHODS = ("copy", "batch", "loan")
SIZES = (20, 56, 300)
CAPACITY = 1000
WITHOUT_END = 10**12  # messages; milliseconds too
MOST_UNREPORTED = {"copy": 1, "loan": 1, "batch": 64}  # messages of a killed producer
LAST_WORDS = 300  # messages of each producer that lives to the end


class Producers:
    """A seat for producers of a language."""

    def __init__(self, run, language):
        self.run, self.language, self.killed = run, language, 0
        self.next()

    def next(self):
        self.number = next(self.run.numbers)
        self.method = METHODS[self.killed % len(METHODS)]
        self.size = self.run.random.choice(SIZES)
        self.ack = self.run.place.path(f"ack-{self.number}")
        self.allotted = self.run.random.randrange(1, 1000)
        self.worker = self.run.produce(self.language, self.number, self.method, self.size, self.ack, WITHOUT_END)

    def is_due(self):
        return records.read_ack(self.ack) >= self.allotted

    def account(self):
        self.run.ledger.producer(self.number, records.read_ack(self.ack), self.size, MOST_UNREPORTED[self.method])


class Consumers:
    """A seat for consumers of a language. By loans: a killed one may have written down what it has not released."""

    def __init__(self, run, language):
        self.run, self.language, self.killed = run, language, 0
        self.next()

    def next(self):
        self.log = self.run.place.path(f"log-{next(self.run.numbers)}")
        self.allotted = self.run.random.randrange(1, 1000)
        self.worker = Worker(self.run.place, self.language, "consume", method="loan", log=self.log, idle_ms=10**8)
        self.run.logs.append((self.worker.name, self.log))

    def is_due(self):
        return records.count_log(self.log) >= self.allotted

    def account(self):
        pass


class Holders:
    """A seat for processes of a language that take a message and do not release it."""

    def __init__(self, run, language):
        self.run, self.language, self.killed = run, language, 0
        self.next()

    def next(self):
        self.worker = Worker(self.run.place, self.language, "hold")
        self.allotted = None

    def is_due(self):
        """Some other processes are killed between its taking a message and its end."""
        if self.allotted is None and self.worker.output.endswith("\n"):
            self.allotted = self.run.kills + self.run.random.randrange(1, 10)
        return self.allotted is not None and self.run.kills >= self.allotted

    def account(self):
        words = self.worker.output.split()
        if words:
            self.run.ledger.holder(*map(int, words[1:]))


class Run:
    def __init__(self, place, languages, seed):
        self.place, self.languages = place, languages
        self.random = random.Random(seed)
        self.numbers = itertools.count(1)
        self.ledger = Ledger(redelivery=True)
        self.logs = []
        self.kills = 0

    def produce(self, language, number, method, size, ack, count):
        return Worker(self.place, language, "produce", producer=number, count=count, size=size, method=method, ack=ack)

    def kill_until(self, quota):
        """Kill so many in each seat; the seats stay taken until the last has had its number."""
        seats = [kind(self, language) for language in self.languages for kind in (Consumers, Producers, Holders)]
        end = time.monotonic() + PATIENCE
        while any(seat.killed < quota for seat in seats):
            for seat in seats:
                if seat.is_due():
                    seat.worker.kill()
                    seat.account()
                    seat.killed += 1
                    self.kills += 1
                    seat.next()
            if time.monotonic() > end:
                late = [f"{seat.worker.name}: {seat.killed}" for seat in seats if seat.killed < quota]
                raise Failure(f"waited {PATIENCE} s in vain to kill {quota} of each: {', '.join(late)}")
            time.sleep(0.001)
        for seat in seats:
            dismiss(seat.worker.process)
            seat.account()
        return seats

    def come_to_rest(self):
        """Producers that live to the end, and consumers that take what is left and end by themselves."""
        receivers = [Receiver(self.place, language, "loan", f"log-{language}") for language in self.languages]
        self.logs += [(receiver.name, receiver.log) for receiver in receivers]
        producers = []
        for language, method in zip(self.languages, itertools.cycle(METHODS)):
            number = next(self.numbers)
            producers.append(self.produce(language, number, method, 56, self.place.path(f"ack-{number}"), LAST_WORDS))
            self.ledger.producer(number, LAST_WORDS, 56)
        send_and_receive(self.place, producers, receivers)
        self.place.cq("doctor")
        receive_rest(self.place, receivers)


def run(report, languages, options):
    quota = 30 if options.long else 6
    with Place(CAPACITY, max(SIZES)) as place:
        run = Run(place, languages, options.seed)
        seats = run.kill_until(quota)
        run.come_to_rest()
        for name, log in run.logs:
            run.ledger.consumer(name, records.read_log(log))
        problems = run.ledger.problems()
        problems += place.check_stat(length=0, orphans=0, participants=0, waiting_producers=0, waiting_consumers=0)
        problems += place.check_capacity()
        stat = place.stat()
    report.group(f"{run.kills} killed, at least {quota} producers, consumers and holders of each language; "
                 f"{run.ledger.records} messages received, {stat['redelivered']} of them again, --seed {options.seed}",
                 len(seats), problems)
