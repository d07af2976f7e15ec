"""AsyncQueue: tasks wait without holding up the loop, and cancelling them loses nothing."""

import asyncio
import os
import threading

import pytest
from conftest import LONG, PATIENCE

from cqueue_shm import ClosedError, Empty, Flags, Full, Stale, TooBigError, TypedQueue, _raw, aio
from cqueue_shm.aio import AsyncQueue
from cqueue_shm.codecs import JSON


def run(main):
    return asyncio.run(asyncio.wait_for(main, PATIENCE))


async def turns(count=20):
    for _ in range(count):
        await asyncio.sleep(0.001)


def test_what_is_there_and_what_comes(queue):
    async def main():
        async with AsyncQueue(queue) as q:
            await q.put(b"1")
            assert await q.get() == b"1"
            waiting = asyncio.create_task(q.get())
            await turns()
            assert not waiting.done()
            threading.Thread(target=queue.put, args=(b"2",)).start()
            assert await waiting == b"2"
            await q.put_many([b"3", b"4", b"5"])
            assert await q.get_many() == [b"3", b"4", b"5"]
            reservation = await q.reserve(3)
            with reservation:
                reservation.data[:] = b"abc"
            with await q.take() as message:
                assert message.data == b"abc"

    run(main())
    assert queue.closed


def test_producers_wait_for_room(make):
    async def main():
        queue = make(1, 8)
        async with AsyncQueue(queue) as q:
            await q.put(b"1")
            waiting = [asyncio.create_task(q.put(b"2")), asyncio.create_task(q.put_many([b"3", b"4"]))]
            await turns()
            assert not any(task.done() for task in waiting)
            got = [await q.get() for _ in range(4)]
            await asyncio.gather(*waiting)
            assert sorted(got) == [b"1", b"2", b"3", b"4"]
            await q.put(b"5")
            room = asyncio.create_task(q.reserve(2))
            await turns()
            assert await q.get() == b"5"
            (await room).abort()

    run(main())


def test_the_loop_goes_on_meanwhile(queue):
    async def main():
        async with AsyncQueue(queue) as q:
            waiting = asyncio.create_task(q.get())
            await turns(50)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await q.get()
            queue.put(b"kept")
            assert await q.get() == b"kept"

    run(main())


def test_cancelling_loses_no_message(make):
    """Cancelled at each point: before waiting, while waiting, woken but not yet run."""

    async def main():
        queue = make(1000, 8)
        got = []
        async with AsyncQueue(queue) as q:
            for i in range(400):
                tasks = [asyncio.create_task(q.get()) for _ in range(3)]
                await turns(i % 2)
                queue.put(b"%d" % i)
                for _ in range(i % 7):
                    await asyncio.sleep(0)
                for task in tasks:
                    task.cancel()
                got += [
                    result for result in await asyncio.gather(*tasks, return_exceptions=True) if type(result) is bytes
                ]
            while not queue.empty():
                got.append(await q.get())
        assert sorted(map(int, got)) == list(range(400))

    run(main())


def test_a_hundred_tasks(make):
    count = 2000 if LONG else 100

    async def produce(q, producer):
        for i in range(count):
            await q.put(b"%d %d" % (producer, i))

    async def consume(q, into):
        while message := await q.get():
            into.append(tuple(map(int, message.split())))

    async def main():
        received = [[] for _ in range(50)]
        async with AsyncQueue(make(16, 16)) as q, asyncio.TaskGroup() as consumers:
            for into in received:
                consumers.create_task(consume(q, into))
            async with asyncio.TaskGroup() as producers:
                for producer in range(50):
                    producers.create_task(produce(q, producer))
            for _ in received:
                await q.put(b"")
        everything = sorted(message for into in received for message in into)
        assert everything == [(producer, i) for producer in range(50) for i in range(count)]

    run(main())


def test_closing_ends_tasks_that_wait(queue):
    async def main():
        q = AsyncQueue(queue)
        waiting = [asyncio.create_task(q.get()), asyncio.create_task(q.take())]
        await turns()
        q.close()
        assert [type(result) for result in await asyncio.gather(*waiting, return_exceptions=True)] == [ClosedError] * 2
        with pytest.raises(ClosedError):
            await q.get()

    run(main())


def test_closing_minds_tasks_that_were_just_cancelled(queue):
    async def main():
        q = AsyncQueue(queue)
        waiting = [asyncio.create_task(q.get()) for _ in range(3)]
        await turns()
        waiting[0].cancel()
        q.close()
        kinds = [type(result) for result in await asyncio.gather(*waiting, return_exceptions=True)]
        assert kinds == [asyncio.CancelledError, ClosedError, ClosedError]

    run(main())


