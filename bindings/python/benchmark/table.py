"""The table of bench: rows are what is done, columns who does it. Rounds are interleaved; medians, and the spread."""

import asyncio
import multiprocessing
import os
import queue
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from cqueue_shm import Queue
from cqueue_shm.aio import AsyncQueue

REFERENCE = sys.argv[1]
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
ROWS = sys.argv[3] if len(sys.argv) > 3 else ""
MESSAGE = bytes(56)
DIRECTORY = tempfile.mkdtemp(prefix="cqueue-bench-", dir="/dev/shm")


def in_c(what):
    return lambda: int(subprocess.run([REFERENCE, what], capture_output=True, text=True, check=True).stdout)


def each(work, count):
    """Nanoseconds a call of work(count)."""

    def measure():
        start = time.perf_counter_ns()
        work(count)
        return (time.perf_counter_ns() - start) / count

    return measure


def make(name, capacity=1024):
    return Queue(name, capacity, 64, directory=DIRECTORY)


# ---- one thread


def copies(q):
    def work(count):
        for _ in range(count):
            q.put(MESSAGE)
            q.get()

    return work


def loans(q):
    def work(count):
        for _ in range(count):
            q.put(MESSAGE)
            with q.take():
                pass

    return work


def loans_released(q):
    def work(count):
        for _ in range(count):
            q.put(MESSAGE)
            q.take().release()

    return work


def locks(count):
    """What a `with` costs by itself."""
    lock = threading.Lock()
    for _ in range(count):
        with lock:
            pass


def loans_with_data(q):
    def work(count):
        for _ in range(count):
            q.put(MESSAGE)
            with q.take() as message:
                message.data  # noqa: B018

    return work


