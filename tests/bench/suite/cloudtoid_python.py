"""Prints the nanoseconds that a message of 56 bytes takes in cloudtoid's Python, in and out by one thread, as
bindings/python/bench does it. Run by the suite in its own environment, which has the package.
"""

import sys
import time

from cloudtoid_interprocess import Publisher, Subscriber

COUNT = 20_000

with_path = sys.argv[1]
times = []
subscriber = Subscriber("python", 1 << 20, with_path)
publisher = Publisher("python", 1 << 20, with_path)
message = bytes(56)
for _ in range(int(sys.argv[2])):
    begin = time.perf_counter_ns()
    for _ in range(COUNT):
        publisher.try_send(message)
        if subscriber.try_receive() != message:
            raise SystemExit("wrong contents")
    times.append((time.perf_counter_ns() - begin) / COUNT)
print(sorted(times)[len(times) // 2])
