"""Every error of cqueue.h is one exception, with the queue's name, the code, and what to do."""

import io
import os
import pickle
import queue as standard
import re

import pytest

import cqueue_shm
from cqueue_shm import Flags, Queue, _raw
from cqueue_shm.errors import CLASSES, SYMBOLS


def test_each_code_has_a_class_of_its_own():
    codes = {value for name, value in vars(_raw).items() if name.startswith("CQ_E") and value < 0}
    assert len(codes) == 27
    assert set(CLASSES) == codes | {_raw.CQ_EMPTY, _raw.CQ_FULL, _raw.CQ_CANCELLED, _raw.CQ_STALE}
    assert len(set(CLASSES.values())) == len(CLASSES)
    assert all(kind.__name__ in cqueue_shm.__all__ for kind in CLASSES.values())


def test_symbols_are_those_of_the_header():
    assert len(SYMBOLS) == 33
    assert (SYMBOLS[4], SYMBOLS[5]) == ("CQ_CANCELLED", "CQ_STALE")
    assert (SYMBOLS[1], SYMBOLS[2], SYMBOLS[3], SYMBOLS[-3]) == ("CQ_EMPTY", "CQ_FULL", "CQ_TIMEOUT", "CQ_ENOENT")


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("InvalidError", ValueError),
        ("InvalidNameError", ValueError),
        ("NotFoundError", FileNotFoundError),
        ("ExistsError", FileExistsError),
        ("MismatchError", ValueError),
        ("VersionError", ValueError),
        ("AccessError", PermissionError),
        ("OwnerError", PermissionError),
        ("NoSpaceError", OSError),
        ("NoMemoryError", MemoryError),
        ("LimitError", OSError),
        ("TooSmallError", ValueError),
        ("TooBigError", ValueError),
        ("DiskError", OSError),
        ("BusyError", OSError),
        ("ConsumerError", RuntimeError),
        ("SourcesError", ValueError),
        ("HeadersError", ValueError),
        ("FeatureError", ValueError),
        ("TimedOut", TimeoutError),
        ("ReadOnlyError", io.UnsupportedOperation),
        ("ForkError", RuntimeError),
        ("NotHeldError", ValueError),
        ("FileSystemError", OSError),
        ("SystemFailedError", OSError),
        ("ProcessLimitError", OSError),
        ("FileSizeError", OSError),
        ("Stale", OSError),
        ("ClosedError", ValueError),
        ("Empty", standard.Empty),
        ("Full", standard.Full),
    ],
)
def test_exceptions_are_what_python_programmers_catch(name, builtin):
    kind = getattr(cqueue_shm, name)
    assert issubclass(kind, builtin)
    assert issubclass(kind, cqueue_shm.CqueueError)


CASES = [
    (-1, "InvalidError", '"orders": capacity 2147483649 is more than 2147483648 messages, the maximum',
     {"capacity": (1 << 31) + 1}),
    (-4, "ExistsError", '"orders": exists in DIRECTORY already: attach to it, or unlink it first', {"flags": 1}),
    (-5, "MismatchError", '"orders": region has capacity 8, asked for 9: ask for what it has (or 0, whatever it has), '
     "or unlink it first", {"capacity": 9}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "kind", "text", "asked"), CASES, ids=[case[1] for case in CASES])
def test_opening_says_what_was_asked_and_found(queue, directory, code, kind, text, asked):
    with pytest.raises(getattr(cqueue_shm, kind)) as caught:
        Queue("orders", directory=directory, **asked)
    assert str(caught.value) == text.replace("DIRECTORY", directory)
    assert (caught.value.code, caught.value.queue) == (code, "orders")


def test_a_missing_queue(directory):
    with pytest.raises(FileNotFoundError) as caught:
        Queue("orders", flags=Flags.ATTACH, directory=directory)
    text = f'"orders": no queue of that name in {directory}: create it first, or check the directory'
    assert (str(caught.value), caught.value.symbol, caught.value.errno) == (text, "CQ_ENOENT", 2)
    assert caught.value.strerror == "No such file or directory"
    assert caught.value.filename == f"{directory}/cqueue.orders"
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.errno, again.strerror, again.filename) == (2, caught.value.strerror, caught.value.filename)


@pytest.mark.parametrize("code", [code for code, kind in CLASSES.items() if issubclass(kind, OSError)])
def test_what_is_an_oserror_says_which(queue, code):
    with pytest.raises(OSError) as caught:
        queue._check(code)
    assert caught.value.errno > 0
    assert caught.value.strerror == os.strerror(caught.value.errno)
    assert caught.value.filename == f"{queue.directory}/cqueue.orders"
    assert str(caught.value).startswith('"orders": ')


