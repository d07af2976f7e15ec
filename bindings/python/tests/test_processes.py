"""Other processes: spawned ones get the queue by pickling, forked ones open their own, killed ones lose nothing."""

import copy
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time

import pytest
from conftest import PATIENCE

from cqueue_shm import Flags, NotFoundError, Queue, ReadOnlyError, _raw, unlink
from cqueue_shm.objects import ObjectQueue


def test_a_pickled_queue_is_another_handle_on_it(make, queue, directory, monkeypatch):
    again = pickle.loads(pickle.dumps(queue))
    queue.put(b"1")
    assert (again.name, again.directory, again.capacity) == ("orders", directory, 8)
    assert again.get() == b"1"
    assert queue.stats().participants == 2
    again.close()
    queue.unlink()
    with pytest.raises(NotFoundError):
        copy.copy(queue)


def test_pickling_keeps_what_matters(make, queue, directory, monkeypatch):
    monkeypatch.chdir(directory)
    relative = Queue("orders", directory=".")
    dumped = pickle.dumps(relative)
    monkeypatch.chdir("/")
    with relative, pickle.loads(dumped) as again:
        assert again.directory == directory
    with pickle.loads(pickle.dumps(make(flags=Flags.READ_ONLY))) as onlooker, pytest.raises(ReadOnlyError):
        onlooker.get()
    with pickle.loads(pickle.dumps(make(kind=ObjectQueue))) as objects:
        assert type(objects) is ObjectQueue


def double_everything(queue, results):
    for message in iter(lambda: queue.get(timeout=PATIENCE), b""):
        results.put(message * 2)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_process_is_handed_the_queue(make, queue, method):
    results = make(8, 64, "results")
    queue.fileno()  # with a helper thread, and a message in place
    results.put(b"held")
    held = results.take()
    process = multiprocessing.get_context(method).Process(target=double_everything, args=(queue, results))
    process.start()
    queue.put_many([b"1", b"2", b""])
    assert [results.get(timeout=PATIENCE) for _ in range(2)] == [b"11", b"22"]
    process.join()
    assert process.exitcode == 0
    held.give_back()
    assert results.take().deliveries == 2


