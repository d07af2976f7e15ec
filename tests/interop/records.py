"""The files that producers and consumers write: see README.md."""

import collections
import os
import struct

RECORD = struct.Struct("<QQIIII")
Record = collections.namedtuple("Record", "producer number size intact deliveries zero")


def _read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def read_log(path):
    """All records, as tuples. A killed consumer may have left a part of one, which is no record, or not even a file."""
    content = _read(path)
    return RECORD.iter_unpack(content[: len(content) // RECORD.size * RECORD.size])


def count_log(path):
    try:
        return os.path.getsize(path) // RECORD.size
    except FileNotFoundError:
        return 0


def read_ack(path):
    content = _read(path)
    return int.from_bytes(content, "little") if len(content) == 8 else 0