def batches(q):
    def work(count):
        items = [MESSAGE] * 64
        for _ in range(count // 64):
            q.put_many(items)
            q.get_many(64)

    return work


def lengths(q):
    def work(count):
        for _ in range(count):
            q.qsize()

    return work


def large_batch(count):
    q = make("large", 16)
    items, got = [MESSAGE] * count, 0

    def consume():
        nonlocal got
        while got < count:
            got += len(q.get_many())

    consumer = threading.Thread(target=consume)
    consumer.start()
    q.put_many(items)
    consumer.join()
    q.close()


# ---- there and back


def between_threads(there, back):
    def measure(count=3000):
        def answer():
            for _ in range(count):
                back.put(there.get())

        thread = threading.Thread(target=answer)
        thread.start()
        start = time.perf_counter_ns()
        for _ in range(count):
            there.put(MESSAGE)
            back.get()
        took = (time.perf_counter_ns() - start) / count
        thread.join()
        return took

    return measure


def forked(answer):
    child = os.fork()
    if child == 0:
        answer()
        os._exit(0)
    return child


def between_processes(there, back):
    def measure(count=3000):
        def answer():
            for _ in range(count):
                back.put(there.get())
            if hasattr(back, "join_thread"):  # what multiprocessing's thread has not sent yet
                back.close()
                back.join_thread()

        child = forked(answer)
        start = time.perf_counter_ns()
        for _ in range(count):
            there.put(MESSAGE)
            back.get()
        took = (time.perf_counter_ns() - start) / count
        os.waitpid(child, 0)
        return took

    return measure


def multiprocessing_between_processes():
    context = multiprocessing.get_context("fork")
    return between_processes(context.Queue(), context.Queue())()


class Ends:
    """One direction of a Unix socket, as a queue has it."""

    def __init__(self, into, out):
        self.put, self.get = into.send, lambda: out.recv(64)


def socket_between_processes():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        # What is sent at one end is received at the other.
        return between_processes(Ends(ours, theirs), Ends(theirs, ours))()


def between_loops(put_and_get, get_and_put, count=2000):
    async def answer():
        for _ in range(count):
            await get_and_put()

    async def ask():
        start = time.perf_counter_ns()
        for _ in range(count):
            await put_and_get()
        return (time.perf_counter_ns() - start) / count

    child = forked(lambda: asyncio.run(answer()))
    took = asyncio.run(ask())
    os.waitpid(child, 0)
    return took


def queues_between_loops():
    there, back = AsyncQueue(make("loop-there")), AsyncQueue(make("loop-back"))

    async def ours():
        await there.put(MESSAGE)
        await back.get()

    async def theirs():
        await back.put(await there.get())

    took = between_loops(ours, theirs)
    there.close()
    back.close()
    return took


def sockets_between_loops():
    pair = socket.socketpair()
    for end in pair:
        end.setblocking(False)

    async def ours():
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(pair[0], MESSAGE)
        await loop.sock_recv(pair[0], 64)

    async def theirs():
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(pair[1], await loop.sock_recv(pair[1], 64))

    took = between_loops(ours, theirs)
    for end in pair:
        end.close()
    return took


def one_loop(kind):
    def measure(count=2000):
        async def main():
            there, back = kind("one-there"), kind("one-back")

            async def answer():
                for _ in range(count):
                    await back.put(await there.get())

            task = asyncio.create_task(answer())
            start = time.perf_counter_ns()
            for _ in range(count):
                await there.put(MESSAGE)
                await back.get()
            took = (time.perf_counter_ns() - start) / count
            await task
            return took

        return asyncio.run(main())

    return measure


# ---- waiting


def waiting_threads(q, put):
    """Thousandths of a core that 2,000 threads use which wait."""

    def measure():
        threads = [threading.Thread(target=q.get) for _ in range(2000)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        before = resource.getrusage(resource.RUSAGE_SELF)
        time.sleep(2)
        after = resource.getrusage(resource.RUSAGE_SELF)
        for _ in threads:
            put(q)
        for thread in threads:
            thread.join()
        return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / 2 * 1000

    return measure


def many_handles():
    q = make("handles")
    others = [make("handles") for _ in range(1000)]
    took = each(lengths(q), 1000)()
    for other in others:
        other.close()
    q.close()
    return took


def rows():
    q, local, shared = make("one"), queue.Queue(), multiprocessing.get_context("fork").Queue()
    pair = make("there"), make("back")
    ns, us = 1, 1000
    return [
        ("put, get", ns, {"C": in_c("copy"), "cqueue": each(copies(q), 50_000),
                          "queue.Queue": each(copies(local), 50_000), "multiprocessing": each(copies(shared), 5000)}),
        ("put, take().release()", ns, {"C": in_c("loan"), "cqueue": each(loans_released(q), 50_000)}),
        ("put, with take()", ns, {"C": in_c("loan"), "cqueue": each(loans(q), 50_000)}),
        ("with a lock", ns, {"threading.Lock": each(locks, 50_000)}),
        ("put, with take(), data", ns, {"cqueue": each(loans_with_data(q), 50_000)}),
        ("put_many, get_many of 64, each", ns, {"cqueue": each(batches(q), 64_000)}),
        ("qsize()", ns, {"cqueue": each(lengths(q), 20_000), "queue.Queue": each(lengths(local), 20_000)}),
        ("qsize(), 1,000 handles", ns, {"cqueue": many_handles}),
        ("put_many(150,000) by 16, each", ns, {"cqueue": each(large_batch, 150_000)}),
        ("put_many(300,000) by 16, each", ns, {"cqueue": each(large_batch, 300_000)}),
        ("threads, there and back, us", us, {"C": in_c("threads"), "cqueue": between_threads(*pair),
                                             "queue.Queue": between_threads(queue.Queue(), queue.Queue())}),
        ("processes, there and back, us", us, {"C": in_c("processes"), "cqueue": between_processes(*pair),
                                               "multiprocessing": multiprocessing_between_processes,
                                               "Unix socket": socket_between_processes}),
        ("asyncio, two processes, us", us, {"cqueue": queues_between_loops, "Unix socket": sockets_between_loops}),
        ("asyncio, one loop, us", us, {"cqueue": one_loop(lambda name: AsyncQueue(make(name))),
                                       "asyncio.Queue": one_loop(lambda name: asyncio.Queue())}),
        ("2,000 waiting threads, % of a core", 10, {"cqueue": waiting_threads(q, lambda q: q.put(MESSAGE)),
                                                    "queue.Queue": waiting_threads(local, lambda q: q.put(MESSAGE))}),
    ]  # fmt: skip


def main():
    columns = ["C", "cqueue", "queue.Queue", "multiprocessing", "Unix socket", "asyncio.Queue", "threading.Lock"]
    print(f"| ns, unless it says otherwise; median of {ROUNDS} (least to most) | {' | '.join(columns)} |")
    print("|---" * (len(columns) + 1) + "|")
    for name, unit, who in rows():
        if ROWS not in name:
            continue
        found = {column: [] for column in who}
        for _ in range(ROUNDS):
            for column, measure in who.items():
                found[column].append(measure() / unit)
        cells = [
            f"{statistics.median(found[c]):.4g} ({min(found[c]):.3g} to {max(found[c]):.3g})" if c in found else ""
            for c in columns
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


try:
    main()
finally:
    shutil.rmtree(DIRECTORY)
