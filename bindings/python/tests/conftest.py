"""What the tests share: a directory of their own in shared memory, and queues that are closed in the end."""

import os
import shutil
import signal
import tempfile

import pytest

from cqueue_shm import Queue

PATIENCE = 60  # seconds; nothing takes so long unless something is wrong

# 1 for the numbers of repetitions that find rare faults, else what a minute allows.
LONG = os.environ.get("CQ_LONG") == "1"

# Whoever runs the tests in the background of a script has them ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def directory():
    path = tempfile.mkdtemp(prefix="cqueue-python-", dir="/dev/shm")
    yield path
    shutil.rmtree(path)


@pytest.fixture
def make(directory):
    """make(capacity, size, **more): a handle on the test's queue, which is created by the first."""
    opened = []

    def make(capacity=0, size=0, name="orders", kind=Queue, **more):
        opened.append(kind(name, capacity, size, directory=directory, **more))
        return opened[-1]

    yield make
    for queue in opened:
        queue.close()


@pytest.fixture
def queue(make):
    return make(8, 64)
