"""Queue has the vocabulary of queue.Queue, and its messages are bytes."""

import os
import pathlib
import queue as standard
import subprocess
import sys
import threading
import time

import pytest
from conftest import PATIENCE

from cqueue_shm import Empty, Flags, Full, MismatchError, TooBigError, TooSmallError, unlink


def test_messages_come_out_as_they_went_in(queue):
    for message in (b"", b"a", b"\0", bytes(range(64))):
        queue.put(message)
    assert [queue.get() for _ in range(4)] == [b"", b"a", b"\0", bytes(range(64))]


def test_put_and_get_say_full_and_empty_without_waiting(make):
    queue = make(2, 8)
    queue.put_nowait(b"1")
    queue.put(b"2", block=False)
    for refused in (lambda: queue.put_nowait(b"3"), lambda: queue.put(b"3", False)):
        with pytest.raises(standard.Full):
            refused()
    assert (queue.get_nowait(), queue.get(block=False)) == (b"1", b"2")
    for refused in (queue.get_nowait, lambda: queue.get(False)):
        with pytest.raises(standard.Empty):
            refused()


def test_a_wait_ends_after_its_time(make):
    queue = make(1, 8)
    start = time.monotonic()
    with pytest.raises(Empty, match='^"orders": no message is waiting: timed out$'):
        queue.get(timeout=0.12)
    queue.put(b"1")
    with pytest.raises(Full, match='^"orders": the queue is full: timed out$'):
        queue.put(b"2", timeout=0.12)
    with pytest.raises(Full):
        queue.reserve(1, timeout=0.12)
    assert time.monotonic() - start >= 0.36


def test_a_wait_in_another_thread_ends_after_its_time(queue):
    took = []

    def wait():
        start = time.monotonic()
        with pytest.raises(Empty):
            queue.get(timeout=0.12)
        took.append(time.monotonic() - start)

    waiting = threading.Thread(target=wait)
    waiting.start()
    waiting.join(PATIENCE)
    assert len(took) == 1
    assert took[0] >= 0.12


@pytest.mark.parametrize("call", ["get", "take"])
def test_a_waiting_consumer_gets_what_comes(queue, call):
    waiting = threading.Thread(target=wait_until_waiting_then, args=(queue, "waiting_consumers", queue.put, b"late"))
    waiting.start()
    got = getattr(queue, call)(timeout=PATIENCE)
    assert bytes(got if call == "get" else got.data) == b"late"
    waiting.join()


def test_a_waiting_producer_gets_the_room_that_is_made(make):
    queue = make(1, 8)
    queue.put(b"1")
    making_room = threading.Thread(target=wait_until_waiting_then, args=(queue, "waiting_producers", queue.get))
    making_room.start()
    queue.put(b"2", timeout=PATIENCE)
    making_room.join()
    assert queue.get_nowait() == b"2"


def wait_until_waiting_then(queue, who, call, *arguments):
    while getattr(queue.stats(), who) == 0:
        time.sleep(0.001)
    call(*arguments)


@pytest.mark.parametrize("timeout", [-1, -0.001, float("-inf"), float("nan")])
def test_a_time_that_is_none_is_refused(queue, timeout):
    for call in (queue.get, queue.take, lambda timeout: queue.put(b"", timeout=timeout)):
        with pytest.raises(ValueError):
            call(timeout=timeout)


def test_an_endless_time_is_one(queue):
    queue.put(b"1", timeout=float("inf"))
    assert queue.get(timeout=1e300) == b"1"


def test_sizes_and_facts(make):
    queue = make(3, 64)
    assert (queue.name, queue.maxsize, queue.capacity, queue.max_message_size) == ("orders", 3, 3, 64)
    assert (queue.qsize(), queue.empty(), queue.full()) == (0, True, False)
    for message in (b"1", b"2", b"3"):
        queue.put(message)
    assert (queue.qsize(), queue.empty(), queue.full()) == (3, False, True)
    queue.get()
    stats = queue.stats()
    assert (stats.capacity, stats.max_message_size, stats.length) == (3, 64, 2)
    assert (stats.enqueued, stats.dequeued, stats.participants, stats.unlinked) == (3, 1, 1, 0)


