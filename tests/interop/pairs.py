"""The table: every producer language with every consumer language, in three sizes, by every method at either end."""

from concurrent.futures import ThreadPoolExecutor

import records
import workers
from place import Place
from receiver import Receiver, receive_rest, send_and_receive
from workers import Worker

SIZES = (0, 56, 4096)
METHODS = ("copy", "batch", "loan")
CAPACITY = 50  # far less than a cell's messages, so that both ends come to wait for the other
MESSAGES = 200  # of a cell


def cells(languages, consumer_method, every_combination):
    """Producer language, size, method. Without every combination, each two of size and both methods meet all the same."""
    shift = METHODS.index(consumer_method)
    for language in languages:
        for i, size in enumerate(SIZES):
            for method in METHODS if every_combination else [METHODS[(i + shift) % len(METHODS)]]:
                yield language, size, method


def expected_records(producer, size, consumer_method):
    """A cell's part of the log: one producer at a time and one consumer, so all is known."""
    deliveries = 1 if consumer_method == "loan" else 0
    for number in range(MESSAGES):
        yield (producer, number, size, 1, deliveries, 0) if size else (0, 0, 0, 1, deliveries, 0)


def check_cell(name, found, expected):
    """The problems, at most one."""
    for i, (one, other) in enumerate(zip(found, expected)):
        if one != other:
            return [f"{name}: message {i} is {records.Record(*one)}, expected {records.Record(*other)}"]
    if len(found) != len(expected):
        return [f"{name}: {len(found)} messages came, expected {len(expected)}"]
    return []


def send(place, receiver, producer, language, size, method):
    """From start to end; the problems."""
    ack = place.path(f"ack-{producer}")
    worker = Worker(place, language, "produce", producer=producer, count=MESSAGES, size=size, method=method, ack=ack)
    send_and_receive(place, [worker], [receiver])
    acknowledged = records.read_ack(ack)
    return [] if acknowledged == MESSAGES else [f"{worker.name} acknowledged {acknowledged} messages"]


def fill_column(languages, consumer, method, every_combination):
    """One consumer of one language and method, and all the producers one after the other; checks and problems."""
    problems = []
    table = list(cells(languages, method, every_combination))
    with Place(CAPACITY, max(SIZES)) as place:
        try:
            receiver = Receiver(place, consumer, method, "log")
            for producer, cell in enumerate(table, 1):
                problems += send(place, receiver, producer, *cell)
            receive_rest(place, [receiver])
        except workers.Failure as failure:
            return len(table), problems + [str(failure)]
        log = list(receiver.records())
        total = len(table) * MESSAGES
        for i, (language, size, sender) in enumerate(table):
            problems += check_cell(f"{language} by {sender} -> {consumer} by {method}, {size} bytes",
                                   log[i * MESSAGES :][:MESSAGES],
                                   list(expected_records(i + 1, size, method)))
        if len(log) > total:
            problems.append(f"{consumer} by {method} received {len(log)} messages, {total} were sent")
        problems += place.check_stat(length=0, enqueued=total, dequeued=total, redelivered=0, participants=0)
    return len(table), problems


def run(report, languages, options):
    with ThreadPoolExecutor(len(languages)) as pool:
        columns = {(consumer, method): pool.submit(fill_column, languages, consumer, method, options.long)
                   for method in METHODS for consumer in languages}
        for (consumer, method), column in columns.items():
            checks, problems = column.result()
            report.group(f"{' '.join(languages)} -> {consumer} by {method}", checks, problems)