@pytest.mark.parametrize("code", CLASSES)
def test_texts_use_the_words_of_python(queue, code):
    with pytest.raises(cqueue_shm.CqueueError) as caught:
        queue._check(code, 65)
    assert not re.search("CQ_|cq_|sizeof|NULL|struct_size", str(caught.value))


def test_texts_name_arguments(make, queue):
    with pytest.raises(cqueue_shm.ReadOnlyError, match="open it without read_only=True"):
        make(read_only=True).get()


@pytest.mark.parametrize("name", ["", "-a", "a/b", "ä", "a" * 201])
def test_names_that_are_none(directory, name):
    with pytest.raises(cqueue_shm.InvalidNameError, match="a name is 1 to 200 of A-Z a-z 0-9"):
        Queue(name, directory=directory)


def test_names_are_not_cut_off(directory):
    with pytest.raises(ValueError, match="embedded null"):
        Queue("orders\0more", directory=directory)
    with pytest.raises(ValueError, match="embedded null"):
        Queue("orders", directory=directory + "\0more")
    with pytest.raises(TypeError, match="a queue's name is a str"):
        Queue(b"orders", directory=directory)
    assert os.listdir(directory) == []


def test_numbers_that_no_field_holds(directory):
    for name in ("capacity", "max_message_size", "max_held", "permissions", "flags"):
        with pytest.raises(ValueError, match=f"^'{name}' must not be negative, and is -1$"):
            Queue("orders", directory=directory, **{name: -1})
        with pytest.raises(ValueError, match=f"^'{name}' is too large: {1 << 64}$"):
            Queue("orders", directory=directory, **{name: 1 << 64})
        with pytest.raises(TypeError):
            Queue("orders", directory=directory, **{name: 1.5})
    with pytest.raises(cqueue_shm.InvalidError):
        Queue("orders", directory=directory, flags=1 << 20)


def test_a_file_that_is_no_region(directory):
    with open(os.path.join(directory, "cqueue.orders"), "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(bytes(1 << 16))
    with pytest.raises(cqueue_shm.CorruptError, match="is no region of cqueue"):
        Queue("orders", directory=directory)


def test_a_file_that_everybody_may_write_is_never_accepted(queue, directory):
    file = os.path.join(directory, "cqueue.orders")
    os.chmod(file, 0o660)
    Queue("orders", directory=directory).close()  # one's own is as open to its group as one made it
    os.chmod(file, 0o666)
    with pytest.raises(cqueue_shm.OwnerError) as caught:
        Queue("orders", directory=directory, trust=True)
    assert (caught.value.symbol, caught.value.errno) == ("CQ_EOWNER", 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_file_is_accepted_by_who_trusts_it(queue, directory):
    file = os.path.join(directory, "cqueue.orders")
    os.chown(file, 12345, 12345)
    os.chmod(file, 0o660)
    with pytest.raises(cqueue_shm.OwnerError):
        Queue("orders", directory=directory)
    Queue("orders", permissions=0o660, directory=directory).close()
    Queue("orders", flags=Flags.TRUST, directory=directory).close()
    with Queue("orders", directory=directory, trust=True) as trusting, pickle.loads(pickle.dumps(trusting)):
        assert queue.stats().participants == 3
    os.chmod(file, 0o666)
    with pytest.raises(cqueue_shm.OwnerError):
        Queue("orders", directory=directory, trust=True)


def test_a_link_is_not_followed(directory):
    os.symlink("/dev/null", os.path.join(directory, "cqueue.orders"))
    with pytest.raises(PermissionError, match="is not a regular file"):
        Queue("orders", directory=directory)


def test_an_onlooker_changes_nothing(make, queue):
    onlooker = make(flags=Flags.READ_ONLY)
    for call in (
        onlooker.get, onlooker.take, onlooker.recover, onlooker.fileno, onlooker.room_fileno, onlooker.get_many,
        lambda: onlooker.put(b""), lambda: onlooker.put_many([b""]), lambda: onlooker.reserve(1),
        lambda: onlooker.get_into(bytearray(1)), onlooker.cancel, onlooker.reset_cancel,
    ):  # fmt: skip
        with pytest.raises(io.UnsupportedOperation, match="opened read-only"):
            call()


def test_too_big_says_both_sizes(queue):
    for call in (queue.put, queue.put_nowait):
        with pytest.raises(cqueue_shm.TooBigError) as caught:
            call(memoryview(bytes(65)))
        assert (
            str(caught.value) == '"orders": a message of 65 bytes, the region takes 64 at most (or what was reserved)'
        )


@pytest.mark.parametrize("kind", [*CLASSES.values(), cqueue_shm.ClosedError], ids=lambda kind: kind.__name__)
def test_exceptions_can_be_pickled(kind):
    error = kind("text", "orders", -3)
    error.done = 3
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.queue, again.code, again.done) == (kind, "text", "orders", -3, 3)
