"""Messages in place: released, given back, committed, aborted; and no view outlives what it shows."""

import gc

import numpy
import pytest

from cqueue_shm import Empty, Full, Message, NotHeldError, Queue, Reservation, TooBigError


def test_a_taken_message_is_gone_when_released(queue):
    queue.put(b"abc")
    message = queue.take()
    assert (bytes(message.data), message.size, message.deliveries, message.held) == (b"abc", 3, 1, True)
    message.release()
    assert not message.held
    assert queue.stats().orphans == queue.qsize() == 0


def test_a_message_given_back_comes_again(queue):
    queue.put_many([b"1", b"2"])
    first = queue.take()
    first.give_back()
    again = queue.take(block=False)
    assert (bytes(again.data), again.deliveries, again.position) == (b"1", 2, first.position)


def test_the_end_of_a_with_statement_releases(queue):
    queue.put(b"1")
    with queue.take() as message:
        assert message.data == b"1"
    assert not message.held
    with pytest.raises(Empty):
        queue.take(block=False)


def test_an_exception_out_of_a_with_statement_gives_back(queue):
    queue.put(b"1")
    with pytest.raises(ZeroDivisionError), queue.take():
        raise ZeroDivisionError
    assert queue.take(block=False).deliveries == 2


@pytest.mark.parametrize("early", ["release", "give_back"])
def test_a_with_statement_minds_an_early_end(queue, early):
    queue.put(b"1")
    with queue.take() as message:
        getattr(message, early)()
    assert queue.qsize() == (early == "give_back")


def test_a_dropped_message_comes_again(queue):
    queue.put(b"1")
    message = queue.take()
    assert queue.empty()
    del message
    gc.collect()
    assert queue.take(block=False).deliveries == 2


@pytest.mark.parametrize("second", ["release", "give_back"])
@pytest.mark.parametrize("first", ["release", "give_back"])
def test_a_message_ends_once(queue, first, second):
    queue.put(b"1")
    message = queue.take()
    getattr(message, first)()
    with pytest.raises(NotHeldError, match='^"orders": the message was released, returned, '):
        getattr(message, second)()


def test_a_taken_message_is_read_only(queue):
    queue.put(b"abc")
    with queue.take() as message, pytest.raises(TypeError):
        message.data[0] = 1


@pytest.mark.parametrize("end", ["release", "give_back"])
def test_a_view_is_dead_after_its_message(queue, end):
    queue.put(b"abc")
    message = queue.take()
    view = message.data
    assert message.data is view
    getattr(message, end)()
    with pytest.raises(ValueError):
        view[0]
    with pytest.raises(ValueError):
        message.data  # noqa: B018
    with pytest.raises(ValueError):
        memoryview(message)


@pytest.mark.parametrize("make_more", [lambda view: view[1:], memoryview, lambda view: view.cast("H")])
@pytest.mark.parametrize("end", ["release", "give_back"])
def test_what_was_made_of_a_view_keeps_its_message(queue, end, make_more):
    queue.put(b"abcd")
    message = queue.take()
    view = message.data
    more = make_more(view)
    getattr(message, end)()
    assert not message.held
    with pytest.raises(ValueError):
        message.data  # noqa: B018
    assert (queue.qsize(), queue.stats().held) == (0, 1), "it is settled when nothing leads there any more"
    assert more.tobytes() in (b"bcd", b"abcd")
    more.release()
    view.release()
    assert (queue.qsize(), queue.stats().held) == (end == "give_back", 0)


def test_what_was_made_of_a_dropped_message_keeps_it(queue):
    queue.put(b"abcd")
    kept = queue.take().data[1:]
    gc.collect()
    with pytest.raises(Empty):
        queue.take(block=False)
    assert kept == b"bcd"
    kept.release()
    gc.collect()
    assert queue.take(block=False).deliveries == 2


def test_a_reservation_is_sent_when_committed(queue):
    reservation = queue.reserve(6)
    with pytest.raises(Empty):
        queue.get_nowait()
    reservation.data[:] = b"abcdef"
    reservation.commit(4)
    assert queue.get() == b"abcd"
    with pytest.raises(NotHeldError):
        reservation.abort()


def test_the_end_of_a_with_statement_commits(queue):
    with queue.reserve(3) as reservation:
        reservation.data[:] = b"abc"
        view = reservation.data
    assert queue.get() == b"abc"
    with pytest.raises(ValueError):
        view[0] = 1


def test_an_exception_out_of_a_with_statement_aborts(queue):
    with pytest.raises(ZeroDivisionError), queue.reserve(3):
        raise ZeroDivisionError
    with queue.reserve(3) as reservation:
        reservation.abort()
    queue.put(b"1")
    assert queue.get_many() == [b"1"]


def test_a_cycle_of_queue_and_message_is_collected(make):
    other = make(8, 64)
    queue = Queue("orders", directory=other.directory)
    queue.put(b"1")
    queue.current = queue.take()
    del queue
    gc.collect()
    assert other.stats().participants == 1
    assert other.take(block=False).deliveries == 2


