"""What goes along with messages, where they come from, and what becomes of those that nobody wants."""

import asyncio
import multiprocessing
import threading
import time

import pytest
from conftest import PATIENCE

from cqueue_shm import (
    ConsumerError,
    Empty,
    FeatureError,
    HeadersError,
    MismatchError,
    NotHeldError,
    Queue,
    SourcesError,
    TooBigError,
    TypedQueue,
)
from cqueue_shm.aio import AsyncQueue

# ---- headers


def test_headers_go_along(make):
    queue = make(8, 64, max_headers=200)
    queue.put(b"a", headers={"ä": "ö"})
    queue.put(b"b", headers={"content-type": "text/plain", "trace": b"\x00\xff", "empty": b""})
    queue.put(b"c")
    with queue.take() as message:
        assert message.headers == {"ä": "ö".encode()}
    with queue.take() as message:
        assert message.headers == {"content-type": b"text/plain", "trace": b"\x00\xff", "empty": b""}
        assert list(message.headers) == ["content-type", "trace", "empty"]
    message = queue.take()
    assert message.headers == {}
    message.release()
    with pytest.raises(ValueError, match="not held"):
        _ = message.headers
    assert queue.stats().max_headers == 200


def test_headers_of_a_reservation(make):
    queue = make(8, 64, max_headers=50)
    with queue.reserve(1) as place:
        place.data[:] = b"a"
        assert place.headers == {}
        place.headers = {"a": "1"}
        place.headers = {"b": bytearray(b"2")}
        assert place.headers == {"b": b"2"}
        with pytest.raises(AttributeError):
            del place.headers
    with pytest.raises(ValueError, match="not held"):
        place.headers = {}
    with queue.take() as message:
        assert message.headers == {"b": b"2"}


def test_headers_that_are_none(make, queue):
    with pytest.raises(FeatureError) as failure:
        queue.put(b"a", headers={"a": "1"})
    assert failure.value.symbol == "CQ_EFEATURE"
    queue.put(b"a")
    with queue.take() as message:
        assert message.headers == {}
        assert message.enqueue_time is None

    other = make(8, 64, "with", max_headers=20)
    with pytest.raises(TooBigError):
        other.put(b"a", headers={"a": b"x" * 17})
    with pytest.raises(HeadersError):
        other.put(b"a", headers={"": b"x"})
    with pytest.raises(TypeError):
        other.put(b"a", headers={1: b"x"})
    with pytest.raises(TypeError):
        other.put(b"a", headers={"a": 1})
    with pytest.raises(ValueError, match="null"):
        other.put(b"a", headers={"a\0b": b"x"})
    assert other.empty()


def test_headers_of_items(make):
    queue = make(8, 64, kind=TypedQueue, max_headers=50)
    queue.put({"id": 7}, headers={"a": "1"})
    with queue.take() as message:
        assert (message.headers, queue.decode(message)) == ({"a": b"1"}, {"id": 7})


def test_a_put_with_headers_waits_for_room(make):
    queue = make(1, 64, max_headers=50)
    queue.put(b"a", headers={"n": "1"})
    thread = threading.Thread(target=queue.put, args=(b"b",), kwargs={"headers": {"n": "2"}})
    thread.start()
    assert queue.get() == b"a"
    thread.join()
    with queue.take() as message:
        assert message.headers == {"n": b"2"}


# ---- sources


def test_a_source_is_put_once(make, queue):
    assert queue.source("stream") == 0
    assert queue.put_from("stream", 1, b"a")
    assert queue.put_from("stream", 5, b"b")
    assert not queue.put_from("stream", 5, b"b")
    assert not make().put_from("stream", 4, b"x")
    assert queue.put_from("other", 1, b"c")
    assert queue.sources() == {"stream": 5, "other": 1}
    assert queue.raise_source("stream", 9)
    assert not queue.raise_source("stream", 9)
    assert queue.source("stream") == 9
    assert queue.get_many() == [b"a", b"b", b"c"]
    assert queue.stats().sources == 2


def test_sources_have_limits(queue):
    for number in range(64):
        assert queue.raise_source(f"source {number}", 1)
    with pytest.raises(SourcesError):
        queue.put_from("one more", 1, b"a")
    with pytest.raises(ValueError, match="name"):
        queue.put_from("", 1, b"a")
    with pytest.raises(ValueError):
        queue.put_from("source 1", 0, b"a")
    assert queue.empty()


def feed(queue):
    for number in range(1, 301):
        queue.put_from("stream", number, str(number).encode())


def test_two_that_feed_the_same_double_nothing(make):
    queue = make(1000, 64)
    feeders = [multiprocessing.Process(target=feed, args=(queue,)) for _ in range(2)]
    for feeder in feeders:
        feeder.start()
    for feeder in feeders:
        feeder.join(PATIENCE)
    assert queue.get_many(1000) == [str(number).encode() for number in range(1, 301)]


# ---- one consumer at a time


