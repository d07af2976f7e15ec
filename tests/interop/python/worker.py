"""What tests/interop asks of every language, by way of cqueue_shm. README.md beside this folder describes the modes."""

import argparse
import os
import struct
import sys
import time
import zlib

import typed
from bench import bench

from cqueue_shm import CqueueError, Empty, Flags, Full, Queue

BATCH = 64
HEAD = struct.Struct("<QQ")
CHECK = struct.Struct("<I")
FILLING = HEAD.size + CHECK.size
RECORD = struct.Struct("<QQIIII")  # producer, number, size, intact, deliveries, 0
ACKNOWLEDGED = struct.Struct("<Q")


def payload(producer, number, size):
    if size == 0:
        return b""
    head = HEAD.pack(producer, number)
    filling = bytes([number & 255]) * (size - FILLING)
    return head + CHECK.pack(zlib.crc32(filling, zlib.crc32(head))) + filling


def record(data, deliveries=0):
    """What the log says about a message, of which nothing is believed."""
    size = len(data)
    if size == 0:
        return RECORD.pack(0, 0, 0, 1, deliveries, 0)
    if size < FILLING:
        return RECORD.pack(0, 0, size, 0, deliveries, 0)
    producer, number = HEAD.unpack_from(data)
    intact = bytes(data) == payload(producer, number, size)
    return RECORD.pack(producer, number, size, intact, deliveries, 0)


def run_open(arguments):
    flags = Flags[(arguments.flags or "create").replace("-", "_").upper()]
    try:
        queue = Queue(
            arguments.name, arguments.capacity, arguments.max_size, flags=flags, directory=arguments.directory
        )
    except CqueueError as error:
        print(f"{error.symbol}: {error}")
        return
    with queue:
        print("ok", queue.capacity, queue.max_message_size)


def attach(arguments, flags=Flags.ATTACH):
    return Queue(arguments.name, flags=flags, directory=arguments.directory)


def commit(reservation):
    while True:
        try:
            return reservation.commit()
        except Full:  # its place was given up, and there is no room for it now
            time.sleep(0.001)


def run_produce(arguments):
    queue = attach(arguments)
    step = BATCH if arguments.method == "batch" else 1
    log = os.open(arguments.ack, os.O_WRONLY | os.O_CREAT, 0o600)
    end = arguments.first + arguments.count
    for first in range(arguments.first, end, step):
        last = min(first + step, end)
        messages = [payload(arguments.producer, number, arguments.size) for number in range(first, last)]
        if arguments.method == "batch":
            queue.put_many(messages)
        elif arguments.method == "copy":
            queue.put(messages[0])
        else:
            reservation = queue.reserve(arguments.size)
            reservation.data[:] = messages[0]
            commit(reservation)
        os.pwrite(log, ACKNOWLEDGED.pack(last - arguments.first), 0)


def run_consume(arguments):
    queue = attach(arguments)
    log = os.open(arguments.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    patience = arguments.idle_ms / 1000
    try:
        while True:
            if arguments.method == "batch":
                os.write(log, b"".join(map(record, queue.get_many(BATCH, timeout=patience))))
            elif arguments.method == "copy":
                os.write(log, record(queue.get(timeout=patience)))
            else:
                with queue.take(timeout=patience) as message:
                    os.write(log, record(message.data, message.deliveries))
    except Empty:
        return


def run_hold(arguments):
    message = attach(arguments).take()
    producer, number = HEAD.unpack_from(message.data) if message.size else (0, 0)
    print("held", producer, number, message.deliveries, flush=True)
    while True:
        time.sleep(3600)


def run_walk(arguments):
    for position, deliveries, data in attach(arguments, Flags.READ_ONLY).walk():
        print(position, deliveries, data.hex() or "-")


def run_bench(arguments):
    print(bench(arguments.name, arguments.directory, arguments.seconds))


def main():
    modes = {
        "open": run_open,
        "produce": run_produce,
        "consume": run_consume,
        "hold": run_hold,
        "walk": run_walk,
        "bench": run_bench,
        "put-typed": typed.run_put,
        "get-typed": typed.run_get,
    }
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=modes)
    parser.add_argument("--name", required=True)
    parser.add_argument("--directory", required=True)
    parser.add_argument("--flags")
    parser.add_argument("--method", choices=["copy", "batch", "loan"])
    parser.add_argument("--format", choices=typed.CODECS)
    for option in ("ack", "log"):
        parser.add_argument(f"--{option}")
    for option in ("capacity", "max-size", "producer", "count", "size", "first", "idle-ms"):
        parser.add_argument(f"--{option}", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=1)
    # As one word each, so that a value may begin with a dash.
    words = sys.argv[2:]
    pairs = [f"{option}={value}" for option, value in zip(words[::2], words[1::2], strict=True)]
    arguments = parser.parse_args([*sys.argv[1:2], *pairs])
    modes[arguments.mode](arguments)


if __name__ == "__main__":
    sys.exit(main())
