"""TypedQueue: items in, equal items out; what cannot be decoded is not lost, and in nobody's way."""

import ctypes
import multiprocessing
import pickle

import numpy
import pytest
from conftest import PATIENCE

from cqueue_shm import ClosedError, DecodeError, Empty, Full, Queue, TooBigError, TypedQueue
from cqueue_shm.aio import AsyncQueue
from cqueue_shm.codecs import JSON, Fixed, Pickle
from cqueue_shm.objects import ObjectQueue

TEA = {"id": 7, "name": "tea", "price": 2.5}
BYTES = b"\7\0\0\0" + bytes(4) + b"\0\0\0\0\0\0\4@" + b"tea\0\0\0\0\0"


class Order(ctypes.Structure):
    _fields_ = (("id", ctypes.c_int32), ("price", ctypes.c_double), ("name", ctypes.c_char * 8))


@pytest.fixture
def typed(make):
    return make(16, 64, kind=TypedQueue)


@pytest.fixture
def raw(typed, make):
    return make()


def test_json_is_what_every_language_writes(typed, raw):
    typed.put(TEA)
    assert raw.get() == b'{"id":7,"name":"tea","price":2.5}'
    raw.put(b'{"id": 7, "name": "tea", "price": 2.5}\n')
    assert typed.get() == TEA
    for item in (None, True, "Käse", [1, [2.5]], {"a": {}}, 2**60):
        typed.put(item)
        assert typed.get() == item
    typed.put("ä")
    assert raw.get() == b'"\xc3\xa4"'
    with pytest.raises(ValueError, match="JSON compliant"):
        typed.put(float("nan"))
    with pytest.raises(TypeError):
        typed.put(b"bytes")
    assert raw.empty()


@pytest.mark.parametrize("kind", ["Structure", "dtype", "format"])
def test_fixed_is_the_bytes_of_the_c_struct(make, kind):
    codec, item = {
        "Structure": (Fixed(Order), Order(7, 2.5, b"tea")),
        "dtype": (
            Fixed(numpy.dtype([("id", "<i4"), ("price", "<f8"), ("name", "S8")], align=True)),
            (7, 2.5, b"tea"),
        ),
        "format": (Fixed("@id8s"), (7, 2.5, b"tea")),
    }[kind]
    queue, raw = make(8, codec.size, kind=TypedQueue, codec=codec), make()
    assert codec.size == 24
    queue.put(item)
    assert raw.get() == BYTES
    raw.put(BYTES)
    got = queue.get()
    fields = (got.id, got.price, got.name) if kind == "Structure" else tuple(got)
    assert (fields[0], fields[1], bytes(fields[2]).rstrip(b"\0")) == (7, 2.5, b"tea")
    raw.put(BYTES[:-1])
    with pytest.raises(DecodeError, match="23 bytes, where the struct has 24"):
        queue.get()
    if kind == "dtype":
        queue.put(numpy.array([item], codec._kind)[0])
        assert raw.get_many() == [BYTES[:-1], BYTES]
    again = pickle.loads(pickle.dumps(codec))
    assert again.size == 24


def test_a_format_is_padded_at_its_end_as_c_does():
    assert Fixed("@di").size == Fixed("di").size == 16
    assert Fixed("<di").size == 12
    assert Fixed("@di").encode((1.0, 2)) == b"\0\0\0\0\0\0\xf0?\2\0\0\0" + bytes(4)
    with pytest.raises(TypeError, match="Fixed takes"):
        Fixed(5)
    with pytest.raises(TypeError, match="Order is required, not int"):
        Fixed(Order).encode(5)


def test_an_undecodable_message_stays_and_comes_with_its_bytes(typed, raw):
    raw.put(b"{bad")
    for deliveries in (1, 2):
        with pytest.raises(DecodeError, match='^"orders": a message of 4 bytes could not be decoded: JSON') as caught:
            typed.get()
        assert (caught.value.data, caught.value.deliveries) == (b"{bad", deliveries)
        assert isinstance(caught.value.__cause__, ValueError)
        again = pickle.loads(pickle.dumps(caught.value))
        assert (again.data, again.deliveries) == (b"{bad", deliveries)
    assert [(waiting.data, waiting.deliveries) for waiting in raw.walk()] == [(b"{bad", 3)]


