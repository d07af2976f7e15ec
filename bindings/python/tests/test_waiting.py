"""Waits sleep: they end for what they wait for, for signals and for the user, and cost nothing meanwhile."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
import threading
import time

import pytest
from conftest import PATIENCE

from cqueue_shm import Cancelled, Empty


def processor_time():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def start(target, queue, count):
    threads = [threading.Thread(target=target) for _ in range(count)]
    for thread in threads:
        thread.start()
    while queue.stats().waiting_consumers < count:
        time.sleep(0.01)
    return threads


def wakes(thread_id=None):
    with open(f"/proc/self/task/{thread_id or threading.get_native_id()}/status", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("voluntary_ctxt_switches")).split()[1])


def test_threads_that_wait_cost_nothing(make):
    queue = make(8, 8)
    ended = []

    def wait():
        try:
            queue.get()
        except Cancelled:
            ended.append(None)

    threads = start(wait, queue, 300)
    before, began = processor_time(), time.monotonic()
    time.sleep(1)
    share = (processor_time() - before) / (time.monotonic() - began)
    queue.cancel()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(ended) == 300
    assert share < 0.25, "a slice of 50 ms each would be 6,000 wakes a second"


def test_the_main_thread_sleeps_as_long_as_it_waits(queue):
    for call in (queue.get, queue.take_many, lambda timeout: queue.reserve(1, timeout=timeout)):
        if call not in (queue.get, queue.take_many):
            queue.put_many([b""] * 8)
        before = wakes()
        with pytest.raises(Exception, match="timed out"):
            call(timeout=1.2)
        # The queue itself looks around about every 100 ms. Slices of 50 ms would be 24.
        assert wakes() - before < 19


def test_a_signal_ends_the_wait_of_the_main_thread_alone(queue):
    got = []
    others = start(lambda: got.append(queue.get(timeout=PATIENCE)), queue, 3)

    class Enough(Exception):
        pass

    def handler(number, frame):
        raise Enough

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        for _ in range(5):
            timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1))
            timer.start()
            with pytest.raises(Enough):
                queue.get(timeout=PATIENCE)
            timer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert got == []
    queue.put_many([b"1", b"2", b"3"])
    for thread in others:
        thread.join(PATIENCE)
    assert sorted(got) == [b"1", b"2", b"3"]


def test_a_handler_that_returns_lets_the_wait_go_on(queue):
    handled = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: handled.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        began = time.monotonic()
        with pytest.raises(Empty):
            queue.get(timeout=0.5)
        assert time.monotonic() - began >= 0.5
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(handled) > 5


def test_a_handler_may_wait_itself(queue, make):
    other = make(8, 64, "other")
    handled = []

    def handler(number, frame):
        with pytest.raises(Empty):
            other.get(timeout=0.05)
        handled.append(number)
        queue.put(b"1")

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        assert queue.get(timeout=PATIENCE) == b"1"
    finally:
        signal.signal(signal.SIGALRM, before)
    assert handled == [signal.SIGALRM]


def test_cancelling_holds_when_a_signal_comes_too(queue):
    def handler(number, frame):
        queue.cancel()

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Cancelled):
            queue.get(timeout=PATIENCE)
        assert queue.cancelled
        with pytest.raises(Cancelled):
            queue.get(timeout=PATIENCE)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_an_event_loop_hears_of_signals_that_came_during_a_wait(queue):
    """It is told by the descriptor that the wait borrows."""

    async def main():
        heard = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, heard.set)
        timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.start()
        with pytest.raises(Empty):
            queue.get(timeout=0.2)  # as nobody should, in a loop
        await asyncio.wait_for(heard.wait(), PATIENCE)
        asyncio.get_running_loop().remove_signal_handler(signal.SIGUSR1)

    asyncio.run(main())


def test_the_descriptor_for_signals_is_given_back(queue):
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    before = signal.set_wakeup_fd(writable)
    try:
        with pytest.raises(Empty):
            queue.get(timeout=0.05)
        assert signal.set_wakeup_fd(writable) == writable
    finally:
        signal.set_wakeup_fd(before)
        os.close(readable)
        os.close(writable)


FORK = """
import os, signal, sys
from cqueue_shm import Queue
queue = Queue("orders", directory=sys.argv[1])
def handler(number, frame):
    if os.fork() == 0:
        signal.signal(signal.SIGALRM, lambda number, frame: sys.exit(3))
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        queue.get()
    os.wait()
    queue.put(b"from the parent")
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.1)
print(queue.get())
"""


def test_a_handler_may_fork_and_the_child_wait(queue, directory):
    done = subprocess.run(
        # Newer Pythons warn of forks where there are threads, and the wait has a helper.
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK, directory],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("b'from the parent'\n", "")


def test_large_batches_through_a_small_queue(make):
    """What is left is not looked at again each time: 300,000 took ten times as long as 150,000 do."""
    queue = make(16, 16)
    items = [b"%d" % i for i in range(60_000)]
    got = []

    def consume():
        while len(got) < len(items):
            got.extend(queue.get_many(timeout=PATIENCE))

    consumer = threading.Thread(target=consume)
    consumer.start()
    queue.put_many(items)
    consumer.join(PATIENCE)
    assert got == items
