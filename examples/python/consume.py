"""consume NAME COUNT: receive COUNT messages, waiting up to ten seconds for each."""

import sys

from cqueue_shm import Empty, Queue

name, count = sys.argv[1], int(sys.argv[2])

with Queue(name, capacity=1000, max_message_size=256) as queue:
    for _ in range(count):
        try:
            message = queue.get(timeout=10)
        except Empty as error:
            sys.exit(f"python: {error}")
        # Flushed, so that the line is there even if this process is killed now.
        print(f"python: got {message.decode()}", flush=True)
