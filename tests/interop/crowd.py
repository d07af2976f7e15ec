"""All languages at once at one queue: a producer and a consumer of each language and method."""

import itertools

import records
from ledger import Ledger
from place import Place
from receiver import Receiver, receive_rest, send_and_receive
from workers import Worker

METHODS = ("copy", "batch", "loan")
SIZES = (20, 56, 250)
CAPACITY = 1000


def run(report, languages, options):
    seats = list(itertools.product(languages, METHODS))
    count = (10_000_000 if options.long else 1_000_000) // len(seats)
    ledger = Ledger()
    with Place(CAPACITY, max(SIZES)) as place:
        receivers = [Receiver(place, *seat, f"log-{i}") for i, seat in enumerate(seats)]
        producers = []
        for i, (language, method) in enumerate(seats):
            size = SIZES[(i + i // len(SIZES)) % len(SIZES)]
            producers.append(Worker(place, language, "produce", producer=i, count=count, size=size, method=method,
                                    ack=place.path(f"ack-{i}")))
            ledger.producer(i, count, size)
        send_and_receive(place, producers, receivers)
        receive_rest(place, receivers)

        problems = [f"{producer.name} acknowledged {acknowledged} messages, expected {count}"
                    for i, producer in enumerate(producers)
                    if (acknowledged := records.read_ack(place.path(f"ack-{i}"))) != count]
        for receiver in receivers:
            ledger.consumer(receiver.name, receiver.records())
        problems += ledger.problems()
        total = count * len(seats)
        problems += place.check_stat(length=0, enqueued=total, dequeued=total, redelivered=0, participants=0)
        problems += place.check_capacity()
    report.group(f"{len(seats)} producers and {len(seats)} consumers of all languages at once, {total} messages", len(seats) * 2,
                 problems)
