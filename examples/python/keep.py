"""keep NAME COUNT DIRECTORY: put COUNT orders into a durable queue, ten at a time, and say of each that they are safe.

They are on the disk then, in DIRECTORY, whatever happens to this process or this machine.
"""

import os
import sys

from cqueue_shm import Queue

name, count, directory = sys.argv[1], int(sys.argv[2]), sys.argv[3]

with Queue(name, capacity=1000, max_message_size=256, durable_directory=directory) as queue:
    for i in range(1, count + 1):
        queue.put(f"order {i} from python-{os.getpid()}".encode())
        if i % 10 == 0 or i == count:
            queue.sync()  # one for all ten; and shared with whoever else syncs at this moment
            print(f"python: kept {i}", flush=True)