def test_its_neighbours_are_delivered(typed, raw):
    for i in range(5):
        typed.put(i)
    raw.put(b"{bad")
    for i in range(5, 10):
        typed.put(i)
    assert typed.get_many() == list(range(10))
    with pytest.raises(DecodeError) as caught:
        typed.get_many()
    assert caught.value.data == b"{bad"
    typed.put(10)
    assert typed.get_many() == [10]
    assert raw.qsize() == 1


@pytest.mark.parametrize("data", [b"NaN", b"[-Infinity]", b"1 2", b"", b"\xff", b"\xef\xbb\xbf1"])
def test_what_is_not_one_value_of_json_is_none(typed, raw, data):
    raw.put(data)
    with pytest.raises(DecodeError):
        typed.get()


def test_what_ends_decoding_costs_no_item(make):
    class Interrupted(JSON):
        def decode(self, data):
            if data == b"2":
                raise KeyboardInterrupt
            return super().decode(data)

    queue = make(16, 64, kind=TypedQueue, codec=Interrupted())
    queue.put_many([1, 2, 3])
    with pytest.raises(KeyboardInterrupt) as caught:
        queue.get_many()
    assert caught.value.__traceback__ is not None  # which keeps all that was taken
    assert [waiting.data for waiting in queue.walk()] == [b"1", b"2", b"3"]


def test_closing_amid_a_batch_loses_no_item(make):
    class Closing(JSON):
        def decode(self, data):
            queue.close()
            return super().decode(data)

    queue, other = make(16, 64, kind=TypedQueue, codec=Closing()), make(kind=TypedQueue)
    queue.put_many([1, 2])
    with pytest.raises(ClosedError):
        queue.get_many()
    assert other.get_many() == [1, 2]

    queue = make(kind=TypedQueue)
    queue.put_many([1, 2, 3])

    def closing_before_the_second(decoded):
        for place, pair in enumerate(decoded):
            if place == 1:
                queue.close()
            yield pair

    decode_all = queue._decode_all
    queue._decode_all = lambda batch: closing_before_the_second(decode_all(batch))
    assert queue.get_many() == [1]
    assert other.get_many() == [2, 3]


def test_a_hook_decides(make):
    seen = []
    queue = make(16, 64, kind=TypedQueue, undecodable=lambda error: seen.append(error.data) or error.data != b"keep")
    raw = make()
    raw.put_many([b"1", b"drop", b"2"])
    assert queue.get_many() == [1, 2]
    raw.put_many([b"drop", b"3"])
    assert queue.get() == 3
    raw.put(b"keep")
    with pytest.raises(DecodeError):
        queue.get()
    assert seen == [b"drop", b"drop", b"keep"]
    assert [waiting.data for waiting in raw.walk()] == [b"keep"]


def test_a_hook_that_fails_loses_nothing(make):
    queue = make(16, 64, kind=TypedQueue, undecodable=lambda error: 1 / 0)
    raw = make()
    raw.put_many([b"1", b"bad", b"2"])
    assert queue.get_many() == [1, 2]
    with pytest.raises(ZeroDivisionError):
        queue.get_many()
    assert [waiting.data for waiting in raw.walk()] == [b"bad"]


def test_after_some_deliveries_it_goes_to_the_dead_letters(make):
    dead = make(1, 64, "dead")
    queue = make(16, 64, kind=TypedQueue, dead_letters=dead, max_deliveries=2)
    raw = make()
    raw.put_many([b"bad", b"1"])
    with pytest.raises(DecodeError):
        queue.get()
    assert queue.get() == 1
    assert dead.get_nowait() == b"bad"
    dead.put(b"full")
    raw.put_many([b"worse", b"2"])
    assert queue.get_many() == [2]
    for expected in (DecodeError, Full):  # of the second delivery, there was no room for it
        with pytest.raises(expected):
            queue.get_many()
            queue.get_many()
    assert [waiting.data for waiting in raw.walk()] == [b"worse"]
    dead.get()
    with pytest.raises(Empty):
        queue.get_nowait()
    assert dead.get_nowait() == b"worse"
    with pytest.raises(ValueError, match="'max_deliveries'"):
        make(kind=TypedQueue, max_deliveries=0)


