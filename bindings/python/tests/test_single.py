"""put() and get() of single messages, which the extension module does by itself where nothing stands in the way."""

import inspect

import pytest

from cqueue_shm import ClosedError, Empty, Full, Queue, TooBigError

try:
    import _testcapi
except ImportError:
    _testcapi = None


def test_sizes_that_change(queue):
    """After some of one size the next one's is expected; it may be any other."""
    sizes = [0] * 8 + [1] * 8 + [64] * 8 + [63] + [64] * 9 + [0, 64, 1, 5, 5] + [5] * 9 + [64, 2, 0] + [0] * 9 + [1]
    for number, size in enumerate(sizes):
        message = bytes([number]) * size
        queue.put_nowait(message)
        got = queue.get()
        assert got == message and len(got) == size and hash(got) == hash(message)
    for number, size in enumerate(sizes[:8]):
        queue.put(bytes([number]) * size)
    assert [len(queue.get_nowait()) for _ in sizes[:8]] == sizes[:8]
    with pytest.raises(Empty):
        queue.get_nowait()


@pytest.mark.skipif(_testcapi is None, reason="this Python cannot be made to run out of memory")
@pytest.mark.parametrize("get", [Queue.get, Queue.get_nowait])
def test_memory_that_runs_out_costs_no_message(make, get):
    queue = make(64, 4096)
    for first_failure in range(12):
        for _ in range(8):
            queue.put(bytes(4000))
            queue.get()
        queue.put(b"short")
        _testcapi.set_nomemory(first_failure, 0)
        try:
            got = get(queue)
        except MemoryError:
            got = None
        finally:
            _testcapi.remove_mem_hooks()
        if got is None:
            got = queue.get_nowait()
        assert got == b"short"
    assert queue.empty()


def test_what_was_never_opened(directory):
    queue = Queue.__new__(Queue)
    for call in (queue.get, queue.get_nowait, lambda: queue.put(b"a"), lambda: queue.put_nowait(b"a"), queue.take):
        with pytest.raises((ClosedError, AttributeError)):
            call()


def test_arguments_are_those_of_queue_queue(queue):
    queue.put(item=b"1", block=True, timeout=1)
    queue.put(b"2", False)
    queue.put(bytearray(b"3"))
    assert [queue.get(), queue.get(block=False), queue.get(True, 1)] == [b"1", b"2", b"3"]
    assert str(inspect.signature(queue.put)) == "(item, block=True, timeout=None, *, headers=None)"
    assert str(inspect.signature(queue.get)) == "(block=True, timeout=None)"
    for call, text in [
        (lambda: queue.put(), r"Queue\.put\(\) missing 1 required positional argument: 'item'"),
        (lambda: queue.put(b"1", color=1), r"Queue\.put\(\) got an unexpected keyword argument 'color'"),
        (lambda: queue.get(1, 2, 3), r"Queue\.get\(\) takes from 1 to 3 positional arguments but 4 were given"),
        (lambda: queue.put("text"), "bytes-like"),
        (lambda: queue.put_nowait(None), "bytes-like"),
    ]:
        with pytest.raises(TypeError, match=text):
            call()
    assert queue.empty()


def test_what_stands_in_the_way_is_said(make):
    queue = make(1, 64)
    with pytest.raises(TooBigError, match="65 bytes"):
        queue.put(bytes(65))
    queue.put(b"1")
    with pytest.raises(Full):
        queue.put_nowait(b"2")
    assert queue.get_nowait() == b"1"
    queue.close()
    for call in (queue.get, queue.get_nowait, lambda: queue.put(b"a"), lambda: queue.put_nowait(b"a")):
        with pytest.raises(ClosedError):
            call()
