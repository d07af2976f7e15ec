"""Whatever is done many times leaves memory, descriptors and participants where they were."""

import gc
import os

import pytest
from conftest import LONG

from cqueue_shm import Empty, NotFoundError, Queue
from cqueue_shm.errors import CqueueError

ROUNDS = 10 if LONG else 1


def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def check(work, count, allowed):
    """`work` once more or `count` times more: the same. `allowed`: bytes for what the allocator keeps."""
    for _ in range(count // 10):
        work()
    gc.collect()
    before = resident(), descriptors()
    for _ in range(count):
        work()
    gc.collect()
    assert descriptors() == before[1]
    assert resident() - before[0] < allowed


def test_opening_and_closing(make, directory):
    """50,000 times with --long."""
    keeper = make(8, 64)

    def work():
        queue = Queue("orders", directory=directory)
        queue.put(b"1")
        queue.take()
        queue.close()
        keeper.get()

    check(work, 5000 * ROUNDS, 1 << 20)
    assert keeper.stats().participants == 1


def test_opening_and_dropping(make, directory):
    keeper = make(8, 64)
    check(lambda: Queue("orders", directory=directory).qsize(), 1000 * ROUNDS, 1 << 20)
    assert keeper.stats().participants == 1


def test_descriptors(make, directory):
    make(8, 64)

    def work():
        with Queue("orders", directory=directory) as queue:
            queue.fileno()
            queue.room_fileno()

    check(work, 100 * ROUNDS, 1 << 20)


def test_loans(queue):
    """A million times with --long."""

    def work():
        with queue.reserve(32) as reservation:
            reservation.data[:] = bytes(32)
        with queue.take() as message:
            message.data[0]
        queue.reserve(32)  # dropped
        queue.put(b"1")
        queue.take()  # dropped
        queue.take().release()
        queue.put(b"1")
        queue.take().data[1:].release()
        queue.take().release()

    check(work, 20_000 * ROUNDS, 1 << 20)
    assert queue.stats().length == 0


def test_messages(make):
    queue = make(100, 1 << 19)
    items = [bytearray(10), b"x" * 1000, memoryview(bytes(300_000))]

    def work():
        queue.put_many(items)
        queue.get()
        queue.get_many()
        queue.put(items[2])
        queue.walk()
        while not queue.empty():
            queue.get()

    check(work, 300 * ROUNDS, 8 << 20)


def test_batches(make):
    queue = make(64, 64)
    items = [b"%060d" % i for i in range(64)]

    def work():
        queue.put_many(items)
        assert len(queue.get_many()) == 64
        queue.put_many(map(bytearray, items))
        assert len(queue.walk()) == len(queue.get_many()) == 64

    check(work, 1000 * ROUNDS, 1 << 20)


def test_failures(queue, directory):
    def work():
        for call in (
            lambda: queue.put(bytes(65)),
            lambda: queue.put_many([bytes(1), bytes(65)]),
            lambda: queue.put_many([bytearray(1), None]),
            lambda: queue.get_nowait(),
            lambda: queue.get_into(bytearray(1), block=False),
            lambda: queue.reserve(65),
            lambda: Queue("none", flags=2, directory=directory),
            lambda: Queue("", directory=directory),
        ):
            with pytest.raises((CqueueError, TypeError)):
                call()

    check(work, 1000 * ROUNDS, 1 << 20)
    with pytest.raises(NotFoundError):
        Queue("none", flags=2, directory=directory)
    with pytest.raises(Empty):
        queue.get_nowait()
