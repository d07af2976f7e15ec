"""close() at any time, from any thread: later calls are errors, waiting ones end, and memory goes last."""

import gc
import os
import threading
import time

import pytest
from conftest import LONG, PATIENCE

from cqueue_shm import ClosedError, Empty, Full, Queue, _raw

CALLS = {
    "put": lambda queue: queue.put(b""),
    "put_nowait": lambda queue: queue.put_nowait(b""),
    "get": lambda queue: queue.get(),
    "get_nowait": lambda queue: queue.get_nowait(),
    "get_into": lambda queue: queue.get_into(bytearray(1)),
    "put_many": lambda queue: queue.put_many([b""]),
    "get_many": lambda queue: queue.get_many(),
    "take": lambda queue: queue.take(),
    "take_many": lambda queue: queue.take_many(),
    "full": lambda queue: queue.full(),
    "reserve": lambda queue: queue.reserve(1),
    "qsize": lambda queue: queue.qsize(),
    "stats": lambda queue: queue.stats(),
    "walk": lambda queue: queue.walk(),
    "participants": lambda queue: queue.participants(),
    "recover": lambda queue: queue.recover(),
    "cancel": lambda queue: queue.cancel(),
    "reset_cancel": lambda queue: queue.reset_cancel(),
    "fileno": lambda queue: queue.fileno(),
    "room_fileno": lambda queue: queue.room_fileno(),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_after_close_is_an_error(queue, name):
    queue.close()
    with pytest.raises(ClosedError, match='^"orders": the queue is closed: open it again$') as caught:
        CALLS[name](queue)
    assert (caught.value.queue, caught.value.code, caught.value.symbol) == ("orders", None, "")


def test_closing_twice_and_leaving_a_with_statement(make):
    with make(8, 64) as queue:
        assert not queue.closed
        queue.close()
        queue.close()
    assert queue.closed


def test_a_queue_that_could_not_be_opened_is_closed(directory):
    queue = Queue.__new__(Queue)
    with pytest.raises(FileNotFoundError):
        queue.__init__("orders", flags=2, directory=directory)
    assert queue.closed
    queue.close()
    with pytest.raises(ClosedError):
        queue.get()
    queue.__init__("orders", 8, 64, directory=directory)
    queue.put(b"1")
    with pytest.raises(TypeError, match="not open"):
        queue.__init__("orders", directory=directory)
    assert queue.get() == b"1"
    queue.close()


def test_the_raw_functions_take_nothing_else(queue):
    for call in (_raw.cq_stat, _raw.cq_enqueue, _raw.take):
        for handle in (None, 5, object()):
            with pytest.raises(TypeError, match="a Handle is required"):
                call(handle, b"")
    with pytest.raises(TypeError, match="a Handle is required"):
        _raw.handle_close(None)
    for struct in (None, b"", bytes(_raw.sizeof_cq_stats), bytearray(1)):
        with pytest.raises((TypeError, ValueError, BufferError)):
            _raw.cq_stat(queue, struct)


@pytest.mark.parametrize("name", ["put", "put_many", "reserve", "get", "get_into", "get_many", "take", "take_many"])
def test_close_ends_calls_that_wait(make, name):
    queue = make(1, 8)
    if name in ("put", "put_many", "reserve"):
        queue.put(b"full")
    onlooker = make()
    failures = []

    def wait():
        try:
            CALLS[name](queue)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    while (stats := onlooker.stats()).waiting_producers + stats.waiting_consumers < 3:
        time.sleep(0.001)
    queue.close()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert [type(failure) for failure in failures] == [ClosedError] * 3
    assert onlooker.stats().participants == 1


def test_close_gives_back_what_is_held(make, queue):
    queue.put_many([b"1", b"2"])
    first, second = queue.take(), queue.take()
    view = first.data
    reservation = queue.reserve(3)
    writing = reservation.data
    other = make()
    queue.close()
    assert not (first.held or second.held or reservation.held)
    for dead in (view, writing):
        with pytest.raises(ValueError):
            dead[0]
    for loan in (first, second, reservation):
        with pytest.raises(ValueError):
            loan.data  # noqa: B018
    with pytest.raises(ClosedError):
        first.release()
    with pytest.raises(ClosedError):
        reservation.commit()
    assert [waiting.deliveries for waiting in other.walk()] == [2, 2]
    assert other.stats().participants == 1
    assert other.get_many() == [b"1", b"2"]


def test_what_was_made_of_a_view_outlives_close(make, queue):
    queue.put_many([b"abcd", b"efgh"])
    kept = queue.take().data[1:]
    other = make()
    queue.close()
    assert other.stats().participants == 2
    assert other.get() == b"efgh"
    with pytest.raises(Empty):
        other.get_nowait()
    assert kept == b"bcd"
    del kept
    gc.collect()
    assert other.stats().participants == 1
    assert other.take(block=False).deliveries == 2


def test_a_dropped_queue_is_closed(make, directory):
    other = make(8, 64)
    queue = Queue("orders", directory=directory)
    message_of_dropped = (queue.put(b"1"), queue.take())[1]
    del queue
    gc.collect()
    assert other.stats().participants == 2, "the message needs the handle"
    del message_of_dropped
    gc.collect()
    assert other.stats().participants == 1
    assert other.get() == b"1"


def test_close_within_a_call(make):
    """What converts an argument, or looks at messages, may run Python code, which may close the queue."""
    queue = make(8, 64)

    def closing():
        yield b"1"
        queue.close()

    queue.put(b"0")
    assert _raw.enqueue_batch(queue, closing(), 0) == (_raw.CQ_OK, 1)
    assert queue.closed
    again = make(8, 64)
    again.put_many([b"1", b"2"])
    seen = []

    def visit(position, deliveries, data):
        seen.append(data)
        again.close()

    assert _raw.cq_walk(again, visit) == _raw.CQ_OK
    assert seen == [b"0", b"1", b"1", b"2"]
    assert again.closed


def test_an_exception_in_a_visitor_comes_out(queue):
    queue.put_many([b"1", b"2"])
    with pytest.raises(ZeroDivisionError):
        _raw.cq_walk(queue, lambda position, deliveries, data: 1 / 0)
    with pytest.raises(TypeError):
        _raw.cq_walk(queue, None)


def do_everything(queue):
    for call in (queue.put_nowait, lambda item: queue.put_many([item] * 3, timeout=0.001)):
        call(os.urandom(8))
    with queue.take(timeout=0.001) as message:
        bytes(message.data)
    with queue.reserve(4, timeout=0.001) as reservation:
        reservation.data[:] = b"abcd"
    queue.get_many(9, timeout=0.001)
    queue.walk(3)


def fire(queue, start, strange):
    start.wait()
    while not queue.closed:
        try:
            do_everything(queue)
        except (Empty, Full):
            continue
        except ValueError:  # ClosedError, or a view that died
            assert queue.closed
        except BaseException as error:
            strange.append(error)
            raise


def test_closing_under_fire(make):
    """Threads do everything, without a pause, while the handle is closed: errors, never a crash."""
    keeper = make(64, 64)
    for _ in range(200 if LONG else 20):
        queue, start, strange = make(), threading.Barrier(9), []
        threads = [threading.Thread(target=fire, args=(queue, start, strange)) for _ in range(8)]
        for thread in threads:
            thread.start()
        start.wait()
        time.sleep(0.002)
        queue.close()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        assert strange == []
        assert keeper.stats().participants == 1
