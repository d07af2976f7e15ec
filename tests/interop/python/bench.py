"""What calls cost in Python: single messages, batches, and a foreign call that does nothing."""

import json
import time

from cqueue_shm import Flags, Queue, _raw

SIZE = 56
BATCH = 64


def repeat(seconds, step, calls):
    """Nanoseconds a call, where one `step` makes so many."""
    steps = 0
    start = now = time.perf_counter_ns()
    end = start + int(seconds * 1e9)
    while now < end:
        for _ in range(256):
            step()
        steps += 256
        now = time.perf_counter_ns()
    return (now - start) / (steps * calls)


def bench(name, directory, seconds):
    with Queue(name, 1024, SIZE, flags=Flags.EXCLUSIVE, directory=directory) as queue:
        queue.unlink()
        message = bytes(SIZE)
        messages = [message] * BATCH

        def single():
            queue.put(message)
            queue.get()

        def batch():
            queue.put_many(messages)
            queue.get_many(BATCH)

        figures = {
            "single_ns": repeat(seconds, single, 2),
            "batch_ns": repeat(seconds, batch, BATCH),
            "empty_ns": repeat(seconds, _raw.cq_abi_version, 1),
        }
        return json.dumps({"language": "python", **figures})
