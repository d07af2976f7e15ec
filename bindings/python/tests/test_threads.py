"""A hundred threads on one handle: nothing lost, nothing twice, each producer's messages in order."""

import threading

import pytest
from conftest import LONG, PATIENCE

PRODUCERS = CONSUMERS = 50
COUNT = 2000 if LONG else 200


def put_each(queue, messages):
    for message in messages:
        queue.put(message)


def put_batches(queue, messages):
    for i in range(0, len(messages), 17):
        queue.put_many(messages[i : i + 17])


def put_in_place(queue, messages):
    for message in messages:
        with queue.reserve(len(message), timeout=PATIENCE) as reservation:
            reservation.data[:] = message


def get_each(queue):
    while message := queue.get(timeout=PATIENCE):
        yield message


def get_batches(queue):
    while True:
        for message in queue.get_many(1, timeout=PATIENCE):
            if not message:
                return
            yield message


def get_in_place(queue):
    while True:
        with queue.take(timeout=PATIENCE) as taken:
            message = bytes(taken.data)
        if not message:
            return
        yield message


@pytest.mark.parametrize(
    ("put", "get"),
    [(put_each, get_each), (put_batches, get_batches), (put_in_place, get_in_place)],
    ids=["copied", "batches", "in place"],
)
def test_a_hundred_threads(make, put, get):
    queue = make(64, 16)
    received = [[] for _ in range(CONSUMERS)]
    producers = [
        threading.Thread(target=put, args=(queue, [b"%d %d" % (producer, i) for i in range(COUNT)]))
        for producer in range(PRODUCERS)
    ]
    consumers = [threading.Thread(target=lambda into=into: into.extend(get(queue))) for into in received]
    for thread in producers + consumers:
        thread.start()
    for thread in producers:
        thread.join()
    for _ in consumers:
        queue.put(b"", timeout=PATIENCE)  # one end for each
    for thread in consumers:
        thread.join()

    everything = [tuple(map(int, message.split())) for into in received for message in into]
    assert sorted(everything) == [(producer, i) for producer in range(PRODUCERS) for i in range(COUNT)]
    for into in received:
        last = {}
        for producer, i in (map(int, message.split()) for message in into):
            assert last.get(producer, -1) < i
            last[producer] = i
    assert queue.empty()
