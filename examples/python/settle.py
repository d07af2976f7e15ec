"""settle NAME COUNT DIRECTORY: handle COUNT orders of a durable queue, and say of each when it will not come again."""

import sys

from cqueue_shm import Queue

name, count, directory = sys.argv[1], int(sys.argv[2]), sys.argv[3]

with Queue(name, capacity=1000, max_message_size=256, durable_directory=directory) as queue:
    for _ in range(count):
        with queue.take() as order:  # released at the end of the block
            text = bytes(order.data).decode()
            print(f"python: got {text} (delivery {order.deliveries}, position {order.position})", flush=True)
        queue.sync()  # until here a power cut may bring it back, marked as delivered before
        print(f"python: settled {text}", flush=True)
