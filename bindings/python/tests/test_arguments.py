"""What cannot be is refused in Python's words: the argument is named, and nothing was done."""

import datetime
import decimal
import os

import numpy
import pytest

from cqueue_shm import Empty, NotFoundError, Queue, TooBigError, TypedQueue, unlink
from cqueue_shm.aio import AsyncQueue

INTEGERS = ["capacity", "max_message_size", "flags", "permissions", "max_held", "max_memory", "reserve", "max_headers"]


@pytest.mark.parametrize("name", [*INTEGERS, "max_deliveries"])
@pytest.mark.parametrize("value", [None, 1.5, "5"])
def test_what_is_no_integer_is_named(make, name, value):
    with pytest.raises(TypeError, match=f"^'{name}' must be an integer, and is {value!r}$"):
        make(**({name: value} if name != "max_message_size" else {"size": value}))


@pytest.mark.parametrize("value", [5, b"dead"])
def test_a_dead_letter_queue_has_a_name(make, value):
    with pytest.raises(TypeError, match="^'dead_letter' must be a str"):
        make(dead_letter=value, max_deliveries=3)


def test_directories_may_be_bytes(directory, tmp_path):
    with Queue("orders", 8, 64, directory=os.fsencode(directory)) as queue:
        assert queue.directory == directory
    with pytest.raises(NotFoundError) as caught:
        Queue("orders", directory=b"/nowhere")
    assert caught.value.filename == "/nowhere/cqueue.orders"
    with pytest.raises(NotFoundError):
        unlink("nothing", os.fsencode(directory))
    with Queue("durable", directory=directory, durable_directory=os.fsencode(tmp_path / "disk")) as queue:
        assert queue.durable_directory == str(tmp_path / "disk")


def test_times_are_numbers_of_seconds(make, queue):
    for timeout in (decimal.Decimal("0.001"), numpy.float32(0.001), numpy.int8(0), 1e-300, -0.0, False):
        with pytest.raises(Empty):
            queue.get(timeout=timeout)
    for timeout in (float("inf"), 1e300, 10**400, decimal.Decimal("1e30")):
        queue.put(b"1", timeout=timeout)
        assert queue.get(timeout=timeout) == b"1"
    for timeout in (float("nan"), float("-inf"), -1, decimal.Decimal(-1)):
        with pytest.raises(ValueError, match=f"^'timeout' must be a non-negative number, and is {timeout}$"):
            queue.take(timeout=timeout)
    for timeout in ("1", b"1", datetime.timedelta(seconds=1), []):
        with pytest.raises(TypeError, match="^'timeout' must be a number of seconds, and is "):
            queue.get(timeout=timeout)
    with pytest.raises(TypeError, match="^'time_to_live' must be a number of seconds"):
        make(name="other", time_to_live=datetime.timedelta(seconds=1))
    with pytest.raises(ValueError, match="^'time_to_live' must be a positive number"):
        make(name="other", time_to_live=float("nan"))


def test_counts_and_sizes(queue):
    queue.put_many([b"1", b"2", b"3"])
    for call in (queue.get_many, queue.take_many):
        for count in (0, -1, 1 << 64):
            with pytest.raises(ValueError, match="^'count'"):
                call(count)
        with pytest.raises(TypeError, match=r"^'count' must be an integer, and is 2\.5$"):
            call(2.5)
    with pytest.raises(ValueError, match="^'count'"):
        queue.walk(-1)
    assert [len(queue.walk(count)) for count in (0, 2, None)] == [0, 2, 3]
    assert queue.get_many(numpy.int64(2)) == [b"1", b"2"]
    assert queue.get_many((1 << 64) - 1) == [b"3"]
    with pytest.raises(ValueError, match="^'size' must not be negative"):
        queue.reserve(-1)
    with pytest.raises(TypeError, match="^'size' must be an integer"):
        queue.reserve("5")
    place = queue.reserve(5)
    for size in (-1, 1 << 70):
        with pytest.raises(ValueError, match=f"^'size' must be what was reserved at most, and is {size}$"):
            place.commit(size)
    with pytest.raises(TypeError):
        place.commit(1.5)
    with pytest.raises(TooBigError):
        place.commit(6)
    assert place.held
    place.commit(numpy.int32(0))
    assert queue.get() == b""


def test_sources(queue):
    put, raise_source = (lambda name, number: queue.put_from(name, number, b"")), queue.raise_source
    for name in ("", "x" * 201, "ä" * 101):
        for call in (put, raise_source, lambda name, number: queue.source(name)):
            with pytest.raises(ValueError, match="^a source's name has 1 to 200 bytes in UTF-8"):
                call(name, 1)
    for name in (None, b"stream"):
        with pytest.raises(TypeError, match="^a source's name is a str"):
            queue.put_from(name, 1, b"")
    for number in (0, -1, 1 << 64):
        for call in (put, raise_source):
            with pytest.raises(ValueError, match="^'number'"):
                call("stream", number)
    with pytest.raises(TypeError, match="^'number' must be an integer"):
        queue.put_from("stream", 1.5, b"")
    assert (queue.sources(), queue.qsize()) == ({}, 0)


def test_headers(make):
    queue = make(8, 64, max_headers=20)
    for headers in ([("a", b"1")], "a", 5):
        with pytest.raises(TypeError, match="^headers are a mapping of str to str or bytes"):
            queue.put(b"", headers=headers)
    text = '^"orders": headers of 24 bytes, the queue takes 20: create it with a larger max_headers, or send fewer$'
    with pytest.raises(TooBigError, match=text):
        queue.put(b"", headers={"a": bytes(20)})
    with pytest.raises(TooBigError, match=text):
        queue.put_from("stream", 1, b"", headers={"a": bytes(20)})
    place = queue.reserve(1)
    with pytest.raises(TooBigError, match=text):
        place.headers = {"a": bytes(20)}
    place.abort()
    with pytest.raises(TooBigError, match="a message of 65 bytes"):
        queue.put(bytes(65), headers={"a": b"1"})
    assert queue.qsize() == 0


def test_what_a_queue_is_made_of(make, directory):
    with pytest.raises(TypeError, match="^an AsyncQueue is made of a Queue or TypedQueue, and not of 'orders'$"):
        AsyncQueue("orders")
    with pytest.raises(TypeError, match=r"^'codec' must have encode\(\) and decode\(\), and is 5$"):
        make(kind=TypedQueue, codec=5)
    assert os.listdir(directory) == []