def test_a_dropped_reservation_is_aborted(make):
    queue = make(1, 8)
    queue.reserve(3)
    gc.collect()
    queue.put(b"1", block=False)
    assert queue.get() == b"1"


def test_a_view_keeps_its_reservation_from_being_sent(queue):
    reservation = queue.reserve(4)
    part = reservation.data[:2]
    with pytest.raises(BufferError):
        reservation.commit()
    part[:] = b"ab"
    part.release()
    reservation.data[2:] = b"cd"
    reservation.commit()
    assert queue.get() == b"abcd"


def test_reservations_have_limits(make):
    queue = make(1, 8)
    with pytest.raises(TooBigError, match="a message of 9 bytes"):
        queue.reserve(9)
    reservation = queue.reserve(4)
    with pytest.raises(TooBigError):
        reservation.commit(5)
    with pytest.raises(Full):
        queue.reserve(1, block=False)
    reservation.commit(0)
    assert queue.get() == b""
    with pytest.raises(ValueError):
        queue.reserve(-1)


@pytest.mark.parametrize("look", [lambda data: data[1:], memoryview, lambda data: numpy.frombuffer(data, "B")])
def test_an_exception_is_never_replaced(queue, look):
    queue.put(b"abcd")
    with pytest.raises(ZeroDivisionError), queue.take() as message:
        kept = look(message.data)
        raise ZeroDivisionError
    assert queue.empty()
    assert bytes(kept) in (b"abcd", b"bcd")
    del kept
    gc.collect()
    assert queue.take(block=False).deliveries == 2


def test_an_array_of_a_message_is_natural(queue):
    queue.put(bytes(range(8)))
    with queue.take() as message:
        numbers = numpy.frombuffer(message.data, "<u2")
        assert numbers.sum() == 0x100 + 0x302 + 0x504 + 0x706
    assert numbers[0] == 0x100
    assert queue.stats().held == 1
    del numbers
    assert (queue.stats().held, queue.qsize()) == (0, 0)


def test_an_exception_is_never_replaced_by_a_reservation(queue):
    with pytest.raises(ZeroDivisionError), queue.reserve(4) as reservation:
        kept = reservation.data[1:]
        raise ZeroDivisionError
    kept[0] = 1
    del kept
    assert queue.stats().writing == 0
    queue.put(b"1")
    assert queue.get_many() == [b"1"]


def test_closing_settles_as_was_decided(make, queue):
    other = make()
    queue.put_many([b"1", b"2"])
    first, second = queue.take(), queue.take()
    kept = first.data[:], second.data[:]
    first.release()
    second.give_back()
    queue.close()
    assert other.empty()
    del kept
    gc.collect()
    assert [(waiting.data, waiting.deliveries) for waiting in other.walk()] == [(b"2", 2)]


def test_batches_of_messages(queue):
    queue.put_many([b"1", b"2", b"3"])
    with queue.take_many(2) as batch:
        assert [message.tobytes() for message in batch] == [b"1", b"2"]
        batch[0].give_back()
    assert [(waiting.data, waiting.deliveries) for waiting in queue.walk()] == [(b"1", 2), (b"3", 1)]
    with pytest.raises(ZeroDivisionError), queue.take_many() as batch:
        batch[1].release()
        raise ZeroDivisionError
    assert [(waiting.data, waiting.deliveries) for waiting in queue.walk()] == [(b"1", 3)]
    batch = queue.take_many()
    batch.give_back()
    del batch
    queue.take_many()  # dropped
    batch = queue.take_many()
    assert batch[0].deliveries == 5
    batch.release()
    for vain in (lambda: queue.take_many(block=False), lambda: queue.take_many(timeout=0.01)):
        with pytest.raises(Empty):
            vain()
    with pytest.raises(ValueError, match="'count'"):
        queue.take_many(0)


def test_messages_as_they_come(queue):
    queue.put_many([b"1", b"2", b"3"])
    seen = []
    for message in queue.messages():
        seen.append((message.tobytes(), message.deliveries))
        if len(seen) == 2:  # dropped without a word
            continue
        message.release()
        if len(seen) == 4:
            queue.close()
    assert seen == [(b"1", 1), (b"2", 1), (b"2", 2), (b"3", 1)]


def test_nobody_makes_a_loan(queue):
    for kind in (Message, Reservation):
        with pytest.raises(TypeError):
            kind()


def test_a_view_made_before_the_block_ends_with_it(queue):
    queue.put(b"1")
    message = queue.take()
    view = message.data
    with message:
        assert message.data is view
    with pytest.raises(ValueError, match="released"):
        view[0]
    assert queue.stats().held == 0


def test_a_block_that_is_never_left_is_collected(queue):
    queue.put(b"1")
    message = queue.take()
    message.__enter__()
    assert message.data == b"1"
    del message
    gc.collect()
    with queue.take() as message:
        assert (message.data, message.deliveries) == (b"1", 2)