def test_a_returned_message_does_not_make_the_queue_full(make):
    queue = make(1, 8)
    queue.put(b"1")
    queue.take().give_back()
    assert (queue.qsize(), queue.full()) == (1, False)


def test_batches(make):
    queue = make(100, 64)
    queue.put_many(f"{i}".encode() for i in range(70))
    assert queue.get_many() == [f"{i}".encode() for i in range(64)]
    assert queue.get_many(3) == [b"64", b"65", b"66"]
    assert queue.get_many(1) == [b"67"]
    assert queue.get_many(1000) == [b"68", b"69"]
    queue.put_many([])
    with pytest.raises(Empty):
        queue.get_many(block=False)
    with pytest.raises(ValueError, match="'count'"):
        queue.get_many(0)


def test_a_batch_that_does_not_fit_says_how_much_did(make):
    queue = make(5, 8)
    queue.put(b"0")
    with pytest.raises(Full) as caught:
        queue.put_many([b"1", b"2", b"3", b"4", b"5", b"6"], block=False)
    assert caught.value.done == 4
    with pytest.raises(Full) as caught:
        queue.put_many([b"5", b"6"], timeout=0.01)
    assert caught.value.done == 0
    assert queue.get_many() == [b"0", b"1", b"2", b"3", b"4"]


def test_a_batch_waits_for_room(make):
    queue = make(2, 8)
    messages = [f"{i}".encode() for i in range(200)]
    sending = threading.Thread(target=queue.put_many, args=(messages,))
    sending.start()
    got = []
    while len(got) < 200:
        got += queue.get_many(3, timeout=PATIENCE)
    sending.join()
    assert got == messages


def test_a_batch_with_one_too_big_sends_none(queue):
    with pytest.raises(TooBigError, match="a message of 65 bytes, the region takes 64 at most"):
        queue.put_many([b"1", bytes(65)])
    assert queue.empty()


def test_a_batch_of_messages_larger_than_its_buffer(make):
    queue = make(8, 1 << 20)
    messages = [b"small", bytes(1 << 20), b"x" * 500_000, b"last"]
    queue.put_many(messages)
    got = []
    while len(got) < 4:
        got += queue.get_many(timeout=PATIENCE)
    assert got == messages


def test_large_messages_are_copied_whole(make):
    queue = make(4, 3 << 20)
    message = bytes(range(256)) * (3 << 12)
    queue.put(message)
    assert queue.get() == message


def test_get_into(queue):
    queue.put(b"abc")
    small = bytearray(2)
    with pytest.raises(
        TooSmallError, match="the message has 3 bytes, more than the buffer: it is still queued"
    ) as caught:
        queue.get_into(small)
    assert (caught.value.needed, small) == (3, bytearray(2))
    buffer = bytearray(b"------")
    assert queue.get_into(memoryview(buffer)[1:]) == 3
    assert buffer == b"-abc--"
    with pytest.raises(Empty):
        queue.get_into(buffer, timeout=0.01)
    with pytest.raises(BufferError):
        queue.get_into(b"read-only")


def test_iteration_goes_on_until_the_queue_is_closed(queue):
    queue.put_many([b"1", b"2", b"3"])
    got = []
    for message in queue:
        got.append(message)
        if message == b"3":
            queue.close()
    assert got == [b"1", b"2", b"3"]


def test_walking_takes_nothing(queue):
    queue.put_many([b"1", b"", b"3"])
    message = queue.take()
    message.give_back()
    walked = queue.walk()
    assert [(waiting.data, waiting.deliveries) for waiting in walked] == [(b"1", 2), (b"", 1), (b"3", 1)]
    assert walked[0].position == message.position
    assert queue.walk(2) == walked[:2]
    assert queue.walk(0) == []
    assert queue.qsize() == 3