def test_one_consumer_at_a_time(make):
    first, second = make(8, 64, exclusive_consumer=True), make()
    first.put_many([b"a", b"b"])
    assert first.get() == b"a"
    for call in second.get_nowait, second.take_many, lambda: second.get(timeout=0.01):
        with pytest.raises(ConsumerError) as failure:
            call(block=False) if call == second.take_many else call()
        assert failure.value.symbol == "CQ_ECONSUMER"
    second.put(b"c")
    assert first.stats().exclusive_consumer
    assert first.stats().consumer != 0
    got = []
    thread = threading.Thread(target=lambda: got.extend([second.get(), second.get()]))
    thread.start()
    time.sleep(0.05)
    assert got == []
    first.close()
    thread.join(PATIENCE)
    assert got == [b"b", b"c"]


# ---- dead letters, delays, times


def test_what_nobody_could_handle_goes_to_the_dead_letters(make):
    dead = make(8, 64, "dead", max_headers=200)
    queue = make(8, 64, max_deliveries=2, dead_letter="dead")
    queue.put(b"bad")
    queue.put(b"good")
    for _ in range(2):
        with queue.take() as message:
            assert message.tobytes() == b"bad"
            message.give_back()
    assert queue.get(timeout=PATIENCE) == b"good"
    with dead.take(timeout=PATIENCE) as message:
        assert message.tobytes() == b"bad"
        headers = message.headers
    assert headers["cq-dead-letter"] == b"deliveries"
    assert headers["cq-queue"] == b"orders"
    stats = queue.stats()
    assert (stats.max_deliveries, stats.dead_letter, stats.dead_lettered) == (2, "dead", 1)


def test_a_typed_queue_leaves_it_to_the_queue(make):
    dead = make(8, 64, "dead")
    queue = make(8, 64, kind=TypedQueue, dead_letter="dead")
    assert queue.stats().max_deliveries == 3
    make().put(b"{broken")
    for _ in range(3):
        with pytest.raises(ValueError, match="decoded"):
            queue.get()
    with pytest.raises(Empty):
        queue.get_nowait()
    assert dead.get(timeout=PATIENCE) == b"{broken"


def test_a_message_comes_later(queue):
    queue.put_many([b"a", b"b"])
    message = queue.take()
    message.give_back(delay=9e9)
    assert not message.held
    assert queue.stats().delayed == 1
    assert queue.get() == b"b"
    with pytest.raises(Empty):
        queue.get_nowait()


def test_a_message_comes_after_its_delay(queue):
    queue.put(b"a")
    before = time.monotonic()
    queue.take().give_back(delay=0.2)
    with queue.take(timeout=PATIENCE) as message:
        assert (message.tobytes(), message.deliveries) == (b"a", 2)
    assert time.monotonic() - before > 0.1


def test_a_message_goes_to_the_tail(queue):
    queue.put_many([b"a", b"b", b"c"])
    with queue.take() as message:
        assert bytes(message.data) == b"a"
        message.give_back(to_tail=True)
    assert [queue.get(), queue.get(), queue.get()] == [b"b", b"c", b"a"]


def test_a_message_is_given_back_in_one_way(queue):
    queue.put(b"a")
    message = queue.take()
    for arguments in {"delay": -1}, {"delay": float("nan")}, {"delay": 1, "to_tail": True}:
        with pytest.raises(ValueError):
            message.give_back(**arguments)
    view = message.data[:]
    with pytest.raises(BufferError):
        message.give_back(delay=1)
    view.release()
    assert message.held
    message.give_back(to_tail=True)
    with pytest.raises(NotHeldError):
        message.give_back(to_tail=True)


def test_messages_have_times_and_expire(make):
    lasting = make(8, 64, "lasting", time_to_live=PATIENCE, enqueue_times=True)
    before = time.time_ns()
    lasting.put(b"a")
    with lasting.take() as message:
        assert abs(message.enqueue_time - before) < PATIENCE * 1_000_000_000
    queue = make(8, 64, time_to_live=0.2, enqueue_times=True)
    queue.put(b"a")
    assert queue.stats().enqueue_times
    assert queue.stats().time_to_live == 200_000_000
    time.sleep(0.4)
    with pytest.raises(Empty):
        queue.get_nowait()
    assert queue.stats().expired == 1


def test_properties_are_the_queues(make, directory):
    make(8, 64, max_headers=100, enqueue_times=True)
    make().put(b"a", headers={"a": "1"})
    with pytest.raises(MismatchError):
        make(max_headers=50)
    with pytest.raises(MismatchError):
        make(exclusive_consumer=True)
    with pytest.raises(ValueError, match="positive"):
        Queue("other", directory=directory, time_to_live=0)


# ---- in an event loop


def test_in_an_event_loop(make):
    async def main():
        async with AsyncQueue(make(1, 64, max_headers=50)) as queue:
            await queue.put(b"a", headers={"n": "1"})
            task = asyncio.create_task(queue.put_from("stream", 1, b"b", headers={"n": "2"}))
            await asyncio.sleep(0)
            async with asyncio.timeout(PATIENCE):
                first = await queue.take()
                found = [first.headers]
                first.release()
                assert await task
                second = await queue.take()
                found.append(second.headers)
                second.release()
                assert not await queue.put_from("stream", 1, b"b")
            return found

    assert asyncio.run(main()) == [{"n": b"1"}, {"n": b"2"}]
