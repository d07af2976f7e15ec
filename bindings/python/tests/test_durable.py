"""Durable queues: what was synced survives, whoever waits for the disk lets others run, and errors hide nothing."""

import _thread
import asyncio
import contextlib
import errno
import os
import pickle
import resource
import signal
import subprocess
import sys
import threading

import pytest
from conftest import PATIENCE

from cqueue_shm import BusyError, DiskError, Flags, InvalidError, MismatchError, Queue, TimedOut, TypedQueue
from cqueue_shm.aio import AsyncQueue


@pytest.fixture
def disk(tmp_path):
    return tmp_path / "orders"


@pytest.fixture
def durable(make, disk):
    return make(durable=True, durable_directory=disk)


def lose_memory(queue, directory):
    """As a reboot does: the region is gone, the disk is not."""
    queue.close()
    os.unlink(f"{directory}/cqueue.orders")


@contextlib.contextmanager
def a_failing_disk():
    """Nothing can be written to files; Python ignores the signal."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_was_synced_comes_back(make, durable, disk, directory):
    durable.put(b"kept")
    durable.put(b"gone")
    assert durable.get() == b"kept"
    durable.put_many([b"1", b"2", b"3"])
    durable.sync()
    stats = durable.stats()
    assert stats.durable
    assert stats.unsynced == 0
    assert stats.disk_error == 0
    assert stats.flushes_done >= 1
    assert stats.segments >= 1
    assert stats.disk_bytes > 0
    assert durable.durable_directory == str(disk)
    lose_memory(durable, directory)

    again = make(durable_directory=disk)
    assert again.stats().recovered == 4
    with again.take() as message:
        assert message.tobytes() == b"gone"
        assert message.deliveries >= 2
    assert again.get_many() == [b"1", b"2", b"3"]


def test_the_durable_directory_is_beside_the_queue_unless_named(tmp_path):
    with Queue("orders", 8, 64, directory=tmp_path, durable=True) as queue:
        assert queue.durable_directory == str(tmp_path / "cqueue.orders.d")
        queue.sync()


def test_with_sync_each_call_is_on_the_disk(make, disk, directory):
    queue = make(sync=True, durable_directory=disk)
    queue.put(b"a")
    queue.put_many([b"b", b"c"])
    with queue.reserve(1) as place:
        place.data[:] = b"d"
    assert queue.get() == b"a"
    with queue.take() as message:
        assert message.tobytes() == b"b"
    assert queue.stats().unsynced == 0
    lose_memory(queue, directory)
    assert make(durable_directory=disk).get_many() == [b"c", b"d"]


SLOW_DISK = """
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int fdatasync(int file)
{
    char byte = 0;
    (void)file;
    if (getenv("ASK")) {
        struct pollfd answer = {atoi(getenv("ANSWER")), POLLIN, 0};
        if (write(atoi(getenv("ASK")), &byte, 1) != 1)
            return -1;
        if (poll(&answer, 1, 5000) != 1)
            _exit(dprintf(2, "no other thread ran\\n"));
        return read(answer.fd, &byte, 1) == 1 ? 0 : -1;
    }
    return 0;
}
"""

CALLS_THAT_SYNC = """
import os, sys, threading
from cqueue_shm import Queue
queue = Queue("orders", directory=sys.argv[1], durable_directory=sys.argv[2], sync=True)
queue.put_many([b"x"] * 100)
asked, ask = os.pipe()
answer, answering = os.pipe()
os.environ.update(ASK=str(ask), ANSWER=str(answer))
answered, unasked = 0, []

def work():
    for name, call in {
        "put": lambda: queue.put(b"a"),
        "put_many": lambda: queue.put_many([b"a", b"b"]),
        "get": lambda: queue.get(),
        "get_into": lambda: queue.get_into(bytearray(1)),
        "get_many": lambda: queue.get_many(2),
        "commit": lambda: queue.reserve(1).commit(),
        "release": lambda: queue.take().release(),
        "give_back": lambda: queue.take().give_back(),
        "sync": lambda: queue.sync(),
    }.items():
        before = answered
        call()
        if answered == before:
            unasked.append(name)
    os.close(ask)

threading.Thread(target=work).start()
while os.read(asked, 1):
    answered += 1
    os.write(answering, b".")