def test_several_handles_are_one_queue(make, queue):
    other = make()
    assert (other.capacity, other.max_message_size) == (8, 64)
    queue.put(b"1")
    assert other.get() == b"1"
    with pytest.raises(MismatchError):
        make(9)
    assert queue.stats().participants == 2
    other.close()
    assert queue.stats().participants == 1


def test_looking_on(make, queue):
    queue.put(b"1")
    onlooker = make(flags=Flags.READ_ONLY)
    assert [waiting.data for waiting in onlooker.walk()] == [b"1"]
    assert onlooker.qsize() == 1
    assert queue.stats().participants == 1


def test_unlinking(make, queue, directory):
    queue.put(b"1")
    queue.unlink()
    assert queue.stats().unlinked == 1
    assert queue.get() == b"1"
    with pytest.raises(FileNotFoundError):
        make(flags=Flags.ATTACH)
    with pytest.raises(FileNotFoundError):
        unlink("orders", directory)
    unlink("orders", directory, missing_ok=True)


def test_it_says_what_it_is(queue):
    assert repr(queue) == "<Queue 'orders': 8 messages of 64 bytes>"
    queue.close()
    assert repr(queue) == "<Queue 'orders': closed>"


def test_so_many_messages_may_be_held_as_were_asked_for(make):
    assert make(4, 64, max_held=5000).stats().max_held >= 5000


def test_memory_is_limited_reserved_and_given_back(make):
    queue = make(100_000, 1000, max_memory=4 << 20, reserve=1 << 20)
    assert (queue.stats().max_memory, queue.stats().reserve) == (4 << 20, 1 << 20)
    assert queue.stats().memory >= 1 << 20
    count = 0
    with pytest.raises(Full):
        while True:
            queue.put_nowait(b"x" * 1000)
            count += 1
    assert 1000 < count < 5000
    assert queue.stats().memory <= 4 << 20
    for _ in range(count):
        queue.get_nowait()
    assert queue.trim() > 1 << 20
    assert queue.stats().memory < 5 << 19


HOLD = """
import sys
from cqueue_shm import Queue
queue = Queue("orders", directory=sys.argv[1])
held = queue.take()
print(flush=True)
sys.stdin.read()
"""


def test_participants(make, queue, directory):
    queue.put(b"1")
    before = time.time_ns()
    command = [sys.executable, "-c", HOLD, directory]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        waiter = threading.Thread(target=lambda: queue.get(timeout=PATIENCE))
        waiter.start()
        while queue.stats().waiting_consumers == 0:
            time.sleep(0.001)
        reservation = queue.reserve(8)
        assert len(make(flags=Flags.READ_ONLY).participants()) == 2
        waiting, holding = sorted(queue.participants(), key=lambda participant: participant.held)
        stats = queue.stats()
        reservation.abort()
        queue.put(b"2")
        waiter.join()
        other.kill()
    assert (waiting.pid, holding.pid) == (os.getpid(), other.pid)
    assert waiting.id != holding.id
    assert (waiting.alive, holding.alive) == (True, True)
    assert (waiting.held, holding.held, stats.held) == (0, 1, 1)
    assert (waiting.writing, holding.writing, stats.writing) == (1, 0, 1)
    assert (waiting.waiting_consumers, holding.waiting_consumers) == (1, 0)
    assert (waiting.waiting_producers, holding.waiting_producers) == (0, 0)
    second = 10**9  # clocks are read coarsely
    assert before - second < waiting.waiting_since < time.time_ns() + second
    assert holding.waiting_since == 0
    assert pathlib.Path(sys.executable).resolve().name.startswith(holding.command)
    assert holding.command


def test_recovery_finds_nothing_among_the_living(queue):
    found = queue.recover()
    assert (found.participants, found.slots, found.messages, found.nodes) == (0, 0, 0, 0)
