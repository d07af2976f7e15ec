"""Batch: messages that were taken at once. Each has its own end; that of one that fails keeps no other from its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from ._raw import Message
from .errors import CqueueError

__all__ = ["Batch"]


class Batch(list[Message]):
    """Messages that were taken at once. Made by take_many().

    In a `with` statement those that are held still are released at the end, or given back if an exception leaves the
    block.
    """

    def release(self) -> None:
        """Done with all that are held still. The first error is raised once all were tried."""
        _end(self, Message.release)

    def give_back(self) -> None:
        """Not done with those that are held still."""
        _end(self, Message.give_back)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _end(self, lambda message: message.__exit__(kind, error, trace))


def _end(messages: Iterable[Message], how: Callable[[Message], None]) -> None:
    failure = None
    for message in messages:
        if message.held:
            try:
                how(message)
            except CqueueError as error:
                failure = failure or error
    if failure is not None:
        raise failure
