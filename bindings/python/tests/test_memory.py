"""Where memory for a message is lacking, who waits for room waits for that, too: on a small file system."""

import asyncio
import contextlib
import pathlib
import subprocess
import threading

import pytest
from conftest import PATIENCE

from cqueue_shm import NoSpaceError
from cqueue_shm.aio import AsyncQueue

MESSAGE = bytes(4096)


@pytest.fixture
def full(directory, make):
    """A queue with room, in a file system without; and what takes the memory, to be removed."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "cqueue", directory], check=False).returncode:
        pytest.skip("file systems of a chosen size are root's")
    queue = make(65_536, len(MESSAGE))
    queue.put(MESSAGE)
    ballast = pathlib.Path(directory, "ballast")
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(MESSAGE)
    with pytest.raises(NoSpaceError):
        while True:
            queue.put_nowait(MESSAGE)
    yield queue, ballast
    queue.close()
    subprocess.run(["umount", "--lazy", directory], check=True)


@pytest.mark.parametrize(
    "put",
    [
        lambda queue: queue.put(MESSAGE),
        lambda queue: queue.put_many([MESSAGE]),
        lambda queue: queue.reserve(len(MESSAGE)).commit(),
    ],
)
def test_threads(full, put):
    queue, ballast = full
    before, threads = queue.qsize(), [threading.Thread(target=put, args=(queue,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    threads[0].join(0.3)
    assert all(thread.is_alive() for thread in threads)
    ballast.unlink()
    for thread in threads:
        thread.join(PATIENCE)
    assert queue.qsize() == before + 3


def test_the_main_thread_learns_what_was_lacking(full):
    queue, ballast = full
    before = queue.qsize()
    with pytest.raises(NoSpaceError):
        queue.put(MESSAGE, timeout=0.1)
    timer = threading.Timer(0.1, ballast.unlink)
    timer.start()
    queue.put(MESSAGE, timeout=PATIENCE)
    timer.join()
    assert queue.qsize() == before + 1


def test_tasks(full):
    queue, ballast = full

    async def main():
        q = AsyncQueue(queue)
        before = q.qsize()
        tasks = [asyncio.create_task(call) for call in (q.put(MESSAGE), q.put_many([MESSAGE, MESSAGE]))]
        await asyncio.sleep(0.3)
        assert not any(task.done() for task in tasks)
        ballast.unlink()
        await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE)
        assert q.qsize() == before + 3

    asyncio.run(main())
