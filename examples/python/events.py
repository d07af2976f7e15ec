"""events NAME COUNT: receive COUNT messages in an event loop, which is free for others while there are none."""

import asyncio
import sys

from cqueue_shm import Queue
from cqueue_shm.aio import AsyncQueue


async def main(name: str, count: int) -> None:
    async with AsyncQueue(Queue(name, capacity=1000, max_message_size=256)) as queue:
        for _ in range(count):
            async with asyncio.timeout(10):
                message = await queue.get()
            print(f"python: got {message.decode()}", flush=True)


try:
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
except TimeoutError:
    sys.exit("python: no message came for ten seconds")