@pytest.mark.parametrize("consume", [True, False])
def test_removing_the_queue_ends_tasks_that_wait(make, directory, consume):
    async def main():
        q = AsyncQueue(make(1, 8))
        keeper = AsyncQueue(make(flags=Flags.KEEP_UNLINKED))
        if not consume:
            await q.put(b"full")
        wait = (lambda q: q.get()) if consume else (lambda q: q.put(b"1"))
        waiting = [asyncio.create_task(wait(q)) for _ in range(3)]
        keeping = asyncio.create_task(wait(keeper))
        await turns()
        os.unlink(os.path.join(directory, "cqueue.orders"))
        assert [type(result) for result in await asyncio.gather(*waiting, return_exceptions=True)] == [Stale] * 3
        assert not keeping.done()
        if not consume:
            assert await q.get() == b"full"
            await keeping
        else:
            await q.put(b"1")
            assert await keeping == b"1"

    run(main())


def test_closing_the_queue_behind_its_back_is_noticed(queue):
    async def main():
        waiting = asyncio.create_task(AsyncQueue(queue).get())
        await turns()
        queue.close()
        with pytest.raises(ClosedError):
            await waiting

    run(main())


def test_iteration_ends_with_the_queue(queue):
    async def main():
        queue.put_many([b"1", b"2"])
        q = AsyncQueue(queue)
        got = []
        async for message in q:
            got.append(message)
            if len(got) == 2:
                q.close()
        assert got == [b"1", b"2"]

    run(main())


def test_errors_come_through(queue):
    async def main():
        async with AsyncQueue(queue) as q:
            with pytest.raises(TooBigError):
                await q.put(bytes(65))

    run(main())


def test_one_queue_in_one_loop_after_another(queue):
    q = AsyncQueue(queue)

    async def main(message):
        waiting = asyncio.create_task(q.get())
        await turns()
        queue.put(message)
        assert await waiting == message

    run(main(b"1"))
    run(main(b"2"))
    q.close()


def test_a_loop_that_was_closed_in_the_middle_is_forgotten(queue):
    q = AsyncQueue(queue)
    loop = asyncio.new_event_loop()
    abandoned = loop.create_task(q.get())
    loop.run_until_complete(turns(3))
    loop.close()
    abandoned._log_destroy_pending = False

    async def main():
        waiting = asyncio.create_task(q.get())
        await turns()
        queue.put(b"1")
        assert await waiting == b"1"

    run(main())
    abandoned.get_coro().close()


def test_two_loops_at_once_are_refused_at_once(queue):
    q = AsyncQueue(queue)
    refused = []

    def another():
        async def main():
            with pytest.raises(RuntimeError, match='^"orders": the queue is bound to a different event loop') as caught:
                await AsyncQueue(queue).get()
            refused.append(caught.value)

        run(main())

    async def main():
        waiting = asyncio.create_task(q.get())
        await turns()
        await asyncio.to_thread(another)
        queue.put(b"1")
        assert await waiting == b"1"
        await asyncio.to_thread(another)

    run(main())
    assert len(refused) == 2


def test_several_on_one_queue(queue):
    async def main():
        several = [AsyncQueue(queue) for _ in range(4)]
        waiting = [asyncio.create_task(q.get()) for q in several]
        await turns()
        for i in range(4):
            queue.put(b"%d" % i)
        assert await asyncio.gather(*waiting) == [b"0", b"1", b"2", b"3"]
        waiting = [asyncio.create_task(q.get()) for q in several]
        await turns()
        several[2].close()
        kinds = [type(result) for result in await asyncio.gather(*waiting, return_exceptions=True)]
        assert kinds == [ClosedError] * 4

    run(main())


def test_who_waits_first_is_served_first(make):
    queue = make(4, 8)

    async def main():
        q = AsyncQueue(queue)
        order = []

        async def get(number):
            order.append((number, await q.get()))

        waiting = [asyncio.create_task(get(number)) for number in range(6)]
        await turns(3)
        queue.put(b"0")
        # This one comes while the message is there, and those before it were not told yet.
        waiting.append(asyncio.create_task(get(6)))
        await turns(3)
        waiting[2].cancel()
        for i in range(1, 6):
            await asyncio.to_thread(queue.put, b"%d" % i)
        await asyncio.wait(waiting)
        assert order == [(0, b"0"), (1, b"1"), (3, b"2"), (4, b"3"), (5, b"4"), (6, b"5")]

        await q.put_many([b"full"] * 4)
        putting = [asyncio.create_task(q.put(b"%d" % i)) for i in range(5)]
        await turns(3)
        got = [await q.get() for _ in range(9)]
        await asyncio.gather(*putting)
        assert got == [b"full"] * 4 + [b"%d" % i for i in range(5)]

    run(main())


def test_without_waiting(make):
    async def main():
        q = AsyncQueue(make(2, 8))
        assert (q.qsize(), q.empty(), q.full(), q.maxsize) == (0, True, False, 2)
        with pytest.raises(Empty):
            q.get_nowait()
        q.put_nowait(b"1")
        q.put_nowait(b"2")
        with pytest.raises(Full):
            q.put_nowait(b"3")
        assert (q.qsize(), q.empty(), q.full()) == (2, False, True)
        assert q.get_nowait() == b"1"

    run(main())


