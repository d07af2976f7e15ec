"""Any sequence of calls does what it does to a simple list of messages: several handles, loans, closing."""

import shutil
import tempfile

import hypothesis.strategies as some
from conftest import LONG
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cqueue_shm import Empty, Full, Queue, TooBigError

CAPACITY = 7
SIZE = 40

messages = some.binary(max_size=SIZE)
pick = some.integers(0, 1 << 16)


class Model(RuleBasedStateMachine):
    """`waiting` are messages in order; `again` those given back, which come first, by position."""

    def __init__(self):
        super().__init__()
        self.directory = tempfile.mkdtemp(prefix="cqueue-python-", dir="/dev/shm")
        self.handles = [self.open(), self.open()]
        self.waiting = []
        self.again = []  # (position, message, deliveries)
        self.taken = []  # (handle, Message, message)
        self.reserved = []  # (handle, Reservation)

    def teardown(self):
        for handle in self.handles:
            handle.close()
        shutil.rmtree(self.directory)

    def open(self):
        return Queue("orders", CAPACITY, SIZE, directory=self.directory)

    def room(self):
        return CAPACITY - len(self.waiting) - len(self.reserved)

    def handle(self, number):
        return self.handles[number % len(self.handles)]

    def next(self):
        """What is delivered next: message, deliveries."""
        if self.again:
            self.again.sort()
            return self.again.pop(0)[1:]
        return (self.waiting.pop(0), 1) if self.waiting else None

    # A reservation is a place in the queue that nobody can pass without voiding it, which the model leaves out.
    nothing_reserved = precondition(lambda self: not self.reserved)

    @rule(message=messages, number=pick)
    @nothing_reserved
    def put(self, message, number):
        try:
            self.handle(number).put_nowait(message)
        except Full:
            assert self.room() == 0
        else:
            assert self.room() > 0
            self.waiting.append(message)

    @rule(message=some.binary(min_size=SIZE + 1, max_size=SIZE + 9), number=pick)
    def put_too_big(self, message, number):
        try:
            self.handle(number).put_nowait(message)
        except TooBigError:
            return
        raise AssertionError("it was taken")

    @rule(batch=some.lists(messages, max_size=CAPACITY + 2), number=pick)
    @nothing_reserved
    def put_many(self, batch, number):
        room = self.room()
        try:
            self.handle(number).put_many(batch, block=False)
        except Full as full:
            assert full.done == room < len(batch)
            batch = batch[: full.done]
        self.waiting += batch

    @rule(number=pick)
    @nothing_reserved
    def get(self, number):
        expected = self.next()
        try:
            assert self.handle(number).get_nowait() == expected[0]
        except Empty:
            assert expected is None

    @rule(number=pick, count=some.integers(1, CAPACITY + 2))
    @nothing_reserved
    def get_many(self, number, count):
        expected = [message for _ in range(count) if (message := self.next())]
        try:
            assert self.handle(number).get_many(count, block=False) == [message for message, _ in expected]
        except Empty:
            assert expected == []

    @rule(number=pick)
    @nothing_reserved
    def take(self, number):
        expected = self.next()
        try:
            message = self.handle(number).take(block=False)
        except Empty:
            assert expected is None
        else:
            assert (bytes(message.data), message.deliveries) == expected
            self.taken.append((self.handle(number), message, expected[0]))

    @rule(number=pick)
    @precondition(lambda self: self.taken)
    def release(self, number):
        self.taken.pop(number % len(self.taken))[1].release()

    @rule(number=pick)
    @precondition(lambda self: self.taken)
    def give_back(self, number):
        _, message, content = self.taken.pop(number % len(self.taken))
        position, deliveries = message.position, message.deliveries
        message.give_back()
        self.again.append((position, content, deliveries + 1))

    @rule(number=pick, size=some.integers(0, SIZE))
    @nothing_reserved
    def reserve(self, number, size):
        try:
            reservation = self.handle(number).reserve(size, block=False)
        except Full:
            assert self.room() == 0
        else:
            self.reserved.append((self.handle(number), reservation))

    @rule(message=messages)
    @precondition(lambda self: self.reserved)
    def commit(self, message):
        _, reservation = self.reserved.pop()
        message = message[: reservation.size]
        reservation.data[: len(message)] = message
        reservation.commit(len(message))
        self.waiting.append(message)

    @rule()
    @precondition(lambda self: self.reserved)
    def abort(self):
        self.reserved.pop()[1].abort()

    @rule(number=pick)
    def reopen(self, number):
        """Closing does to loans what a death does."""
        closing = self.handle(number)
        for handle, message, content in self.taken:
            if handle is closing:
                self.again.append((message.position, content, message.deliveries + 1))
        self.taken = [entry for entry in self.taken if entry[0] is not closing]
        self.reserved = [entry for entry in self.reserved if entry[0] is not closing]
        closing.close()
        self.handles[self.handles.index(closing)] = self.open()

    @rule()
    def recover(self):
        assert self.handles[0].recover().participants == 0

    @invariant()
    def loans_keep_what_they_show(self):
        for _, message, content in self.taken:
            assert message.data == content

    @invariant()
    @nothing_reserved
    def walking_shows_what_waits(self):
        expected = [message for _, message, _ in sorted(self.again)] + self.waiting
        assert [waiting.data for waiting in self.handles[1].walk()] == expected
        assert self.handles[0].qsize() == len(expected)


Model.TestCase.settings = settings(
    max_examples=2000 if LONG else 60, stateful_step_count=60, deadline=None, derandomize=not LONG, database=None
)
TestModel = Model.TestCase