def in_a_forked_child(check):
    """Run check() in a forked child; what it returned, or how the child ended."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writable, repr(check()).encode())
        except BaseException as error:
            os.write(writable, f"{type(error).__name__}: {error}".encode())
        os._exit(0)
    os.close(writable)
    with open(readable, "rb") as answer:
        text = answer.read().decode()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return text if status == 0 else f"the child ended with {status}"


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (lambda queue: queue.put(b"2"), "None"),
        (lambda queue: queue.get(), "b'1'"),
        (lambda queue: queue.put_many([b"2"]), "None"),
        (lambda queue: queue.get_many(), "[b'1']"),
        (lambda queue: queue.take().tobytes(), "b'1'"),
        (lambda queue: queue.reserve(1).commit(), "None"),
        (lambda queue: queue.stats().participants, "2"),
        (lambda queue: queue.qsize(), "1"),
        (lambda queue: len(queue.walk()), "1"),
        (lambda queue: queue.fileno() > 2, "True"),
        (lambda queue: queue.cancel(), "None"),
    ],
)
def test_a_forked_child_opens_its_own_at_the_first_use(queue, call, answer):
    queue.put(b"1")
    assert in_a_forked_child(lambda: call(queue)) == answer
    queue.recover()
    assert queue.stats().participants == 1


def test_threads_of_a_forked_child_open_one(queue):
    def check():
        threads = [threading.Thread(target=queue.put, args=(b"1",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return queue.stats().participants, queue.qsize()

    assert in_a_forked_child(check) == "(2, 8)"


def test_a_fork_while_other_threads_wait(make, queue):
    """Their calls are under way in the child for ever, and do not keep it from using and closing the queue."""
    waiting = [threading.Thread(target=queue.get) for _ in range(3)]
    for thread in waiting:
        thread.start()
    while queue.stats().waiting_consumers < 3:
        time.sleep(0.001)

    def check():
        queue.put_many([b"1", b"2", b"3"])
        with queue.take() if queue.qsize() > 9 else queue:
            return queue.stats().participants

    assert in_a_forked_child(check) == "2"
    for thread in waiting:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_a_forked_child_uses_no_other_queue_of_that_name(queue, directory):
    def check():
        unlink("orders", directory)
        with Queue("orders", directory=directory):
            return queue.qsize()

    assert in_a_forked_child(check).startswith('Stale: "orders": the queue was removed')
    unlink("orders", directory)
    assert in_a_forked_child(lambda: queue.qsize()).startswith('NotFoundError: "orders"')


def test_a_raw_handle_refuses_in_a_forked_child(queue, directory):
    raw = _raw.Handle()
    config = bytearray(_raw.sizeof_cq_config)
    path = directory.encode()
    _raw.cq_config_directory_set(config, path)
    assert _raw.cq_open("orders", config, raw) == _raw.CQ_OK
    assert in_a_forked_child(lambda: _raw.cq_enqueue(raw, b"")) == str(_raw.CQ_EFORK)


def test_a_forked_child_closes_only_its_copy(queue, directory):
    queue.put(b"1")
    message = queue.take()

    def check():
        queue.close()
        with Queue("orders", directory=directory) as own:
            own.put(b"from the child")
            return queue.closed, own.stats().participants

    assert in_a_forked_child(check) == "(True, 2)"
    assert message.data == b"1"
    message.release()
    assert queue.get() == b"from the child"
    assert queue.stats().participants == 1


def test_loans_are_dead_in_a_forked_child(queue):
    """The region is not mapped there: touching it would end the child."""
    queue.put_many([b"abcd", b"x" * 64])
    message, other = queue.take(), queue.take()
    view, part, whole = message.data, other.data[1:], memoryview(other)

    def check():
        dead = []
        for look in (lambda: view[0], lambda: message.data, lambda: other.data, message.release):
            try:
                look()
            except (ValueError, RuntimeError) as error:
                dead.append(type(error).__name__)
        return dead, message.held, bytes(part) == bytes(63), bytes(whole) == bytes(64)

    assert in_a_forked_child(check) == "(['ValueError', 'ValueError', 'ValueError', 'ForkError'], False, True, True)"
    assert (view[0], part[0], whole[0]) == (ord("a"), ord("x"), ord("x"))
    part.release()
    whole.release()


def test_multiprocessing_by_fork(make, queue):
    """What is opened in the child is of the child."""
    process = multiprocessing.get_context("fork").Process(target=open_and_put, args=(queue.name, queue.directory))
    process.start()
    assert queue.get(timeout=PATIENCE) == b"from the child"
    process.join()
    assert process.exitcode == 0


def open_and_put(name, directory):
    with Queue(name, directory=directory) as queue:
        queue.put(b"from the child")


HOLD = """
import sys, time
from cqueue_shm import Queue
queue = Queue("orders", directory=sys.argv[1])
held = queue.take()
room = queue.reserve(8)
print(bytes(held.data).decode(), flush=True)
time.sleep(3600)
"""


def test_what_a_killed_process_held_is_delivered_again(queue, directory):
    queue.put_many([b"1", b"2"])
    process = subprocess.Popen([sys.executable, "-c", HOLD, directory], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "1\n"
    process.kill()
    process.communicate()
    found = queue.recover()
    assert (found.participants, found.messages, found.slots) == (1, 1, 1)
    messages = [queue.take(), queue.take()]
    assert [(bytes(message.data), message.deliveries) for message in messages] == [(b"1", 2), (b"2", 1)]


WAIT = """
import sys
from cqueue_shm import Queue
queue = Queue("orders", directory=sys.argv[1])
try:
    CALL
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(0 if queue.qsize() == int(sys.argv[2]) else "a message was lost")
"""


@pytest.mark.parametrize(
    ("call", "waiting"),
    [
        ("queue.get()", 0),
        ("queue.take()", 0),
        ("queue.get_many()", 0),
        ("queue.get_into(bytearray(9))", 0),
        ("next(iter(queue))", 0),
        ("queue.put(b'2')", 1),
        ("queue.put_many([b'2', b'3'])", 1),
        ("queue.reserve(1)", 1),
        ("queue.take_many()", 0),
    ],
)
def test_an_interrupt_ends_a_wait(make, directory, call, waiting):
    queue = make(1, 64)
    if waiting:
        queue.put(b"1")
    command = [sys.executable, "-c", WAIT.replace("CALL", call), directory, str(waiting)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while (stats := queue.stats()).waiting_producers + stats.waiting_consumers == 0:
        assert process.poll() is None
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=PATIENCE)[0] == "interrupted\n"
    assert process.returncode == 0


def test_a_handler_may_use_the_queue_that_is_waited_for(queue):
    """It runs within the waiting call, which then goes on."""
    handled = []

    def handler(number, frame):
        handled.append(number)
        queue.put(b"from the handler")

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        assert queue.get(timeout=PATIENCE) == b"from the handler"
    finally:
        signal.signal(signal.SIGALRM, before)
    assert handled == [signal.SIGALRM]


def test_a_handler_may_close_the_queue_that_is_waited_for(queue):
    before = signal.signal(signal.SIGALRM, lambda number, frame: queue.close())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        with pytest.raises(ValueError, match="closed"):
            queue.get(timeout=PATIENCE)
    finally:
        signal.signal(signal.SIGALRM, before)
