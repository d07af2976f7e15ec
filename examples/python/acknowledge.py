"""acknowledge NAME COUNT: handle COUNT messages where they lie; what is not released is delivered again.

That holds for one that is given back, as the first one here is, and for those of a process that dies.
"""

import sys

from cqueue_shm import Empty, Queue

name, count = sys.argv[1], int(sys.argv[2])

with Queue(name, capacity=1000, max_message_size=256) as queue:
    handled = 0
    is_first = True
    while handled < count:
        try:
            message = queue.take(timeout=10)
        except Empty as error:
            sys.exit(f"python: {error}")
        with message:  # released at the end of the block, given back if an exception leaves it
            text = bytes(message.data).decode()
            if is_first and message.deliveries == 1:
                message.give_back()
                print(f"python: gave back {text}", flush=True)
            else:
                print(f"python: handled {text} (delivery {message.deliveries})", flush=True)
                handled += 1
            is_first = False
