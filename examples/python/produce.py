"""produce NAME COUNT: send COUNT messages, waiting whenever there is no room."""

import sys

from cqueue_shm import Queue

name, count = sys.argv[1], int(sys.argv[2])

# Opens the queue if there is one of that name, whoever made it, else makes it.
with Queue(name, capacity=1000, max_message_size=256) as queue:
    for i in range(1, count + 1):
        queue.put(f"order {i} from python".encode())
print(f"python: sent {count}")
