"""Messages in place: released, given back, committed, aborted; and no view outlives what it shows."""

import gc

import pytest

from cqueue_shm import Empty, Full, NotHeldError, Queue, TooBigError


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
    with pytest.raises(BufferError, match="something made of the message's data"):
        getattr(message, end)()
    assert message.held
    assert more.tobytes() in (b"bcd", b"abcd")
    more.release()
    getattr(message, end)()
    with pytest.raises(ValueError):
        view[0]


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
    with pytest.raises((OverflowError, TypeError)):
        queue.reserve(-1)


def test_a_loan_belongs_to_its_handle(make, queue):
    queue.put(b"1")
    message = queue.take()
    other = make()
    from cqueue_shm import _raw

    assert _raw.cq_release(other, message) == _raw.CQ_ENOTHELD
    assert message.held
    message.release()
