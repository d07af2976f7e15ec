"""What ends a wait before its time: cancel(), and that the queue was removed."""

import os
import signal
import threading
import time

import pytest
from conftest import PATIENCE

from cqueue_shm import Cancelled, Flags, Full, Queue, Stale, unlink

WAITS = {
    "get": lambda queue: queue.get(),
    "get for a time": lambda queue: queue.get(timeout=PATIENCE * 10),
    "get_into": lambda queue: queue.get_into(bytearray(8)),
    "get_many": lambda queue: queue.get_many(),
    "take": lambda queue: queue.take(),
    "take_many": lambda queue: queue.take_many(),
    "put": lambda queue: queue.put(b"1"),
    "put for a time": lambda queue: queue.put(b"1", timeout=PATIENCE * 10),
    "put_many": lambda queue: queue.put_many([b"1", b"2"]),
    "reserve": lambda queue: queue.reserve(1),
}


def is_producer(name):
    return name.startswith(("put", "reserve"))


def prepare(make, name, **more):
    queue = make(1, 8, **more)
    if is_producer(name):
        queue.put(b"full")
    return queue


def start(queue, name, count=1):
    """Threads that wait, and the list that what they raise goes to."""
    raised = []

    def wait():
        try:
            WAITS[name](queue)
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=wait) for _ in range(count)]
    for thread in threads:
        thread.start()
    while (stats := queue.stats()).waiting_producers + stats.waiting_consumers < count:
        time.sleep(0.001)
    return threads, raised


def join(threads):
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def remove(directory):
    """As another process does: this one's library does not know."""
    os.unlink(os.path.join(directory, "cqueue.orders"))


@pytest.mark.parametrize("name", WAITS)
def test_cancel_ends_every_wait_until_it_is_reset(make, name):
    queue = prepare(make, name)
    threads, raised = start(queue, name, 3)
    queue.cancel()
    join(threads)
    assert [type(error) for error in raised] == [Cancelled] * 3
    assert (raised[0].symbol, raised[0].queue) == ("CQ_CANCELLED", "orders")
    with pytest.raises(Cancelled):
        WAITS[name](queue)
    assert queue.qsize() == is_producer(name)
    for _ in range(queue.qsize()):  # what does not wait goes on
        assert queue.get() == b"full"
    queue.reset_cancel()
    queue.put(b"1")
    with pytest.raises(Full):
        queue.put(b"2", timeout=0.001)
    with pytest.raises(Full):
        queue.reserve(1, timeout=0.001)


def test_cancel_leaves_other_handles_alone(make):
    queue, other = make(8, 64), make()
    got = []
    waiter = threading.Thread(target=lambda: got.append(other.get(timeout=PATIENCE)))
    waiter.start()
    queue.cancel()
    queue.put(b"1")
    join([waiter])
    assert got == [b"1"]


def test_cancel_ends_an_iteration(queue):
    queue.put_many([b"1", b"2"])
    got = []
    for message in queue:
        got.append(message)
        queue.cancel()
    assert got == [b"1", b"2"]


def test_a_handler_of_a_signal_may_cancel(queue):
    before = signal.signal(signal.SIGALRM, lambda number, frame: queue.cancel())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        with pytest.raises(Cancelled):
            queue.get(timeout=PATIENCE)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_batch_that_was_cancelled_says_how_much_went_in(make):
    queue = make(3, 8)
    queue.cancel()
    with pytest.raises(Cancelled) as caught:
        queue.put_many([b"%d" % i for i in range(8)])
    assert caught.value.done == 3


@pytest.mark.parametrize("name", WAITS)
def test_removing_the_queue_ends_every_wait(make, directory, name):
    queue = prepare(make, name)
    threads, raised = start(queue, name)
    remove(directory)
    join(threads)
    assert [type(error) for error in raised] == [Stale]
    assert (raised[0].symbol, raised[0].queue) == ("CQ_STALE", "orders")
    assert queue.qsize() == is_producer(name)
    for _ in range(queue.qsize()):  # what is in it can still be taken out
        assert queue.get() == b"full"


@pytest.mark.parametrize("name", ["get", "reserve"])
def test_waits_go_on_when_the_queue_was_removed_and_that_is_wanted(make, directory, name):
    queue = prepare(make, name, flags=Flags.KEEP_UNLINKED)
    remove(directory)
    threads, raised = start(queue, name)
    time.sleep(0.3)
    queue.close()
    join(threads)
    assert [type(error).__name__ for error in raised] == ["ClosedError"]


@pytest.mark.parametrize("by", [lambda queue: queue.unlink(), lambda queue: unlink("orders", queue.directory)])
@pytest.mark.parametrize("name", ["get", "reserve"])
def test_who_removes_the_queue_waits_on(make, directory, name, by):
    queue = prepare(make, name)
    by(queue)
    again = Queue("orders", 1, 8, directory=directory)  # is another one, which is not removed
    threads, raised = start(queue, name)
    time.sleep(0.3)
    queue.close()
    join(threads)
    assert [type(error).__name__ for error in raised] == ["ClosedError"]
    again.close()
