"""ObjectQueue: objects in, equal objects out."""

from fractions import Fraction

import pytest

from cqueue_shm import Empty, TooBigError
from cqueue_shm.objects import ObjectQueue

OBJECTS = [None, 0, "text", b"bytes", [1, [2]], {"a": (1, 2)}, Fraction(1, 3), {1, 2}]


@pytest.fixture
def objects(make):
    return make(100, 256, kind=ObjectQueue)


def test_objects_come_out_equal(objects):
    for item in OBJECTS:
        objects.put(item)
    assert [objects.get() for _ in OBJECTS] == OBJECTS
    objects.put_many(iter(OBJECTS))
    objects.put_nowait("last")
    assert objects.get_many() == [*OBJECTS, "last"]
    objects.put("1")
    assert objects.get_nowait() == "1"


def test_waiting_for_several(objects):
    objects.put([1])
    assert objects.get_many(5, timeout=1) == [[1]]
    with pytest.raises(Empty):
        objects.get_many(timeout=0.01)
    with pytest.raises(Empty):
        objects.get_nowait()


def test_iteration(objects):
    objects.put("only")
    for item in objects:
        assert item == "only"
        objects.close()


def test_what_cannot_be_pickled_or_is_too_large(objects):
    with pytest.raises(Exception, match="pickle"):
        objects.put(lambda: None)
    with pytest.raises(TooBigError):
        objects.put("x" * 257)
    assert objects.empty()