def test_dead_letters_have_the_headers_that_fit(make):
    why = {"cq-dead-letter": b"undecodable", "cq-queue": b"typed", "cq-deliveries": b"1"}
    for room, expected in [(66, {**why, "a": b"b"}), (65, why), (10, {}), (0, {})]:
        dead = make(4, 64, f"dead{room}", max_headers=room)
        queue = make(16, 64, "typed", kind=TypedQueue, max_headers=50, dead_letters=dead, max_deliveries=1)
        raw = make(name="typed")
        raw.put(b"bad", headers={"a": "b"})
        with pytest.raises(Empty):
            queue.get_nowait()
        with dead.take() as letter:
            assert letter.headers == expected
            assert letter.tobytes() == b"bad"


def test_at_least_once(typed, raw):
    typed.put_many([1, 2, 3])
    with typed.take() as message:
        assert typed.decode(message) == 1
    with typed.take_many() as batch:
        assert [typed.decode(message) for message in batch] == [2, 3]
    raw.put(b"bad")
    with pytest.raises(DecodeError), typed.take() as message:
        typed.decode(message)
    assert [waiting.deliveries for waiting in raw.walk()] == [2]


def test_waiting_and_time(typed, make):
    typed.put_many(range(16))
    with pytest.raises(Full) as caught:
        typed.put_many([1, 2], timeout=0.01)
    assert caught.value.done == 0
    for vain in (lambda: typed.put(1, timeout=0.01), lambda: typed.put_nowait(1)):
        with pytest.raises(Full):
            vain()
    assert typed.get_many(100) == list(range(16))
    for vain in (lambda: typed.get(timeout=0.01), lambda: typed.get_many(timeout=0.01), typed.get_nowait):
        with pytest.raises(Empty):
            vain()
    with pytest.raises(TooBigError, match="a message of 67 bytes"):
        typed.put("x" * 65)
    with pytest.raises(ValueError, match="'count'"):
        typed.get_many(0)


def test_iteration(typed):
    typed.put_many([1, 2])
    got = []
    for item in typed:
        got.append(item)
        if item == 2:
            typed.close()
    assert got == [1, 2]


def pass_on(queue, results):
    results.put(queue.get(timeout=PATIENCE))


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_another_process_gets_the_codec_too(make, method):
    queue = make(8, 24, kind=TypedQueue, codec=Fixed("@id8s"), dead_letters=make(8, 64, "dead"))
    results = make(8, 256, "results", kind=ObjectQueue)
    process = multiprocessing.get_context(method).Process(target=pass_on, args=(queue, results))
    process.start()
    queue.put((7, 2.5, b"tea"))
    assert results.get(timeout=PATIENCE) == (7, 2.5, b"tea\0\0\0\0\0")
    process.join()


def test_codecs_by_themselves():
    assert JSON().decode(JSON().encode(TEA)) == TEA
    assert Pickle().decode(Pickle().encode({1, 2})) == {1, 2}


def test_in_an_event_loop(typed, raw):
    import asyncio

    async def main():
        async with AsyncQueue(typed) as q:
            await q.put({"a": 1})
            await q.put_many([2, 3])
            assert (await q.get(), await q.get_many()) == ({"a": 1}, [2, 3])
            raw.put(b"bad")
            with pytest.raises(DecodeError):
                await q.get()
            with pytest.raises(DecodeError), await q.take() as message:
                typed.decode(message)
            assert q.qsize() == 1

    asyncio.run(main())


def test_a_typed_queue_is_no_queue_of_bytes(typed):
    assert not isinstance(typed, Queue)