def test_what_a_task_of_the_same_loop_did_is_told_without_the_descriptor(make, monkeypatch):
    monkeypatch.setattr(aio.Line, "_watch", lambda line: None)

    async def main():
        q = AsyncQueue(make(1, 8))
        getting = [asyncio.create_task(q.get()) for _ in range(2)]
        await turns(3)
        for i in range(2):
            await q.put(b"%d" % i)
            await turns(3)
        assert await asyncio.gather(*getting) == [b"0", b"1"]
        await q.put(b"2")
        putting = asyncio.create_task(q.put(b"3"))
        await turns(3)
        assert await q.get() == b"2"
        await putting
        assert await q.get() == b"3"

    run(main())


def test_a_long_batch_is_encoded_once_and_not_looked_at_again_and_again(make, monkeypatch):
    encoded, looked, count = [], 0, 20_000

    class Counting(JSON):
        def encode(self, item):
            encoded.append(item)
            return super().encode(item)

    def counting_put_all(queue, messages, **more):
        nonlocal looked
        looked += len(messages)
        put_all(queue, messages, **more)

    put_all = aio.put_all
    monkeypatch.setattr(aio, "put_all", counting_put_all)

    async def main():
        async with AsyncQueue(make(16, 16, kind=TypedQueue, codec=Counting())) as q:
            putting = asyncio.create_task(q.put_many(iter(range(count))))
            got = []
            while len(got) < count:
                got += await q.get_many()
            await putting
            assert got == encoded == list(range(count))

    run(main())
    assert looked < 4 * count


def test_a_batch_that_is_ended_says_how_far_it_came(make):
    async def main():
        q = AsyncQueue(make(2, 8))
        putting = asyncio.create_task(q.put_many([b"%d" % i for i in range(6)]))
        await turns()
        assert [await q.get() for _ in range(2)] == [b"0", b"1"]
        await turns()
        q.close()
        with pytest.raises(ClosedError) as caught:
            await putting
        assert caught.value.done == 4

        q = AsyncQueue(make())
        with pytest.raises(TooBigError) as caught:
            await q.put_many([b"1", bytes(9)])
        assert caught.value.done == 0

    run(main())


def test_messages_in_place_as_they_come(queue):
    async def main():
        q = AsyncQueue(queue)
        await q.put_many([b"1", b"2", b"3"])
        seen = []
        async for message in q.messages():
            seen.append((message.tobytes(), message.deliveries))
            if len(seen) == 2:  # left as it is: it comes again
                continue
            message.release()
            if len(seen) == 4:
                q.close()
        assert seen == [(b"1", 1), (b"2", 1), (b"2", 2), (b"3", 1)]

    run(main())


def test_batches_in_place(queue):
    async def main():
        q = AsyncQueue(queue)
        waiting = asyncio.create_task(q.take_many())
        await turns()
        queue.put_many([b"1", b"2"])
        with await waiting as batch:
            assert batch[0].tobytes() == b"1"

    run(main())


def test_a_cancelled_task_passes_its_turn_on(queue):
    """Cancelled after it was told of a message, and before it took it."""

    async def main():
        q = AsyncQueue(queue)
        first, second = asyncio.create_task(q.get()), asyncio.create_task(q.get())
        await turns()
        line = queue._lines[False]
        wake = line._wake_first

        def wake_and_cancel():
            wake()
            first.cancel()

        loop = asyncio.get_running_loop()
        loop.add_reader(queue.fileno(), wake_and_cancel)
        queue.put(b"1")
        assert await second == b"1"
        assert first.cancelled()

    run(main())


def test_nothing_runs_when_nothing_comes(queue):
    """A task that waits costs the loop one look a second."""

    async def main():
        q = AsyncQueue(queue)
        await q.put(b"1")
        await q.get()
        waiting = asyncio.create_task(q.get())
        await turns()
        loop = asyncio.get_running_loop()
        calls = 0
        run_once = loop._run_once

        def counting():
            nonlocal calls
            calls += 1
            run_once()

        loop._run_once = counting
        await asyncio.sleep(0.5)
        assert calls < 10
        waiting.cancel()
        queue.put(b"2")  # nobody waits for it: the descriptor is readable, and is not watched any more
        calls = 0
        await asyncio.sleep(0.5)
        assert calls < 10

    run(main())


def test_the_loop_turns_although_answers_come_at_once(queue):
    """Whoever finds nothing has the loop wait with it for a moment, which must not be all that the loop does."""

    def spin(queue):
        queue.put(b"1")
        return _raw.CQ_OK

    async def main():
        turned = 0

        async def turn():
            nonlocal turned
            while True:
                turned += 1
                await asyncio.sleep(0)

        other = asyncio.create_task(turn())
        q = AsyncQueue(queue)
        q._line(False)._spin = spin
        for _ in range(400):
            assert await q.get() == b"1"
        other.cancel()
        assert turned >= 400 // 8

    run(main())
