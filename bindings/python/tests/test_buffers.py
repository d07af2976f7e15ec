"""Whatever is bytes-like can be sent, is held until the call is over, and only that."""

import array
import ctypes
import mmap
import threading
import time

import pytest
from conftest import PATIENCE


@pytest.mark.parametrize(
    "item",
    [
        b"abcd",
        bytearray(b"abcd"),
        memoryview(b"abcd"),
        memoryview(b"xabcdx")[1:5],
        memoryview(array.array("I", b"abcd")),
        array.array("I", b"abcd"),
        memoryview(b"abcd").cast("B", (2, 2)),
        (ctypes.c_char * 4)(*b"abcd"),
    ],
    ids=lambda item: f"{type(item).__module__}.{type(item).__name__}",
)
def test_bytes_like_objects(queue, item):
    queue.put(item)
    queue.put_many([item, item])
    assert queue.get_many() == [b"abcd"] * 3


def test_a_mapped_file(queue):
    with mmap.mmap(-1, 16) as mapped:
        mapped[:4] = b"abcd"
        queue.put(mapped)
    assert queue.get() == b"abcd" + bytes(12)


@pytest.mark.parametrize("item", ["text", None, 5, [b"bytes"], object()])
def test_what_is_not_is_refused(queue, item):
    with pytest.raises(TypeError, match="a bytes-like object is required"):
        queue.put(item)
    with pytest.raises(TypeError, match="a bytes-like object is required"):
        queue.put_many([b"good", item])
    with pytest.raises(TypeError):
        queue.put_many(5)
    assert queue.empty()


def test_memory_with_gaps_is_refused(queue):
    with pytest.raises(BufferError, match="not C-contiguous"):
        queue.put(memoryview(b"abcdefgh")[::2])
    with pytest.raises(BufferError, match="not C-contiguous"):
        queue.get_into(memoryview(bytearray(8))[::2])


def test_a_released_view_is_refused(queue):
    view = memoryview(b"abcd")
    view.release()
    with pytest.raises(ValueError, match="released"):
        queue.put(view)


def test_a_buffer_is_held_while_the_call_waits(make):
    """Else its memory could move or go while the C code, which holds no lock then, reads it."""
    queue = make(1, 64)
    queue.put(b"first")
    buffer = bytearray(b"second")
    waiting = threading.Thread(target=queue.put, args=(buffer,), kwargs={"timeout": PATIENCE})
    waiting.start()
    while queue.stats().waiting_producers == 0:
        time.sleep(0.001)
    with pytest.raises(BufferError):
        buffer.extend(b"more")
    assert queue.get() == b"first"
    waiting.join()
    assert queue.get() == b"second"
    buffer.extend(b"more")


def test_no_buffer_is_held_afterwards(queue):
    buffer = bytearray(b"abcd")
    queue.put(buffer)
    queue.put_many([buffer, buffer])
    with pytest.raises(TypeError):
        queue.put_many([buffer, None])
    with pytest.raises(ValueError):
        queue.put(memoryview(bytearray(65)))
    queue.get_into(buffer)
    buffer.extend(b"more")


def test_a_batch_keeps_its_messages_whatever_becomes_of_the_list(queue):
    """The buffer of an element may run Python code, which may change the list."""
    items = []

    def changing():
        for i in range(4):
            items.clear()
            yield bytearray(b"%d" % i * 10)

    items.extend(changing())
    queue.put_many(changing())
    assert queue.get_many() == [b"0" * 10, b"1" * 10, b"2" * 10, b"3" * 10]