del os.environ["ASK"]
print(unasked)
"""


def test_others_run_while_a_call_waits_for_the_disk(directory, disk, tmp_path):
    """The disk is ready once the main thread has run. If it does not get the GIL that takes 5 seconds."""
    shim = tmp_path / "slow.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, "-x", "c", "-"], input=SLOW_DISK, text=True, check=True)
    preload = f"{os.environ.get('LD_PRELOAD', '')} {shim}".strip()
    done = subprocess.run(
        [sys.executable, "-c", CALLS_THAT_SYNC, directory, disk],
        env={**os.environ, "LD_PRELOAD": preload},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_queue_without_a_disk_says_so(make, queue):
    assert queue.durable_directory is None
    assert not queue.stats().durable
    with pytest.raises(InvalidError):
        queue.sync()
    with pytest.raises(MismatchError):
        make(durable=True)


def test_a_sync_has_time_and_can_be_ended(durable):
    durable.put(b"a")
    durable.sync(timeout=10)
    with pytest.raises(ValueError, match="non-negative"):
        durable.sync(timeout=-1)
    durable.cancel()
    durable.reset_cancel()
    durable.sync()


def test_a_failing_disk_is_named_and_hides_nothing(make, disk):
    queue = make(sync=True, durable_directory=disk)
    queue.put_many([b"a", b"b", b"c", b"d", b"e"])
    buffer = bytearray(b"    ")
    with a_failing_disk():
        with pytest.raises(DiskError) as failure:
            queue.put(b"f")
        assert failure.value.symbol == "CQ_EIO"
        assert failure.value.errno == errno.EIO
        with pytest.raises(DiskError) as failure:
            queue.get()
        assert failure.value.data == b"a"
        with pytest.raises(DiskError) as failure:
            queue.get_many(2)
        assert failure.value.data == [b"b", b"c"]
        with pytest.raises(OSError):  # which one the system's limit is, is the core's to say
            queue.sync()
        assert queue.stats().disk_error < 0
        with pytest.raises(DiskError) as failure:
            queue.get_into(buffer)
        assert (buffer, failure.value.data) == (b"d   ", 1)
        message = queue.take()
        with pytest.raises(DiskError):
            message.release()
        assert not message.held
        place = queue.reserve(1)
        place.data[:] = b"g"
        with pytest.raises(DiskError):
            place.commit()
        assert not place.held
        with pytest.raises(DiskError) as failure:
            queue.put_many([b"h", b"i"])
        assert failure.value.done == 2
    queue.sync()
    assert queue.stats().disk_error == 0
    assert queue.get_many() == [b"f", b"g", b"h", b"i"]


def test_one_of_a_batch_that_fails_keeps_no_other(make, disk):
    queue = make(sync=True, durable_directory=disk)
    queue.put_many([b"a", b"b", b"c", b"d"])
    with a_failing_disk():
        batch = queue.take_many(2)
        with pytest.raises(DiskError):
            batch.release()
        assert not any(message.held for message in batch)
        with pytest.raises(DiskError), queue.take_many(2) as batch:
            pass
        assert not any(message.held for message in batch)
    assert queue.empty()


def test_a_typed_queue_keeps_what_it_could_not_sync(make, disk):
    queue = make(10, 100, kind=TypedQueue, durable_directory=disk, sync=True)
    queue.put_many([{"id": 7}, {"id": 8}, {"id": 9}])
    with a_failing_disk():
        with pytest.raises(DiskError) as failure:
            queue.get()
        assert failure.value.data == {"id": 7}
        with pytest.raises(DiskError) as failure:
            queue.get_many()
        assert failure.value.data == [{"id": 8}, {"id": 9}]
    assert queue.empty()


def test_a_region_that_is_in_use_keeps_its_directory(make, durable, disk, directory):
    durable.put(b"a")
    durable.sync()
    os.unlink(f"{directory}/cqueue.orders")
    with pytest.raises(BusyError) as failure:
        make(durable_directory=disk)
    assert failure.value.symbol == "CQ_EBUSY"


def test_a_pickled_queue_is_as_durable(make, disk, directory):
    queue = make(sync=True, durable_directory=disk)
    with pickle.loads(pickle.dumps(queue)) as other:
        assert other._settings.flags & Flags.SYNC
        other.put(b"a")
        assert queue.stats().unsynced == 0
        assert other.durable_directory == str(disk)


def test_a_signal_comes_through(durable):
    """Syncs go on and on in this thread, until a handler raises in one of them or between two."""
    timer = threading.Timer(0.2, _thread.interrupt_main, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        for _ in range(100_000):
            durable.put(b"a")
            durable.sync(timeout=60)
            durable.get()
    timer.join()


def test_tasks_await_a_sync(durable):
    async def main():
        async with AsyncQueue(durable) as queue:
            await queue.put_many([b"a", b"b"])
            await asyncio.gather(*(queue.sync() for _ in range(10)))
            return durable.stats().unsynced

    assert asyncio.run(main()) == 0


def test_it_timed_out():
    assert issubclass(TimedOut, TimeoutError)
